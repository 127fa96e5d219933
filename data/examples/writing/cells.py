"""What an attack changes in the row of a table."""

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from data.examples.glue import GLUE
from data.examples.readers import Columns
from data.examples.rows import Row
from data.examples.tags import carry_tags
from data.examples.types import Answer, AttackedExamples, QuestionExample, TaggedExample, TextExample

NewCells = Callable[[Row], dict[str, Any]]
"""The new cells of a row by column, without those that stay."""
_WORD = re.compile(r"\S+")


def new_cells(columns: Columns, examples: Sequence[Any], made: AttackedExamples) -> NewCells:
    """What finds the new cells of the rows from which the examples were read.

    Args:
        columns: where their texts stand.
        examples: as they were read, of one type.
        made: what became of them.
    """
    numbers = {example.location: number for number, example in enumerate(examples)}

    def found(row: Row) -> dict[str, Any]:
        number = numbers[row.location]
        old, new = examples[number], made.examples[number]
        if isinstance(old, TextExample):
            return _text_cells(old, new, columns)
        if isinstance(old, TaggedExample):
            return _tagged_cells(row, old, new, made.sources[number], columns)
        return _question_cells(row, old, new, columns)

    return found


def _text_cells(old: TextExample, new: TextExample, columns: Columns) -> dict[str, Any]:
    official = GLUE.get(columns.task)
    text, pair = (official.text, official.pair) if official else (columns.text_column, columns.pair_column)
    cells = {} if new.text == old.text else {text: new.text}
    return cells if pair is None or new.pair == old.pair else {**cells, pair: new.pair}


def _tagged_cells(
    row: Row, old: TaggedExample, new: TaggedExample, sources: Sequence[int], columns: Columns
) -> dict[str, Any]:
    if new.words == old.words:
        return {}
    cells = {columns.words_column: _with_items(row.cells[columns.words_column], new.words, sources)}
    if old.tags is not None and tuple(sources) != tuple(range(len(old.words))):
        tags = row.cells[columns.tags_column]
        given = list(map(_as_text, tags)) if isinstance(tags, list) else _as_text(tags).split()
        cells[columns.tags_column] = _with_items(tags, carry_tags(given, sources), sources)
    return cells


def _question_cells(row: Row, old: QuestionExample, new: QuestionExample, columns: Columns) -> dict[str, Any]:
    cells = {} if new.question == old.question else {columns.question_column: new.question}
    if new.context != old.context:
        cells[columns.context_column] = new.context
    if new.answers != old.answers:
        answers = row.cells[columns.answers_column]
        cells[columns.answers_column] = with_answers(answers, new.answers)
    return cells


def with_answers(cell: Any, answers: Sequence[Answer]) -> Any:
    """These answers (not none) in the form of a cell: SQuAD's dict of lists or list of dicts, or a text."""
    if isinstance(cell, dict):
        texts, starts = zip(*answers, strict=True)
        return {**cell, "text": list(texts), "answer_start": list(starts)}
    if isinstance(cell, list):
        return [
            {**given, "text": answer.text, "answer_start": answer.start}
            for given, answer in zip(cell, answers, strict=True)
        ]
    return answers[0].text


def _with_items(cell: Any, items: Sequence[str], sources: Sequence[int]) -> Any:
    """These items in the form of a cell: a list, or a text with its white space between them.

    Args:
        cell: what stands there.
        items: the new ones.
        sources: from which of the old ones each comes.
    """
    if isinstance(cell, list):
        old = [cell[source] for source in sources]
        return [given if _as_text(given) == item else item for given, item in zip(old, items, strict=True)]
    text = _as_text(cell)
    ends = [0, *(end for match in _WORD.finditer(text) for end in match.span()), len(text)]
    gaps = [text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]
    pieces = [
        (" " if source == before else gaps[source]) + item
        for (before, source), item in zip(pairwise([-1, *sources]), items, strict=True)
    ]
    return "".join([*pieces, gaps[-1]])


def _as_text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item)
