"""Spell distance: how likely a word is a misspelling of each word of a vocabulary, for all at a time."""

from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import normalize

import numpy as np

from charbert.ragged import Array

_BITS = 64
_E = ord("e")
# Letters that are often written in place of each other.
_ALIKE = ("aeiouy", "csz", "ckqg", "dt", "mn", "fvp", "gj")


class Edits(NamedTuple):
    """What an edit costs, in nats: less the logarithm of how often people make it, where they could."""

    left_out: float = 3.0
    doubled_left_out: float = 1.5
    """Of the second one of two like letters."""
    added: float = 6.3
    doubled_added: float = 4.7
    """Of a letter like the one before it."""
    silent: float = 1.0
    """Of an e that ends the word, left out or added."""
    swapped: float = 4.5
    """Of two neighbours."""
    alike: float = 4.3
    """Of a letter in place of one like it: a vowel for a vowel, or c, s and z; c, k, q and g; d and t; m and
    n; f, v and p; g and j."""
    replaced: float = 6.5
    """Of any other letter in place of one."""


_ONE_EACH = Edits(*[1.0] * len(Edits._fields))


class Spellings:
    """Words, laid out so that their distances from another word are computed together.

    The words at most some edits away are found, an edit being a letter left out, added or replaced, or two
    neighbours swapped, none edited twice (the optimal string alignment distance, a restricted form of
    Damerau-Levenshtein's). Their distance is the least cost of edits.
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
            word: as written, of one letter at least.
            most: edits.
        """
        # (W,) lower bounds of the edits, of which each brings in one letter at most, takes out one at most,
        # and changes the length by one at most; the sets of letters are bits of a number. From "teh", by
        # these bounds, "the" is 0 edits away, "tea" 1 (a for h), "there" 2 (two letters longer).
        letters = _codes(word)
        letter_set = np.bitwise_or.reduce(_bits(letters))
        other = np.flatnonzero(np.bitwise_count(self._sets ^ letter_set) <= 2 * most)
        sets, lengths = self._sets[other], self._lengths[other]
        brought, taken = np.bitwise_count(sets & ~letter_set), np.bitwise_count(letter_set & ~sets)
        length = np.abs(lengths - len(letters))
        near = other[np.maximum(np.maximum(brought, taken), length) <= most]
        near = near[self._sum_edits(near, letters, _ONE_EACH) <= most]
        return near, self._sum_edits(near, letters, Edits())

    def _sum_edits(self, indices: Array, letters: Array, edits: Edits) -> Array:
        """(K,) the least cost of edits that make these letters of each of K words."""
        # The usual table of dynamic programming, a row at a time for all K words: `row[j]` (K,) holds the
        # cost of the first i letters for the first j of each word. After "t" of "teh", for "the", "tea",
        # "eh", at one each, `row` is 1 1 1, 0 0 1, 1 1 2, 2 2 3 (the last one of "eh" is of padding, and not
        # read).
        lengths = self._lengths[indices]
        others = self._letters[indices, : int(lengths.max(initial=0))].T
        kinds, own_kinds = _kinds(others), _kinds(letters)
        left_out = np.where(_is_double(others), edits.doubled_left_out, edits.left_out)
        ends = np.arange(len(others))[:, None] == lengths - 1
        left_out = np.where(ends & (others == _E), edits.silent, left_out).cumsum(axis=0)
        left_out = np.concatenate([np.zeros((1, len(indices))), left_out])
        added = np.where(_is_double(letters), edits.doubled_added, edits.added)
        added[-1:] = np.where(letters[-1:] == _E, edits.silent, added[-1:])
        before, row = np.empty((0, 0)), left_out
        for i, letter in enumerate(letters.tolist()):
            two_before, before = before, row
            row = before + added[i]
            replaced = np.where(kinds & own_kinds[i], edits.alike, edits.replaced) * (others != letter)
            row[1:] = np.minimum(row[1:], before[:-1] + replaced)
            if i:
                swapped = (others[:-1] == letter) & (others[1:] == letters[i - 1])
                row[2:] = np.where(swapped, np.minimum(row[2:], two_before[:-2] + edits.swapped), row[2:])
            # Letters left out: the least of `row[k] + left_out[j] - left_out[k]` over all k up to j.
            row = np.minimum.accumulate(row - left_out) + left_out
        return row[lengths, np.arange(len(indices))]


def _kinds_of_letters() -> Array:
    """For each Latin letter, also those with marks, a bit for each group of letters alike; 0 after them."""
    plain = [normalize("NFD", chr(code))[0].lower() for code in range(0x250)]
    return np.array([sum((each in group) << n for n, group in enumerate(_ALIKE)) for each in plain] + [0])


_KINDS = _kinds_of_letters()


def _kinds(letters: Array) -> Array:
    return _KINDS[np.minimum(letters, len(_KINDS) - 1)]


def _is_double(letters: Array) -> Array:
    """Whether each letter is the one before it."""
    return np.concatenate([np.zeros_like(letters[:1], bool), letters[1:] == letters[:-1]])


def _codes(word: str) -> Array:
    return np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32)


def _bits(letters: Array) -> Array:
    """A bit for each letter; some letters share one."""
    return np.uint64(1) << (letters % _BITS).astype(np.uint64)
