"""Examples out of tables: CSV, TSV, JSON lines, Parquet, and what the library `datasets` reads."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from charbert.errors import CharBertError
from data.corpus import hub
from data.corpus.files import text_ending
from data.examples.answers import found_answer, stated_answers, with_new_id
from data.examples.cells import class_in, id_in, labels_in, number_in, text_in, words_in
from data.examples.rows import BadRows, Fault, Row, at_least_one, usable_examples, with_columns
from data.examples.table_files import csv_rows, dataset_rows, json_rows, parquet_rows, tsv_rows
from data.examples.types import Answer, Label, QuestionExample, TaggedExample, TextExample

_READERS = {".csv": csv_rows, ".tsv": tsv_rows, ".jsonl": json_rows, ".json": json_rows}
FORMS = ".csv, .tsv, .jsonl, .json (each also .gz, .bz2, .xz), .parquet"
TITLE = "title"


def read_table(source: str, bad: BadRows) -> Iterator[Row]:
    """Read a table row by row.

    Args:
        source: one of
            a `.csv` or `.tsv` file with a header; only in the first do quotes mean anything;
            a `.jsonl` or `.json` file, a JSON object on each line;
            all these compressed as `.gz`, `.bz2` or `.xz`;
            a `.parquet` file;
            a folder that `save_to_disk` of `datasets` wrote, or of several splits one, `FOLDER/SPLIT`;
            a dataset of the hub, `owner/name`, `owner/name:config` or `owner/name:config:split`.
            What exists as a path is read from there.
        bad: gets the rows that cannot be read.

    Raises:
        CharBertError: there is no such source, it is of another kind, empty or damaged.
    """
    path = Path(source)
    if path.is_dir():
        if not hub.is_saved(path):
            raise CharBertError(f"{source}: no folder that `save_to_disk` wrote; name a file {FORMS}")
        return dataset_rows(hub.saved_dataset(path), source)
    if path.suffix.lower() == ".parquet":
        reader: Callable[[Path, BadRows], Iterator[Row]] | None = parquet_rows
    else:
        reader = _READERS.get(text_ending(path))
    if path.exists() and reader is None:
        raise CharBertError(f"{source}: no table that can be read; give a file {FORMS}")
    if reader is None and hub.NAME.fullmatch(source):
        return dataset_rows(hub.named_dataset(source), source)
    if reader is None or not path.exists():
        raise CharBertError(f"{source}: no such file or folder")
    return reader(path, bad)


def label_reader(kind: str, separator: str) -> Callable[[Row, str], Label]:
    """What reads a label of this kind out of a row's column; arguments as of `text_examples`."""
    readers: dict[str, Callable[[Row, str], Label]] = {
        "classification": class_in,
        "regression": number_in,
        "multi_label": partial(labels_in, separator=separator),
    }
    return readers[kind]


def text_examples(
    source: str,
    *,
    text: str,
    pair: str | None,
    label: str | None,
    kind: str,
    bad: BadRows,
    separator: str = ",",
) -> Iterator[TextExample]:
    """Texts, or pairs of them, with their labels.

    Args:
        source: as for `read_table`.
        text: column of the text.
        pair: column of the second text of a pair.
        label: column of the label; None where there are none.
        kind: `classification`; `regression`, a number; `multi_label`, a list or a text of labels.
        bad: gets the rows that cannot be used.
        separator: what stands between labels in a text.

    Raises:
        CharBertError: as `read_table`; a column is missing; there is no row that can be used.
    """
    if not separator:
        raise CharBertError("separator: is empty; give what stands between two labels in a cell")
    label_in = label_reader(kind, separator)

    def example_of(row: Row, number: int) -> TextExample:
        return TextExample(
            id=id_in(row, number),
            text=text_in(row, text),
            pair=None if pair is None else text_in(row, pair),
            label=None if label is None else label_in(row, label),
            location=row.location,
        )

    rows = with_columns(read_table(source, bad), source, (text, pair, label))
    return at_least_one(usable_examples(rows, example_of, bad), source, bad)


def tagged_examples(source: str, *, words: str, tags: str | None, bad: BadRows) -> Iterator[TaggedExample]:
    """Sentences with a tag for each word.

    Args:
        source: as for `read_table`.
        words: column of the words: a list, or a text with white space between them.
        tags: column of the tags, in the same form; None where there are none.
        bad: gets the rows that cannot be used.

    Raises:
        CharBertError: as `text_examples`.
    """

    def example_of(row: Row, number: int) -> TaggedExample:
        found = words_in(row, words)
        if not found:
            raise Fault("has no words")
        given = None if tags is None else words_in(row, tags)
        if given is not None and len(given) != len(found):
            raise Fault(f"has {len(found)} words, but {len(given)} tags")
        return TaggedExample(id_in(row, number), found, given, 0, row.location)

    rows = with_columns(read_table(source, bad), source, (words, tags))
    return at_least_one(usable_examples(rows, example_of, bad), source, bad)


def question_examples(
    source: str, *, question: str, context: str, answers: str | None, bad: BadRows
) -> Iterator[QuestionExample]:
    """Questions with their contexts and answers.

    Args:
        source: as for `read_table`.
        question: column of the question.
        context: column of the text that holds its answer.
        answers: column of the answers: SQuAD's `{"text": [...], "answer_start": [...]}`, or a text, which
            starts where it first stands in the context. An empty one says that there is no answer. None where
            nobody knows.
        bad: gets the rows that cannot be used.

    Raises:
        CharBertError: as `text_examples`.
    """

    def example_of(row: Row, number: int) -> QuestionExample:
        body = text_in(row, context)
        found = () if answers is None else _answers_in(row, answers, body)
        return QuestionExample(
            id=id_in(row, number),
            question=text_in(row, question),
            context=body,
            answers=found,
            answerable=None if answers is None else bool(found),
            title="" if row.cells.get(TITLE) is None else text_in(row, TITLE),
            location=row.location,
        )

    rows = with_columns(read_table(source, bad), source, (question, context, answers))
    return at_least_one(usable_examples(rows, with_new_id(example_of), bad), source, bad)


def _answers_in(row: Row, column: str, context: str) -> tuple[Answer, ...]:
    if column not in row.cells:
        raise Fault(f"has no column {column!r}")
    value = row.cells[column]
    if isinstance(value, dict | list):
        return stated_answers(value, context)
    text = "" if value is None else text_in(row, column).strip()
    return (found_answer(text, context),) if text else ()
