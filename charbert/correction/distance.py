"""Spell distance: the edits between a word and every word of a vocabulary, for all at a time."""

from collections.abc import Sequence
from unicodedata import normalize

import numpy as np

from charbert.ragged import Array

_BITS = 64
_SAVED = 0.4  # by an easy edit
_TIE = 2.0**-10  # less than 1 by any number of edits of a word
# Of each Latin letter, also those with marks, whether it is a vowel.
_IS_VOWEL = np.array([normalize("NFD", chr(code))[0] in "aeiouyAEIOUY" for code in range(0x250)] + [False])


class Spellings:
    """Words, laid out so that their distances from another word are computed together.

    A distance is the least number of edits: a letter dropped, added or replaced, or two neighbours swapped,
    none edited twice (the optimal string alignment distance, a restricted form of Damerau-Levenshtein's). The
    easy ones of these count 0.6: two neighbours swapped, a vowel dropped, added or in place of another, a
    letter doubled or no longer.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._lengths = np.array([len(word) for word in words], np.int64)
        self._letters = np.zeros((len(words), int(self._lengths.max(initial=1))), np.uint32)
        for row, word in zip(self._letters, words, strict=True):
            row[: len(word)] = _codes(word)
        sets = np.where(self._letters > 0, _bits(self._letters), np.uint64(0))
        self._sets = np.bitwise_or.reduce(sets, axis=1)

    def find_near(self, word: str, most: int) -> tuple[Array, Array]:
        """The indices of the words at most so many edits from `word`, easy or not, and their distances.

        Args:
            word: of one letter at least.
            most: edits.
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
        sums = self._sum_edits(indices, letters)
        edits = np.ceil(sums)
        near = edits <= most
        return indices[near], (edits - _SAVED * np.round((edits - sums) / _TIE))[near]

    def _sum_edits(self, indices: Array, letters: Array) -> Array:
        """(K,) the least edits between the letters and K words, less `_TIE` for each that is easy."""
        # The usual table of dynamic programming, a row at a time for all K words: `row[j]` (K,) holds the
        # edits between the first i letters and the first j of each word. After "t" of "teh", for "the",
        # "tea", "eh", `row` is 1 1 1, 0 0 1, 1 1 2, 2 2 3 without ties (the last one of "eh" is of padding,
        # and not read).
        easy = 1.0 - _TIE
        lengths = self._lengths[indices]
        others = self._letters[indices, : int(lengths.max(initial=0))].T
        vowels, own_vowels = _is_vowel(others), _is_vowel(letters)
        added = np.cumsum(np.where(vowels | _is_double(others), easy, 1.0), axis=0)
        added = np.concatenate([np.zeros((1, len(indices))), added])
        dropped = np.where(own_vowels | _is_double(letters), easy, 1.0)
        before, row = np.empty((0, 0)), added
        for i, letter in enumerate(letters.tolist()):
            two_before, before = before, row
            row = before + dropped[i]
            replaced = np.where(vowels & own_vowels[i], easy, 1.0) * (others != letter)
            row[1:] = np.minimum(row[1:], before[:-1] + replaced)
            if i:
                swapped = (others[:-1] == letter) & (others[1:] == letters[i - 1])
                row[2:] = np.where(swapped, np.minimum(row[2:], two_before[:-2] + easy), row[2:])
            # Letters of the other word added: the least of `row[k] + added[j] - added[k]` over all k up to j.
            row = np.minimum.accumulate(row - added) + added
        return row[lengths, np.arange(len(indices))]


def _is_vowel(letters: Array) -> Array:
    return _IS_VOWEL[np.minimum(letters, len(_IS_VOWEL) - 1)]


def _is_double(letters: Array) -> Array:
    """Whether each letter is the one before it."""
    return np.concatenate([np.zeros_like(letters[:1], bool), letters[1:] == letters[:-1]])


def _codes(word: str) -> Array:
    return np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32)


def _bits(letters: Array) -> Array:
    """A bit for each letter; some letters share one."""
    return np.uint64(1) << (letters % _BITS).astype(np.uint64)
