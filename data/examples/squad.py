"""Questions in the JSON of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (2018)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charbert.errors import CharBertError
from data.corpus.files import decoded
from data.examples.answers import stated_answers, with_new_id
from data.examples.cells import text_in
from data.examples.lines import raw_lines
from data.examples.rows import BadRows, Fault, Row, at_least_one, usable_examples
from data.examples.types import Answer, QuestionExample


def read_squad(path: Path, bad: BadRows) -> Iterator[QuestionExample]:
    """The questions of a file. Those of version 1.1 can be answered; without `answers` nobody knows.

    Raises:
        CharBertError: the file cannot be read, is none of SQuAD's, or has no question that can be used.
    """
    return at_least_one(usable_examples(_questions(path), with_new_id(_example_of), bad), path, bad)


def _example_of(row: Row, number: int) -> QuestionExample:
    context = text_in(row, "context")
    answers, answerable = _answers_in(row, context)
    return QuestionExample(
        id=text_in(row, "id"),
        question=text_in(row, "question"),
        context=context,
        answers=answers,
        answerable=answerable,
        title=text_in(row, "title"),
        location=row.location,
    )


def _answers_in(row: Row, context: str) -> tuple[tuple[Answer, ...], bool | None]:
    """The answers, and whether there is one; that is None where nobody says."""
    impossible = row.cells.get("is_impossible")
    if "answers" not in row.cells:
        return (), False if impossible else None
    answers = stated_answers(row.cells["answers"], context)
    if impossible is not None and bool(impossible) == bool(answers):
        raise Fault(f"has {len(answers)} answers, but is_impossible is {json.dumps(impossible)}")
    return answers, bool(answers)


def _questions(path: Path) -> Iterator[Row]:
    """Each question's own keys, with the context and title that it stands under."""
    content = _content(path)
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                above = {"context": paragraph["context"], "title": article.get("title") or ""}
                for question in paragraph["qas"]:
                    yield Row(f"{path}: question {question['id']}", {**question, **above})
    except (AttributeError, KeyError, TypeError) as error:
        raise CharBertError(
            f"{path}: not in SQuAD's form, data > paragraphs > context and qas > id ({error!r})"
        ) from error


def _content(path: Path) -> Any:
    lines = []
    for number, line in raw_lines(path):
        try:
            lines.append(decoded(line))
        except ValueError as error:
            raise CharBertError(f"{path}: row {number} {error}; convert the file to UTF-8 first") from error
    try:
        return json.loads("".join(lines))
    except (ValueError, RecursionError) as error:
        raise CharBertError(f"{path}: is not JSON ({error})") from error
