"""The readers of labelled data by task, and the columns that they read.

A task of another format is a `Reader`, registered by `register_reader`.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from charbert.errors import CharBertError
from data.corpus.files import text_ending
from data.examples import conll, squad
from data.examples.base import Columns, Reader
from data.examples.conll import ConllReader
from data.examples.glue import GLUE
from data.examples.own import QuestionTable, TextTable, WordTable
from data.examples.rows import BadRows
from data.examples.squad import SquadReader
from data.examples.tables import ENDINGS, FORMATS
from data.examples.types import AttackedExamples, Example

__all__ = ["READERS", "Columns", "Reader", "find_reader", "has_labels", "read_examples", "register_reader"]


class TableOrOfficialReader(Reader):
    """Reads data of one's own in tables, or, by the endings of their names, in the form of official files.

    Args:
        table: reads tables.
        official: reads all with one of `endings`.
        endings: in small letters.
    """

    is_own_data = True

    def __init__(self, table: Reader, official: Reader, endings: Collection[str]) -> None:
        self._table, self._official, self._endings = table, official, endings
        self.label_setting = table.label_setting
        self.has_contexts = table.has_contexts

    def _reader(self, source: str | Path) -> Reader:
        path, ending = Path(source), text_ending(Path(source))
        if ending in self._endings:
            return self._official
        if path.is_file() and ending not in ENDINGS:
            raise CharBertError(
                f"{path}: is neither a table, {FORMATS}, nor {', '.join(self._endings)} by its name"
            )
        return self._table

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        return self._reader(source).read(columns, source, bad, labelled)

    def has_labels(self, columns: Columns, source: str) -> bool:
        return self._reader(source).has_labels(columns, source)

    def files(self, folder: Path, split: str) -> dict[str, str]:
        return self._table.files(folder, split)

    def write_attacked(
        self,
        columns: Columns,
        path: Path,
        output: IO[bytes],
        originals: Sequence[Any],
        attacked: AttackedExamples,
    ) -> None:
        self._reader(path).write_attacked(columns, path, output, originals, attacked)


def _squad(version: str) -> SquadReader:
    return SquadReader({split: (f"{split}-v{version}.json",) for split in ("train", "dev")})


_NER = ConllReader(
    {
        "train": ("eng.train", "train.txt", "train.conll"),
        "dev": ("eng.testa", "valid.txt", "dev.txt", "dev.conll"),
        "test": ("eng.testb", "test.txt", "test.conll"),
    }
)
_POS = ConllReader(
    {split: (f"*{split}.conllu", f"{split}.txt", f"{split}.conll") for split in ("train", "dev", "test")}
)
READERS: dict[str, Reader] = {
    **GLUE,
    "squad": _squad("1.1"),
    "squad2": _squad("2.0"),
    "ner": _NER,
    "pos": _POS,
    "text": TextTable(),
    "tagging": TableOrOfficialReader(WordTable(), _POS, conll.ENDINGS),
    "qa": TableOrOfficialReader(QuestionTable(), _squad("2.0"), (squad.ENDING,)),
}


def register_reader(task: str, reader: Reader) -> None:
    """Add the data of a task, or replace its reader."""
    READERS[task] = reader


def find_reader(task: str) -> Reader:
    """The reader of a task.

    Raises:
        CharBertError: there is no such task.
    """
    if task not in READERS:
        raise CharBertError(f"--task: {task!r} is unknown; choose one of {', '.join(READERS)}")
    return READERS[task]


def read_examples(columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
    """As `Reader.read`, by the reader of the task of the columns."""
    return find_reader(columns.task).read(columns, source, bad, labelled)


def has_labels(columns: Columns, source: str) -> bool:
    """As `Reader.has_labels`, by the reader of the task of the columns."""
    return find_reader(columns.task).has_labels(columns, source)
