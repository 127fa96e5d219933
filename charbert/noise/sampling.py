"""Draws among options that stand at places: so many at each place, and each as likely as the others."""

from collections.abc import Callable
from typing import Any

import numpy as np

from charbert.ragged import Array, cumulative_offsets


def counts_between(options: Array, starts: Array, ends: Array) -> Array:
    """How many options there are from each start to before its end.

    Args:
        options: (N,) the number of options at each place; true is one.
    """
    before = cumulative_offsets(options)
    return before[ends] - before[starts]


def drawn_options(options: Array, starts: Array, ends: Array, draws: Array) -> tuple[Array, Array]:
    """For each start and end one of the options between them: its place, and its number there.

    Args:
        options: (N,) the number of options at each place; true is one.
        starts: (R,) places.
        ends: (R,) places, with at least one option before each and behind its start.
        draws: (R,) numbers from 0 to below 1.
    """
    before = cumulative_offsets(options)
    count = before[ends] - before[starts]
    drawn = before[starts] + np.floor(draws * count).astype(np.int64)
    places = np.searchsorted(before, drawn, side="right") - 1
    return places, drawn - before[places]


def nth_possible(possible: Array, draws: Array) -> Array:
    """(W,) the number of a row that is true in (E, W), drawn evenly; E where none is."""
    ranks = possible.cumsum(0)
    drawn = np.floor(draws * ranks[-1])
    return (ranks <= drawn).sum(0)


def each_character(codes: Array, value_of: Callable[[str], Any], dtype: Any) -> Array:
    """(N,) a value for each character, worked out once for each that occurs."""
    present = np.flatnonzero(np.bincount(codes)) if len(codes) else np.zeros(0, np.int64)
    table = np.zeros(int(present[-1]) + 1 if len(present) else 1, dtype)
    table[present] = [value_of(chr(code)) for code in present.tolist()]
    return table[codes]
