"""The files of GLUE, as https://gluebenchmark.com distributes them, and the ones that they were made of."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from charbert.errors import CharBertError
from data.examples.base import Columns, refuse_tables
from data.examples.cells import known_label_in
from data.examples.own import TextColumns, TextTable
from data.examples.rows import BadRows, Row
from data.examples.tables import tsv_rows
from data.examples.types import Example, Label

SPLITS = {split: {"": f"{split}.tsv"} for split in ("train", "dev", "test")}
MNLI_SPLITS = {
    "train": {"": "train.tsv"},
    "dev": {"": "dev_matched.tsv", "mismatched": "dev_mismatched.tsv"},
    "test": {"": "test_matched.tsv", "mismatched": "test_mismatched.tsv"},
}


class GlueReader(TextTable):
    """Reads the TSV files of a task of GLUE, whatever their names; those of a test set have no label.

    Beside the official files it reads the two original ones of MRPC, and QQP without a header: label,
    question 1, question 2, id.

    Args:
        text, pair, label, id: names of the columns.
        labels: the classes in the official order; none where the label is a number.
        unnamed: the columns of files that come without a header.
        splits: for each split the name of its file, or of several, by the name of each set.
    """

    is_own_data = False
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
        splits: Mapping[str, Mapping[str, str]] = SPLITS,
    ) -> None:
        self.labels = labels
        self.unnamed = unnamed
        self._columns = TextColumns(text, pair, label, id)
        self._splits = splits

    def text_columns(self, columns: Columns) -> TextColumns:
        return self._columns

    def read_label(self, columns: Columns, row: Row, column: str) -> Label:
        return known_label_in(row, column, self.labels)

    def used_columns(self, columns: Columns, labelled: bool) -> Sequence[str | None]:
        return self._columns.text, self._columns.pair

    def rows(self, source: str, bad: BadRows) -> Iterator[Row]:
        return tsv_rows(Path(source), bad, self.unnamed)

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        refuse_tables(columns.task, source, own_task="text")
        return super().read(columns, source, bad)

    def files(self, folder: Path, split: str) -> dict[str, str]:
        paths = {name: folder / file for name, file in self._splits[split].items()}
        missing = [path for path in paths.values() if not path.is_file()]
        if missing and split != "test":
            raise CharBertError(f"{missing[0]}: no such file; the official data of the task has it")
        return {name: str(path) for name, path in paths.items() if path not in missing}


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
        splits=MNLI_SPLITS,
    ),
    "qnli": GlueReader("question", "sentence", labels=ENTAILMENT),
    "rte": GlueReader("sentence1", "sentence2", labels=ENTAILMENT),
    "wnli": GlueReader("sentence1", "sentence2"),
}
