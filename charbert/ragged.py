"""Rows of different lengths in one array: words of letters, pieces of characters, blocks of tokens."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Ragged(NamedTuple):
    """Row i is `values[offsets[i] : offsets[i + 1]]`; `offsets` starts with 0."""

    values: Array
    offsets: Array

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]], dtype: Any) -> "Ragged":
        """From lists."""
        offsets = cumulative_offsets(list(map(len, rows)))
        return cls(np.fromiter(chain.from_iterable(rows), dtype, int(offsets[-1])), offsets)

    @property
    def lengths(self) -> Array:
        return np.diff(self.offsets)

    def take(self, rows: Array) -> "Ragged":
        """The rows of these numbers, in this order."""
        starts, lengths = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        return Ragged(self.values[span_indices(starts, lengths)], cumulative_offsets(lengths))


def round_up(number: int, multiple: int) -> int:
    """The least multiple that is no less."""
    return -(-number // multiple) * multiple


def cumulative_offsets(lengths: Iterable[int] | Array) -> Array:
    """Where rows of these lengths begin, and where the last one ends: 2 0 3 -> 0 2 2 5."""
    lengths = np.asarray(lengths, dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def span_indices(starts: Array, lengths: Array) -> Array:
    """The indices of spans, one after the other: starts 4 9 0 and lengths 2 0 3 -> 4 5 0 1 2."""
    # arange counts through all spans; each is moved from where it lies in the result to where it starts.
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total)
