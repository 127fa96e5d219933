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
    def of_rows(cls, rows: Sequence[Sequence[int]], dtype: Any) -> "Ragged":
        """Rows given as lists."""
        offsets = offsets_of(list(map(len, rows)))
        return cls(np.fromiter(chain.from_iterable(rows), dtype, int(offsets[-1])), offsets)

    @property
    def lengths(self) -> Array:
        return np.diff(self.offsets)

    def take(self, rows: Array) -> "Ragged":
        """The rows of these numbers, in this order."""
        starts, lengths = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        return Ragged(self.values[spans(starts, lengths)], offsets_of(lengths))


def rounded_up(number: int, multiple: int) -> int:
    """The least multiple that is no less."""
    return -(-number // multiple) * multiple


def offsets_of(lengths: Iterable[int] | Array) -> Array:
    """Where rows of these lengths begin, and where the last one ends."""
    lengths = np.asarray(lengths, dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def spans(starts: Array, lengths: Array) -> Array:
    """The `lengths[0]` places from `starts[0]` on, then those of the next span, and so on."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total)
