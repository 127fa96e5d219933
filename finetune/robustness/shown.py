"""Examples and predictions as a person reads them."""

import re
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from data.examples.types import QuestionExample, TaggedExample
from finetune.metrics.squad import answer_words
from finetune.metrics.tagging import OUTSIDE
from finetune.tasks.base import Task
from finetune.tasks.texts import REGRESSION, TextTask

NO_ANSWER = "(no answer)"
_MOST_TAGS = 8
_AROUND = 90  # characters of a context that are shown on each side of an answer


class Piece(NamedTuple):
    """Some words, and whether they are others than on the other side."""

    text: str
    changed: bool


def is_right(task: Task[Any, Any], example: Any, prediction: Any) -> bool | None:
    """Whether a prediction is right as a whole; None of numbers, which are never simply right or wrong."""
    if isinstance(example, TaggedExample):
        return example.tags == prediction.tags
    if isinstance(example, QuestionExample):
        return answer_words(prediction.text) in [answer_words(text) for text in _answers(example)]
    if isinstance(task, TextTask) and task.kind == REGRESSION:
        return None
    if isinstance(example.label, tuple):
        return set(example.label) == set(prediction.label)
    return example.label == prediction.label


def said(example: Any, prediction: Any) -> str:
    """A prediction in a line: of tags, those that are wrong, each with its word and the right tag."""
    if isinstance(example, TaggedExample):
        wrong = [
            f"{word}: {tag}, not {right}"
            for word, tag, right in zip(example.words, prediction.tags, example.tags or (), strict=True)
            if tag != right
        ]
        more = [f"and {len(wrong) - _MOST_TAGS} more"] if len(wrong) > _MOST_TAGS else []
        return "; ".join([*wrong[:_MOST_TAGS], *more])
    if isinstance(example, QuestionExample):
        return prediction.text or NO_ANSWER
    return _labels(prediction.label)


def gold(example: Any) -> str:
    """What is right, in a line: of tags, those of words that are something."""
    if isinstance(example, TaggedExample):
        pairs = zip(example.words, example.tags or (), strict=True)
        return "; ".join(f"{word}: {tag}" for word, tag in pairs if tag != OUTSIDE)
    if isinstance(example, QuestionExample):
        return " / ".join(dict.fromkeys(text or NO_ANSWER for text in _answers(example)))
    return _labels(example.label)


def attacked_texts(example: Any) -> list[str]:
    """What an attack changes of an example, each text."""
    if isinstance(example, TaggedExample):
        return [" ".join(example.words)]
    if isinstance(example, QuestionExample):
        return [example.question, _excerpt(example)]
    return example.texts


def compared(clean: str, noised: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces; of what follows each other, changed and unchanged words alternate."""
    sides = clean.split(), noised.split()
    found: tuple[list[Piece], list[Piece]] = [], []
    for operation, *bounds in SequenceMatcher(None, *sides, autojunk=False).get_opcodes():
        for side, words, (start, end) in zip(found, sides, (bounds[:2], bounds[2:]), strict=True):
            if end > start:
                side.append(Piece(" ".join(words[start:end]), operation != "equal"))
    return found


def words_of(text: str) -> list[tuple[int, str]]:
    """The white-space words of a text, each with its first character."""
    return [(found.start(), found.group()) for found in re.finditer(r"\S+", text)]


def _answers(example: QuestionExample) -> list[str]:
    return [answer.text for answer in example.answers] or [""]


def _labels(label: Any) -> str:
    if isinstance(label, tuple):
        return ", ".join(sorted(label)) or "(none)"
    return f"{label:.2f}" if isinstance(label, float) else str(label)


def _excerpt(example: QuestionExample) -> str:
    """The part of a context around its first answer."""
    start = example.answers[0].start if example.answers else 0
    end = start + len(example.answers[0].text) if example.answers else 0
    first, last = max(0, start - _AROUND), min(len(example.context), end + _AROUND)
    return (
        ("… " if first else "") + example.context[first:last] + (" …" if last < len(example.context) else "")
    )
