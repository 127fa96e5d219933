"""The files of GLUE, as https://gluebenchmark.com hands them out, and those that they were made of."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from charbert.errors import CharBertError
from data.examples.cells import class_in, id_in, number_in, text_in
from data.examples.rows import BadRows, Fault, Row, at_least_one, usable_examples, with_columns
from data.examples.table_files import tsv_rows
from data.examples.types import Label, TextExample

_SPLITS = {split: {"": f"{split}.tsv"} for split in ("train", "dev", "test")}
_MNLI_SPLITS = {
    "train": {"": "train.tsv"},
    **{
        split: {name: f"{split}_{name}.tsv" for name in ("matched", "mismatched")}
        for split in ("dev", "test")
    },
}
_BINARY = ("0", "1")
_ENTAILMENT = ("entailment", "not_entailment")


class GlueFiles(NamedTuple):
    """The files of a task: their columns by name, and the files by split and by name within it."""

    text: str
    pair: str | None = None
    label: str = "label"
    labels: tuple[str, ...] = _BINARY
    """In the official order; empty where the label is a number."""
    id: str = "index"
    unnamed: tuple[str, ...] = ()
    """The columns of files that come without a header."""
    splits: Mapping[str, Mapping[str, str]] = _SPLITS


GLUE = {
    "cola": GlueFiles("sentence", unnamed=("source", "label", "star", "sentence")),
    "sst2": GlueFiles("sentence"),
    "mrpc": GlueFiles("#1 String", "#2 String", label="Quality"),
    "qqp": GlueFiles(
        "question1",
        "question2",
        label="is_duplicate",
        id="id",
        unnamed=("is_duplicate", "question1", "question2", "id"),
    ),
    "stsb": GlueFiles("sentence1", "sentence2", label="score", labels=()),
    "mnli": GlueFiles(
        "sentence1",
        "sentence2",
        label="gold_label",
        labels=("contradiction", "entailment", "neutral"),
        splits=_MNLI_SPLITS,
    ),
    "qnli": GlueFiles("question", "sentence", labels=_ENTAILMENT),
    "rte": GlueFiles("sentence1", "sentence2", labels=_ENTAILMENT),
    "wnli": GlueFiles("sentence1", "sentence2"),
}


def read_glue(task: str, path: Path, bad: BadRows) -> Iterator[TextExample]:
    """The examples of one file, whatever its name; those of a test set have no label.

    Beside the official files it reads the two original ones of MRPC, and QQP without a header: label,
    question 1, question 2, id.

    Raises:
        CharBertError: a column is missing; the file cannot be read or holds no example that can be used.
    """
    files = GLUE[task]

    def example_of(row: Row, number: int) -> TextExample:
        return TextExample(
            id=id_in(row, number, files.id),
            text=text_in(row, files.text),
            pair=None if files.pair is None else text_in(row, files.pair),
            label=label_in(row, files.label, files.labels) if files.label in row.cells else None,
            location=row.location,
        )

    rows = with_columns(tsv_rows(path, bad, files.unnamed), path, (files.text, files.pair))
    return at_least_one(usable_examples(rows, example_of, bad), path, bad)


def split_files(task: str, folder: Path, split: str) -> list[tuple[str, Path]]:
    """The files of `train`, `dev` or `test` in a folder; MNLI's last two are `matched` and `mismatched`.

    Raises:
        CharBertError: the folder lacks one of them; those of `test` may be missing.
    """
    files = [(name, folder / file) for name, file in GLUE[task].splits[split].items()]
    found = [(name, path) for name, path in files if path.is_file()]
    if split != "test" and len(found) < len(files):
        missing = next(path for _, path in files if not path.is_file())
        raise CharBertError(f"{missing}: no such file; the official data of {task} has it")
    return found


def label_in(row: Row, column: str, labels: Sequence[str]) -> Label:
    """A label that is one of `labels`, or a number where there are none.

    Raises:
        Fault: it is another.
    """
    if not labels:
        return number_in(row, column)
    label = class_in(row, column)
    if label not in labels:
        raise Fault(f"unknown label {label!r}; the labels are {', '.join(labels)}")
    return label
