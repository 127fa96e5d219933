"""Examples and predictions as a person reads them."""

import re
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from data.examples.types import QuestionExample, TaggedExample

_AROUND = 90  # characters of a context that are shown on each side of an answer


class Piece(NamedTuple):
    """Some words, and whether they are others than on the other side."""

    text: str
    changed: bool


def attacked_texts(example: Any) -> list[str]:
    """What an attack changes of an example, each text."""
    if isinstance(example, TaggedExample):
        return [" ".join(example.words)]
    if isinstance(example, QuestionExample):
        return [example.question, _excerpt(example)]
    return list(example.readable.values())


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


def _excerpt(example: QuestionExample) -> str:
    """The part of a context around its first answer."""
    start = example.answers[0].start if example.answers else 0
    end = start + len(example.answers[0].text) if example.answers else 0
    first, last = max(0, start - _AROUND), min(len(example.context), end + _AROUND)
    return (
        ("… " if first else "") + example.context[first:last] + (" …" if last < len(example.context) else "")
    )
