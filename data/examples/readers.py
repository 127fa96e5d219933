"""The readers of labelled data by task, and the columns that they read.

A task of another format is a `Reader`, registered by `register_reader`.
"""

from collections.abc import Iterator
from pathlib import Path

from charbert.compression import text_ending
from charbert.errors import CharBertError
from data.examples import conll
from data.examples.base import READERS, Columns, Reader
from data.examples.conll import ConllReader
from data.examples.glue import GLUE
from data.examples.own import QuestionTable, TextTable, WordTable
from data.examples.rows import BadRows
from data.examples.squad import SquadReader
from data.examples.tables import ENDINGS
from data.examples.types import Example

__all__ = ["READERS", "Columns", "Reader", "find_reader", "has_labels", "read_examples", "register_reader"]


NER = ConllReader(
    {
        "train": ("eng.train", "train.txt", "train.conll"),
        "dev": ("eng.testa", "valid.txt", "dev.txt", "dev.conll"),
        "test": ("eng.testb", "test.txt", "test.conll"),
    }
)
POS = ConllReader(
    {split: (f"*{split}.conllu", f"{split}.txt", f"{split}.conll") for split in ("train", "dev", "test")}
)
READERS.update(
    {
        **GLUE,
        "squad": SquadReader("1.1"),
        "squad2": SquadReader("2.0"),
        "ner": NER,
        "pos": POS,
        "text": TextTable(),
        "tagging": WordTable(POS, conll.ENDINGS),
        "qa": QuestionTable(SquadReader("2.0"), SquadReader.endings),
    }
)


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
    """As `Reader.read`, by the reader of the task of the columns.

    Raises:
        CharBertError: the source is a table by its name, and the task reads official files.
    """
    reader, ending = find_reader(columns.task), text_ending(Path(source))
    if reader.own_task and ending in ENDINGS and ending not in (".tsv", *reader.endings):
        raise CharBertError(
            f"{source}: is a table by its name, which {columns.task} does not read; "
            f"the task {reader.own_task} does"
        )
    return reader.read(columns, source, bad, labelled)


def has_labels(columns: Columns, source: str) -> bool:
    """As `Reader.has_labels`, by the reader of the task of the columns."""
    return find_reader(columns.task).has_labels(columns, source)
