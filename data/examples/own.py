"""Labelled data of one's own in tables: texts, tagged words, and questions."""

import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from charbert.compression import text_ending
from charbert.errors import CharBertError
from data.examples.base import Columns, Reader
from data.examples.cells import (
    as_text,
    filled_text_in,
    has_label,
    id_in,
    label_in,
    read_list,
    tags_in,
    text_in,
    words_in,
)
from data.examples.lines import Dialect
from data.examples.rows import BadRows, Row, RowError, make_examples, require_columns
from data.examples.squad import check_answers, find_answer, refuse_repeated_ids, replace_answers
from data.examples.tables import ENDINGS, FORMATS, read_table, write_table
from data.examples.types import (
    Answer,
    AttackedExamples,
    Example,
    Label,
    QuestionExample,
    TaggedExample,
    TextExample,
    unify_iob,
)

Maker = Callable[[Row, int], Example]
"""A row and the number of its example -> the example."""


def dialect_of(columns: Columns) -> Dialect:
    """What the user has said of how files are written."""
    return Dialect(columns.delimiter, columns.encoding)


class TableReader(Reader):
    """Reads an example from each row of a table, or the files of another format by their endings.

    Args:
        official: reads the files of the other format.
        endings: by which these are known, in small letters.
    """

    unnamed: Sequence[str] = ()
    """The columns of a file that may lack its header."""

    def __init__(self, official: Reader | None = None, endings: Collection[str] = ()) -> None:
        self._official, self._endings = official, endings

    @abstractmethod
    def column_names(self, columns: Columns) -> dict[str, str | None]:
        """The column of each field of an example, None where it has none; that of the label is last."""

    @abstractmethod
    def maker(self, columns: Columns, labelled: bool) -> Maker:
        """The function that makes an example of a row."""

    def rows(self, columns: Columns, source: str, bad: BadRows) -> Iterator[Row]:
        """The rows of a table."""
        return read_table(source, bad, dialect_of(columns))

    def table_rows(self, columns: Columns, source: str) -> Iterator[Row]:
        if self._official_reader(source):
            return iter(())
        return self.rows(columns, source, BadRows(skip=True))

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        official = self._official_reader(source)
        if official:
            return official.read(columns, source, bad, labelled)
        fields = self.column_names(columns)
        needed = list(fields.values()) if labelled and self.label_setting else list(fields.values())[:-1]
        # Official files have the columns that they have.
        options = [] if self.official_files else [f"--{field}-column" for field in fields]
        rows = require_columns(self.rows(columns, source, bad), source, needed, options[: len(needed)])
        return make_examples(rows, self.maker(columns, labelled), source, bad)

    def has_labels(self, columns: Columns, source: str) -> bool:
        if self.label_setting is None or self._official_reader(source):
            return True
        label, is_empty = getattr(columns, self.label_setting), True
        for row in self.rows(columns, source, BadRows(skip=True)):
            if has_label(row.cells.get(label)):
                return True
            is_empty = False
        return is_empty

    def write_attacked(
        self, columns: Columns, path: Path, output: IO[bytes], attacked: AttackedExamples
    ) -> None:
        official = self._official_reader(path)
        if official:
            official.write_attacked(columns, path, output, attacked)
            return
        names = self.column_names(columns)
        changes = {
            old.location: {
                column: getattr(new, field)
                for field, column in names.items()
                if column is not None and getattr(new, field) != getattr(old, field)
            }
            for old, new in attacked.pairs()
        }

        def new_cells(row: Row) -> dict[str, Any] | None:
            change = changes.get(row.location)
            if change is None:
                return None
            return {column: replace_cell(row.cells[column], value) for column, value in change.items()}

        write_table(path, output, new_cells, dialect_of(columns), self.unnamed)

    def _official_reader(self, source: str | Path) -> Reader | None:
        path, ending = Path(source), text_ending(Path(source))
        if self._official and ending not in self._endings and ending not in ENDINGS and path.is_file():
            others = ", ".join(self._endings)
            raise CharBertError(f"{path}: is neither a table, {FORMATS}, nor {others} by its name")
        return self._official if ending in self._endings else None


class TextTable(TableReader):
    """Texts, or pairs of them, with a label."""

    attack_needs_labels = False
    label_setting: str | None = "label_column"
    id_column = "id"

    def column_names(self, columns: Columns) -> dict[str, str | None]:
        return {"text": columns.text_column, "pair": columns.pair_column, "label": columns.label_column}

    def read_label(self, columns: Columns, row: Row, column: str) -> Label:
        """The label in a column, also in one of predictions.

        Raises:
            RowError: there is none.
        """
        return label_in(row, column, columns.label_kind, columns.separator)

    def maker(self, columns: Columns, labelled: bool) -> Maker:
        text, pair, label = self.column_names(columns).values()
        read_text = text_in if self.official_files else filled_text_in
        assert text is not None  # each subclass names one
        assert label is not None

        def make(row: Row, number: int) -> Example:
            # Official files are predicted whole, and show by the label of each row whether it has one.
            is_labelled = labelled and (self.label_setting is not None or has_label(row.cells.get(label)))
            return TextExample(
                id=id_in(row, number, self.id_column),
                text=read_text(row, text),
                pair=None if pair is None else read_text(row, pair),
                label=self.read_label(columns, row, label) if is_labelled else None,
                location=row.location,
            )

        return make


class WordTable(TableReader):
    """Sentences with a tag for each word, both a list, or a text with white space between them."""

    label_setting = "tags_column"

    def column_names(self, columns: Columns) -> dict[str, str | None]:
        return {"words": columns.words_column, "tags": columns.tags_column}

    def maker(self, columns: Columns, labelled: bool) -> Maker:
        def make(row: Row, number: int) -> Example:
            words = words_in(row, columns.words_column)
            if not words:
                raise RowError("has no words")
            tags = tags_in(row, columns.tags_column) if labelled else None
            if tags is not None and len(tags) != len(words):
                raise RowError(f"has {len(words)} words, but {len(tags)} tags")
            return TaggedExample(id_in(row, number), words, tags, 0, row.location)

        return make

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Any]:
        found: Iterator[Any] = super().read(columns, source, bad, labelled)
        return unify_iob(found) if labelled else found


class QuestionTable(TableReader):
    """Questions with their contexts and answers.

    Answers are SQuAD's `{"text": [...], "answer_start": [...]}` or a text, whose first
    occurrence in the context counts; an empty cell says that there is no answer.
    """

    has_contexts = True
    label_setting = "answers_column"

    def has_labels(self, columns: Columns, source: str) -> bool:
        """As `Reader.has_labels`. Where a question may have no answer, all may have none."""
        if getattr(columns, "unanswerable", False) and not self._official_reader(source):
            first = next(self.rows(columns, source, BadRows(skip=True)), None)
            return first is None or columns.answers_column in first.cells
        return super().has_labels(columns, source)

    def column_names(self, columns: Columns) -> dict[str, str | None]:
        return {
            "question": columns.question_column,
            "context": columns.context_column,
            "answers": columns.answers_column,
        }

    def maker(self, columns: Columns, labelled: bool) -> Maker:
        def make(row: Row, number: int) -> QuestionExample:
            context = filled_text_in(row, columns.context_column)
            answers = _answers_in(row, columns.answers_column, context) if labelled else ()
            return QuestionExample(
                id=id_in(row, number),
                question=filled_text_in(row, columns.question_column),
                context=context,
                answers=answers,
                answerable=bool(answers) if labelled else None,
                title="" if row.cells.get("title") is None else text_in(row, "title"),
                location=row.location,
            )

        return refuse_repeated_ids(make)


def _answers_in(row: Row, column: str, context: str) -> tuple[Answer, ...]:
    if column not in row.cells:
        raise RowError(f"has no column {column!r}")
    value = row.cells[column]
    if isinstance(value, dict | list):
        return check_answers(value, context)
    text = "" if value is None else text_in(row, column).strip()
    return (find_answer(text, context),) if text else ()


def replace_cell(cell: Any, value: Any) -> Any:
    """A text, words, tags or answers in the form of the cell that had another value."""
    if isinstance(value, str):
        return value
    if isinstance(value[0], Answer):
        return replace_answers(cell, value)
    if not isinstance(cell, list):
        is_list = isinstance(cell, str) and read_list(cell, numbers=True) is not None
        return json.dumps(value, ensure_ascii=False) if is_list else " ".join(value)
    known = {as_text(item, ""): item for item in cell}  # numbers stay numbers
    return [known.get(item, item) for item in value]
