"""Spell distance: the edits between a word and every word of a vocabulary, for all at a time."""

from collections.abc import Sequence

import numpy as np

from charbert.ragged import Array

_BITS = 64
_END = 0.5


class Spellings:
    """Words, laid out so that their distances from another word are computed together.

    A distance is the least number of edits: a letter dropped, added or replaced, or two neighbours swapped,
    none edited twice (the optimal string alignment distance, a restricted form of Damerau-Levenshtein's). A
    first letter that differs adds half an edit, and a last one too: people seldom misspell those.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._lengths = np.array([len(word) for word in words], np.int64)
        self._letters = np.zeros((len(words), int(self._lengths.max(initial=1))), np.uint32)
        for row, word in zip(self._letters, words, strict=True):
            row[: len(word)] = _codes(word)
        sets = np.where(self._letters > 0, _bits(self._letters), np.uint64(0))
        self._sets = np.bitwise_or.reduce(sets, axis=1)

    def find_near(self, word: str, most: int) -> tuple[Array, Array]:
        """The indices of the words at most so many edits from `word`, and their distances.

        Args:
            word: of one letter at least.
            most: edits, not counting the halves.
        """
        # (W,) lower bounds of the edits, of which each brings in one letter at most, takes out one at most,
        # and changes the length by one at most; the sets of letters are bits of a number. From "teh", by
        # these bounds, "the" is 0 edits away, "tea" 1 (a for h), "there" 2 (two letters longer).
        letters = _codes(word)
        letter_set = np.bitwise_or.reduce(_bits(letters))
        brought = np.bitwise_count(self._sets & ~letter_set)
        taken = np.bitwise_count(letter_set & ~self._sets)
        length = np.abs(self._lengths - len(letters))
        indices = np.flatnonzero(np.maximum(np.maximum(brought, taken), length) <= most)
        edits = self._count_edits(indices, letters)
        indices, edits = indices[edits <= most], edits[edits <= most]
        lasts = self._letters[indices, self._lengths[indices] - 1]
        ends = (self._letters[indices, 0] != letters[0]).astype(float) + (lasts != letters[-1])
        return indices, edits + _END * ends

    def _count_edits(self, indices: Array, letters: Array) -> Array:
        """(K,) the edits between the letters and K words."""
        # The usual table of dynamic programming, a row at a time for all K words: `row[j]` (K,) holds the
        # edits between the first i letters and the first j of each word. After "t" of "teh", for "the",
        # "tea", "eh", `row` is 1 1 1, 0 0 1, 1 1 2, 2 2 3 (the last one of "eh" is of padding, and not read).
        lengths = self._lengths[indices]
        others = self._letters[indices, : int(lengths.max(initial=0))].T
        added = np.arange(len(others) + 1, dtype=np.int16)[:, None]  # small numbers, for speed
        before, row = np.empty((0, 0), np.int16), np.repeat(added, len(indices), axis=1)
        for i, letter in enumerate(letters.tolist()):
            two_before, before = before, row
            row = before + 1
            row[1:] = np.minimum(row[1:], before[:-1] + (others != letter))
            if i:
                swapped = (others[:-1] == letter) & (others[1:] == letters[i - 1])
                row[2:] = np.where(swapped, np.minimum(row[2:], two_before[:-2] + 1), row[2:])
            # Letters of the other word added: the least of `row[k] + j - k` over all k up to j.
            row = np.minimum.accumulate(row - added) + added
        return row[lengths, np.arange(len(indices))]


def _codes(word: str) -> Array:
    return np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32)


def _bits(letters: Array) -> Array:
    """A bit for each letter; some letters share one."""
    return np.uint64(1) << (letters % _BITS).astype(np.uint64)
