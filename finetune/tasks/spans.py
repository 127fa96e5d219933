"""Windows over contexts that are longer than a row of inputs, and the spans in them that answer best."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import softmax

from data.examples.types import Answer

NOWHERE = -1
# How much a longer window is preferred where a token has the same context in two, as BERT does.
_LENGTH_WEIGHT = 0.01
CLS = 0  # its position in a row
_CONTEXT = 1  # the context's number in a pair
Offsets = NDArray[np.int32]
Floats = NDArray[np.float64]


class Window(NamedTuple):
    """The part of a context, n tokens, that a row of inputs holds."""

    example: int
    position: int
    """Where in the row it begins."""
    start: int
    """Which token of the context it begins with."""
    offsets: Offsets
    """(n, 2): the characters of the context of each token, from and to."""
    central: NDArray[np.bool_]
    """(n,): whether no other window has more context on both sides of this token."""


def make_windows(example: int, encodings: Sequence[Any], shared: int) -> list[Window]:
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
    """The questions, each cut after its first `longest` tokens."""
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
    # (tokens of the whole context,): the most context that a window before gave each token, and which did.
    # In windows of 3 tokens that share 1, the tokens 0 1 2 and 2 3 4, token 2 is the last of one and the
    # first of the other: it has the same context in both, 0, and stays with the first window.
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


class Spans(NamedTuple):
    """Some spans of tokens, each (S,)."""

    scores: Floats
    first: NDArray[np.intp]
    last: NDArray[np.intp]


class Candidate(NamedTuple):
    """An answer and its share among the best ones; `""`, from -1 to -1, says that there is none."""

    text: str
    probability: float
    start: int
    end: int


def best_spans(
    start_logits: Floats, end_logits: Floats, central: NDArray[np.bool_], longest: int, count: int
) -> Spans:
    """The spans of a window with the greatest sum of both logits, in no order.

    Args:
        start_logits: (n,).
        end_logits: (n,).
        central: (n,), the tokens that a span may start at.
        longest: tokens that a span may have.
        count: how many spans.
    """
    # (starts, longest): the score of the span from each start over each length, by a view on the end logits.
    # With ends 5 6 7 and longest 2 its rows are 5 6, 6 7, 7 -inf: entry (1, 1) is the span of tokens 1 to 2.
    # In the flattened table, `number // longest` is the start and `number % longest` the length less 1.
    starts = np.flatnonzero(central)
    longest = max(1, min(longest, len(end_logits)))
    ends = np.concatenate([end_logits, np.full(longest - 1, -np.inf)])
    if not len(starts):
        return Spans(np.empty(0), starts, starts)
    scores = (start_logits[starts, None] + sliding_window_view(ends, longest)[starts]).ravel()
    chosen = np.argpartition(scores, -count)[-count:] if count < len(scores) else np.arange(len(scores))
    chosen = chosen[scores[chosen] > -np.inf]
    first = starts[chosen // longest]
    return Spans(scores[chosen], first, first + chosen % longest)


def score_texts(
    context: str, spans: Iterable[tuple[float, int, int]], count: int
) -> dict[tuple[int, int], float]:
    """The scores of the best spans, at most `count`, by their characters in a context; the best first.

    A blank at the ends of a span, which some tokenizers count to a word, is no part of it. Spans of the same
    characters, as the pieces of one character have, are one.

    Args:
        spans: of each, its score and its characters, from and to.
    """
    scores: dict[tuple[int, int], float] = {}
    for score, start, end in sorted(spans, key=lambda span: -span[0])[:count]:
        text = context[start:end]
        start += len(text) - len(text.lstrip())
        if text.strip():
            scores.setdefault((start, start + len(text.strip())), score)
    return scores


def rank_candidates(context: str, scores: dict[tuple[int, int], float]) -> tuple[Candidate, ...]:
    """What has these scores, the best first, with the softmax of the scores."""
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    shares = softmax([score for _, score in ranked])
    return tuple(
        Candidate("" if start == NOWHERE else context[start:end], share, start, end)
        for ((start, end), _), share in zip(ranked, shares.tolist(), strict=True)
    )
