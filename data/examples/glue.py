"""The files of GLUE, as https://gluebenchmark.com distributes them, and the ones that they were made of."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from data.examples.base import Columns
from data.examples.cells import label_in
from data.examples.own import TextTable, dialect_of
from data.examples.rows import BadRows, Row
from data.examples.tables import tsv_rows
from data.examples.types import Label

FILES = {split: {"": (f"{split}.tsv",)} for split in ("train", "dev", "test")}
MNLI_FILES = {"train": FILES["train"]} | {
    split: {"": (f"{split}_matched.tsv",), "mismatched": (f"{split}_mismatched.tsv",)}
    for split in ("dev", "test")
}


class GlueReader(TextTable):
    """Reads the TSV files of a task of GLUE, whatever their names; those of a test set have no label.

    Beside the official files it reads the two original ones of MRPC, and QQP without a header: label,
    question 1, question 2, id.

    Args:
        text, pair, label, id: names of the columns.
        labels: the classes in the official order; none where the label is a number.
        unnamed: the columns of files that come without a header.
        files: as `Reader.official_files`.
    """

    own_task = "text"
    attack_needs_labels = True
    label_setting = None
    labels: tuple[str, ...]

    def __init__(
        self,
        text: str,
        pair: str | None = None,
        *,
        label: str = "label",
        id: str = "index",
        labels: tuple[str, ...] = ("0", "1"),
        unnamed: tuple[str, ...] = (),
        files: Mapping[str, Mapping[str, Sequence[str]]] = FILES,
    ) -> None:
        super().__init__()
        self.labels = labels
        self.unnamed = unnamed
        self._names = {"text": text, "pair": pair, "label": label}
        self.id_column = id
        self.official_files = files

    def column_names(self, columns: Columns) -> dict[str, str | None]:
        return self._names

    def read_label(self, columns: Columns, row: Row, column: str) -> Label:
        return label_in(row, column, "classification" if self.labels else "regression", labels=self.labels)

    def rows(self, columns: Columns, source: str, bad: BadRows) -> Iterator[Row]:
        return tsv_rows(Path(source), bad, dialect_of(columns), self.unnamed)


ENTAILMENT = ("entailment", "not_entailment")
GLUE = {
    "cola": GlueReader("sentence", unnamed=("source", "label", "star", "sentence")),
    "sst2": GlueReader("sentence"),
    "mrpc": GlueReader("#1 String", "#2 String", label="Quality"),
    "qqp": GlueReader(
        "question1",
        "question2",
        label="is_duplicate",
        id="id",
        unnamed=("is_duplicate", "question1", "question2", "id"),
    ),
    "stsb": GlueReader("sentence1", "sentence2", label="score", labels=()),
    "mnli": GlueReader(
        "sentence1",
        "sentence2",
        label="gold_label",
        labels=("contradiction", "entailment", "neutral"),
        files=MNLI_FILES,
    ),
    "qnli": GlueReader("question", "sentence", labels=ENTAILMENT),
    "rte": GlueReader("sentence1", "sentence2", labels=ENTAILMENT),
    "wnli": GlueReader("sentence1", "sentence2"),
}
