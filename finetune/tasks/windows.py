"""Windows over a context that does not fit into one row of inputs beside its question."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.examples.types import Answer

# How much a longer window is preferred where a token has the same context in two, as BERT does.
_LENGTH_WEIGHT = 0.01
CLS = 0  # where it stands in a row
_CONTEXT = 1  # the context's number in a pair
Offsets = NDArray[np.int32]


class Window(NamedTuple):
    """The part of a context, n tokens, that stands in a row of inputs."""

    example: int
    position: int
    """Where in the row it begins."""
    start: int
    """Which token of the context it begins with."""
    offsets: Offsets
    """(n, 2): the characters of the context that each token stands for, from and to."""
    central: NDArray[np.bool_]
    """(n,): whether no other window has more context on both sides of this token."""


def windows_over(example: int, encodings: Sequence[Any], shared: int) -> list[Window]:
    """What the rows of an example show of its context.

    Args:
        example: its number.
        encodings: of each row, from left to right, as the library `tokenizers` gives them.
        shared: how many tokens two neighbours have in common.
    """
    positions, offsets = [], []
    for encoding in encodings:
        sides = encoding.sequence_ids
        size = sides.count(_CONTEXT)
        position = sides.index(_CONTEXT) if size else 0
        positions.append(position)
        spans = encoding.offsets[position : position + size]
        offsets.append(np.array(spans, dtype=np.int32).reshape(size, 2))
    sizes = [len(each) for each in offsets]
    starts = [0, *np.cumsum(np.array(sizes[:-1], dtype=np.int64) - shared).tolist()]
    central = _central(starts, sizes)
    return [Window(example, *parts) for parts in zip(positions, starts, offsets, central, strict=True)]


def answer_positions(windows: Sequence[Window], answer: Answer | None) -> list[tuple[int, int]]:
    """The first and the last token of an answer in each row; where it is not whole, both are [CLS]."""
    span = answer and _span_of_characters(windows, answer.start, answer.start + len(answer.text))
    positions = []
    for window in windows:
        first, last = (token - window.start for token in span or (-1, -1))
        whole = first >= 0 and last < len(window.offsets)
        positions.append((window.position + first, window.position + last) if whole else (CLS, CLS))
    return positions


def cut_questions(questions: Sequence[str], longest: int, tokenizer: Any) -> list[str]:
    """The questions, each without what stands after its first `longest` tokens."""
    cut = [question.strip() for question in questions]
    unknown = list(range(len(cut)))
    while unknown:
        # Again, since what is left of a word may have more tokens than the word had up to there.
        found = tokenizer([cut[number] for number in unknown], add_special_tokens=False, verbose=False)
        encodings = dict(zip(unknown, found.encodings, strict=True))
        unknown = [number for number, encoding in encodings.items() if len(encoding) > longest]
        for number in unknown:
            end = min(encodings[number].offsets[longest][0], len(cut[number]) - 1)
            cut[number] = cut[number][:end].rstrip()
    return cut


def _central(starts: Sequence[int], sizes: Sequence[int]) -> list[NDArray[np.bool_]]:
    """Of each window, which tokens have most context there; each token has one such window."""
    most = np.full(starts[-1] + sizes[-1], -1.0)
    owner = np.zeros(len(most), dtype=np.int64)
    for number, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        left = np.arange(size)
        context = np.minimum(left, left[::-1]) + _LENGTH_WEIGHT * size
        better = np.flatnonzero(context > most[start : start + size])
        most[start + better] = context[better]
        owner[start + better] = number
    return [
        owner[start : start + size] == number
        for number, (start, size) in enumerate(zip(starts, sizes, strict=True))
    ]


def _span_of_characters(windows: Sequence[Window], start: int, end: int) -> tuple[int, int] | None:
    """The first and the last token of a context that hold any of its characters `start` to `end`.

    None if no token does: some characters are dropped by a tokenizer.
    """
    offsets = np.empty((windows[-1].start + len(windows[-1].offsets), 2), dtype=np.int32)
    for window in windows:
        offsets[window.start : window.start + len(window.offsets)] = window.offsets
    first = int(np.searchsorted(offsets[:, 1], start, side="right"))
    last = int(np.searchsorted(offsets[:, 0], end, side="left")) - 1
    return (first, last) if first <= last else None
