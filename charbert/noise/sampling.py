"""Even draws among options at positions: some options at each position, each as likely as the others.

The trick of all functions: with the numbers of options summed up from the left, the options between two
positions are a difference of two sums, and the position of a drawn option is found by bisection.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from charbert.ragged import Array, cumulative_offsets


def count_between(options: Array, starts: Array, ends: Array) -> Array:
    """(R,) the number of options from each start to before its end.

    Args:
        options: (N,) the number of options at each position; true is one.
        starts, ends: (R,) positions.
    """
    before = cumulative_offsets(options)
    return before[ends] - before[starts]


def draw_options(options: Array, starts: Array, ends: Array, draws: Array) -> tuple[Array, Array]:
    """For each start and end one of the options between them: its position, and its number there.

    Args:
        options: (N,) the number of options at each position; true is one.
        starts: (R,) positions.
        ends: (R,) positions, each with at least one option between it and its start.
        draws: (R,) numbers from 0 to below 1.
    """
    # Options 0 2 | 1 0 | 3 1 at the letters of three words: before = 0 0 2 3 3 6 7. The third word has the
    # options 3 to 6; a draw of 0.9 gives the option 3 + floor(0.9 * 4) = 6, at position 5, number 6 - 6 = 0.
    before = cumulative_offsets(options)
    count = before[ends] - before[starts]
    drawn = before[starts] + np.floor(draws * count).astype(np.int64)
    positions = np.searchsorted(before, drawn, side="right") - 1
    return positions, drawn - before[positions]


def draw_rows(possible: Array, draws: Array) -> Array:
    """(W,) for each column of (E, W) the index of a row that is true, drawn evenly; E where none is."""
    # A column (true, false, true) has the ranks (1, 1, 2). A draw of 0.7 is the number floor(0.7 * 2) = 1:
    # two ranks are not above it, so the row is 2.
    ranks = possible.cumsum(0)
    drawn = np.floor(draws * ranks[-1])
    return (ranks <= drawn).sum(0)


def map_characters(codes: Array, function: Callable[[str], Any], dtype: Any) -> Array:
    """(N,) the value of the function for each character, called once for each that occurs."""
    present = np.flatnonzero(np.bincount(codes)) if len(codes) else np.zeros(0, np.int64)
    table = np.zeros(int(present[-1]) + 1 if len(present) else 1, dtype)
    table[present] = [function(chr(code)) for code in present.tolist()]
    return table[codes]
