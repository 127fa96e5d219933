"""The spans of a context that answer its question best."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import softmax

NOWHERE = -1
Floats = NDArray[np.float64]


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


def scores_of_texts(
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


def candidates(context: str, scores: dict[tuple[int, int], float]) -> tuple[Candidate, ...]:
    """What has these scores, the best first, with the softmax of the scores."""
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    shares = softmax([score for _, score in ranked])
    return tuple(
        Candidate("" if start == NOWHERE else context[start:end], share, start, end)
        for ((start, end), _), share in zip(ranked, shares.tolist(), strict=True)
    )
