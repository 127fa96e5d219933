"""What a reader of labelled data is, and the columns that the user names for it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError
from data.corpus.files import text_ending
from data.examples.rows import BadRows
from data.examples.types import AttackedExamples, Example

TASK_HELP = (
    "what the data are: cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli, squad, squad2, ner, pos, or "
    "text, tagging, qa for data of your own"
)
CONLLU_COLUMNS = {"upos": 3, "xpos": 4}
"""The tags of a CoNLL-U file, and the numbers of their columns."""
LABEL_KINDS = ("classification", "regression", "multi_label")


@dataclass(kw_only=True)
class Columns(Settings):
    """A task, and the columns of its data; official files have columns of their own."""

    RENAMED: ClassVar[Mapping[str, str]] = {**Settings.RENAMED, "kind": "label_kind"}

    task: str = option(REQUIRED, TASK_HELP)
    text_column: str = option("text", "text: column of the text")
    pair_column: str | None = option(None, "text: column of the second text of a pair")
    label_column: str = option("label", "text: column of the label")
    label_kind: str = option("classification", f"text: {', '.join(LABEL_KINDS)}", choices=LABEL_KINDS)
    separator: str = option(",", "text: what separates labels in a cell")
    words_column: str = option("words", "tagging: column of the words")
    tags_column: str = option("tags", "tagging: column of the tags")
    word_number: int = option(0, "CoNLL files: number of the words' column, from 0")
    tag_number: int = option(-1, "CoNLL files: number of the tags' column; -1 is the last")
    conllu_column: str = option(
        "xpos", f"tags of CoNLL-U files: {' or '.join(CONLLU_COLUMNS)}", choices=CONLLU_COLUMNS
    )
    question_column: str = option("question", "qa: column of the question")
    context_column: str = option("context", "qa: column of the text with the answer")
    answers_column: str = option("answers", "qa: column of the answers")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.separator:
            raise CharBertError("--separator: is empty; give what separates two labels in a cell")


class Reader(ABC):
    """Reads the labelled data of a task, and writes attacked data in the same format."""

    is_own_data: ClassVar[bool] = False
    """Whether the data are the user's own, and no official files with official names."""
    has_contexts: bool = False
    """Whether the examples are questions about contexts."""
    moves_labels: ClassVar[bool] = True
    """Whether labels belong to words or characters, and so must be read and moved by an attack."""
    label_setting: str | None = None
    """The field of `Columns` that names the column of labels, if that column may be missing."""
    labels: tuple[str, ...] | None = None
    """The classes of the task in their official order; none for a number, None for those of the data."""

    @abstractmethod
    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        """The examples of a source, in order.

        Args:
            columns: the task and its columns.
            source: a file, or anything else that `read_table` reads.
            bad: gets the rows that cannot be used.
            labelled: read the labels in data of one's own; official files show whether they have some.

        Raises:
            CharBertError: it cannot be read, or is a table and the task reads official files.
        """

    def has_labels(self, columns: Columns, source: str) -> bool:
        """Whether data of one's own have the column of labels; True for official files, which show it.

        Raises:
            CharBertError: as `read`.
        """
        return True

    @abstractmethod
    def files(self, folder: Path, split: str) -> dict[str, str]:
        """The official files of a split (train, dev, test) by name; the first has the name `""`.

        Raises:
            CharBertError: the folder lacks one; those of `test` may be missing.
        """

    @abstractmethod
    def write_attacked(
        self,
        columns: Columns,
        path: Path,
        output: IO[bytes],
        originals: Sequence[Any],
        attacked: AttackedExamples,
    ) -> None:
        """Write a file that reads as the attacked examples where `path` reads as the original ones.

        Columns, their order and the format stay; rows that gave no example are left out.

        Args:
            columns: the task and its columns.
            path: the file that the originals were read from.
            output: gets the content.
            originals: the examples before the attack.
            attacked: the examples after it.

        Raises:
            CharBertError: a column cannot hold its new texts.
        """


TABLE_ENDINGS = (".csv", ".jsonl", ".json", ".parquet")
"""Of tables, which are no official files."""


def refuse_tables(task: str, source: str, own_task: str) -> None:
    """Refuse a table where official files are read.

    Raises:
        CharBertError: the source is a table by its name; names the task that reads it.
    """
    if text_ending(Path(source)) in TABLE_ENDINGS:
        raise CharBertError(
            f"{source}: is a table by its name, which {task} does not read; the task {own_task} does"
        )


class OfficialReader(Reader):
    """Reads files in the form of a shared task.

    Args:
        patterns: for each split the names of its file in a folder, as `Path.glob` takes them; the first that
            is there counts.
    """

    own_task: ClassVar[str]
    """The task that reads such data of one's own, also in tables."""

    def __init__(self, patterns: Mapping[str, Sequence[str]]) -> None:
        self._patterns = patterns

    def files(self, folder: Path, split: str) -> dict[str, str]:
        patterns = self._patterns.get(split, ())
        found = next((path for pattern in patterns for path in sorted(folder.glob(pattern))), None)
        if found:
            return {"": str(found)}
        if split == "test" or not patterns:
            return {}
        raise CharBertError(f"{folder}: has no {' or '.join(patterns)}; name the file with --{split}")
