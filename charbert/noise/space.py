"""Words split in two, and joined with the next one."""

import numpy as np

from charbert.noise.attacked import Changes
from charbert.noise.words import Words
from charbert.ragged import Array


class Spacing:
    """A blank inside the word, or none behind it: each as likely, where the next word may be joined."""

    def eligible(self, words: Words) -> Array:
        return words.is_plain

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        joins = words.is_joinable[rows] & (draws[:, 0] < 1 / 2)
        gaps = words.core_lengths[rows] - 1
        cuts = words.core_starts[rows] + 1 + (draws[:, 1] * gaps).astype(np.int64)
        # The last word of all has no next one, and is not joined.
        next_starts = words.starts[np.minimum(rows + 1, len(words.starts) - 1)]
        starts = np.where(joins, words.ends[rows], cuts)
        ends = np.where(joins, next_starts, cuts)
        return Changes(rows, starts, ends, ["" if join else " " for join in joins.tolist()])
