"""Answers to questions, checked against their contexts."""

from collections.abc import Callable
from typing import Any

from data.examples.cells import id_in
from data.examples.rows import Fault, Row
from data.examples.types import Answer, QuestionExample


def stated_answers(value: Any, context: str) -> tuple[Answer, ...]:
    """Answers whose starts are given.

    Args:
        value: a list of `{"text": ..., "answer_start": ...}`, or one such dict of two lists.
        context: where they must stand.

    Raises:
        Fault: it has another form, or an answer does not stand at its start.
    """
    try:
        if isinstance(value, dict):
            pairs = list(zip(value["text"], value["answer_start"], strict=True))
        else:
            pairs = [(answer["text"], answer["answer_start"]) for answer in value]
    except (KeyError, TypeError, ValueError) as error:
        raise Fault("has answers that are not pairs of text and answer_start") from error
    return tuple(_checked(text, start, context) for text, start in pairs)


def found_answer(text: str, context: str) -> Answer:
    """An answer where it first stands in its context.

    Raises:
        Fault: it is not there.
    """
    start = context.find(text)
    if start < 0:
        raise Fault(f"the answer {text!r} is not in its context")
    return Answer(text, start)


def with_new_id(
    example_of: Callable[[Row, int], QuestionExample],
) -> Callable[[Row, int], QuestionExample]:
    """The same function, to which the id of an earlier question is a `Fault`: predictions go by ids."""
    seen: set[str] = set()

    def checked(row: Row, number: int) -> QuestionExample:
        name = id_in(row, number)
        if name in seen:
            raise Fault(f"an earlier question has the id {name!r} too")
        seen.add(name)
        return example_of(row, number)

    return checked


def _checked(text: Any, start: Any, context: str) -> Answer:
    if not isinstance(text, str) or not text or not isinstance(start, int):
        raise Fault(f"an answer is no text with the number of its first character: {text!r}, {start!r}")
    if start < 0 or not context.startswith(text, start):
        raise Fault(f"the answer {text!r} does not stand at character {start} of its context")
    return Answer(text, start)
