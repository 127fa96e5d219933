"""What a reader of labelled data is, and the columns that the user names for it."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError
from data.examples.rows import BadRows, Row
from data.examples.types import AttackedExamples, Example

TASK_HELP = (
    "what the data are: cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli, squad, squad2, ner, pos, or "
    "text, tagging, qa for data of your own"
)
CONLLU_COLUMNS = {"upos": 3, "xpos": 4}
"""The tags of a CoNLL-U file, and the numbers of their columns."""
READERS: dict[str, "Reader"] = {}
"""The readers of labelled data by task, filled in `readers.py`."""
LABEL_KINDS = ("classification", "regression", "multi_label")


@dataclass(kw_only=True)
class Columns(Settings):
    """A task, and the columns of its data; official files have columns of their own."""

    RENAMED: ClassVar[Mapping[str, str]] = {**Settings.RENAMED, "kind": "label_kind"}

    task: str = option(REQUIRED, TASK_HELP, choices=READERS, section="inputs")
    text_column: str = option("text", "text: column of the text", section="columns of your own data")
    pair_column: str | None = option(None, "text: column of the second text of a pair")
    label_column: str = option("label", "text: column of the label")
    label_kind: str = option("classification", "text: what a label is", choices=LABEL_KINDS)
    separator: str = option(",", "text: what separates labels in a cell")
    delimiter: str | None = option(
        None, "of columns in .csv and .tsv, `tab` for a tab; if not given, found in the header of a .csv"
    )
    encoding: str | None = option(
        None, "of text files, such as latin-1; if not given, UTF-8 unless the file shows another"
    )
    words_column: str = option("words", "tagging: column of the words")
    tags_column: str = option("tags", "tagging: column of the tags")
    word_number: int = option(0, "CoNLL files: number of the words' column, from 0")
    tag_number: int = option(-1, "CoNLL files: number of the tags' column; -1 is the last")
    conllu_column: str = option("xpos", "tags of CoNLL-U files", choices=CONLLU_COLUMNS)
    question_column: str = option("question", "qa: column of the question")
    context_column: str = option("context", "qa: column of the text with the answer")
    answers_column: str = option("answers", "qa: column of the answers")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.separator:
            raise CharBertError("--separator: is empty; give what separates two labels in a cell")
        self.delimiter = check_delimiter(self.delimiter)
        check_encoding(self.encoding)


def check_delimiter(delimiter: str | None) -> str | None:
    """The character that separates columns.

    Raises:
        CharBertError: it is none that can.
    """
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter or "", delimiter)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise CharBertError(f"--delimiter: {delimiter!r} separates no columns; give one character, or tab")
    return delimiter


def check_encoding(encoding: str | None) -> None:
    """Refuse an encoding that there is not.

    Raises:
        CharBertError: there is none of this name.
    """
    try:
        "".encode(encoding or "utf-8")
    except LookupError as error:
        raise CharBertError(
            f"--encoding: {encoding!r} is unknown; give utf-8, utf-16, latin-1, cp1252, or another of Python"
        ) from error


class Reader(ABC):
    """Reads the labelled data of a task, and writes attacked data in the same format.

    A reader without `official_files` is one of the user's own data.
    """

    official_files: Mapping[str, Mapping[str, Sequence[str]]] = {}
    """For each split (train, dev, test) and each of its sets, of which the first has the name `""`: names of
    its file in a folder, as `Path.glob` takes them; the first that exists counts."""
    own_task: str | None = None
    """The task that reads tables of such data, where this reader does not."""
    endings: Collection[str] = ()
    """Of names that tables have too, and that its files may have."""
    has_contexts: bool = False
    """Whether the examples are questions about contexts."""
    attack_needs_labels: bool = True
    """Whether labels are read for an attack, such as those that move with words or characters."""
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
            CharBertError: it cannot be read, or has no example that can be used.
        """

    @abstractmethod
    def write_attacked(
        self, columns: Columns, path: Path, output: IO[bytes], attacked: AttackedExamples
    ) -> None:
        """Write a file that reads as the attacked examples where `path` reads as the original ones.

        Columns, their order and the format stay; rows that gave no example are left out.

        Args:
            columns: the task and its columns.
            path: the file that the originals were read from.
            output: gets the content.
            attacked: the examples before and after the attack.

        Raises:
            CharBertError: a column cannot hold its new texts.
        """

    def has_labels(self, columns: Columns, source: str) -> bool:
        """Whether data of one's own have the column of labels; True for official files, which show it.

        Raises:
            CharBertError: as `read`.
        """
        return True

    def table_rows(self, columns: Columns, source: str) -> Iterator[Row]:
        """The rows of a table, each with the location of its example; none of what is no table."""
        return iter(())

    def files(self, folder: Path, split: str) -> dict[str, str]:
        """The official files of a split by the names of its sets.

        Raises:
            CharBertError: the folder lacks one; those of `test` may be missing.
        """
        if not self.official_files:
            raise CharBertError(f"{folder}: data of your own: name its files with --train, --dev, --test")
        found = {}
        for name, patterns in self.official_files.get(split, {}).items():
            path = next((path for pattern in patterns for path in sorted(folder.glob(pattern))), None)
            if path is not None:
                found[name] = str(path)
            elif split != "test":
                raise CharBertError(f"{folder}: has no {' or '.join(patterns)}; name the file with --{split}")
        return found
