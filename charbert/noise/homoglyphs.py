"""Letters of other scripts, accents, and characters without a width."""

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from charbert.noise.attacked import Changes, changed_cores
from charbert.noise.ocr import both_ways
from charbert.noise.sampling import counts_between, drawn_options, each_character, nth_possible
from charbert.noise.words import Words
from charbert.ragged import Array

_LATIN_AND_CYRILLIC = (
    "acdehijlopqswxyABCEGHIJKMOPQSTWXY",
    "асԁеһіјӏорԛѕԝхуАВСЕԌНІЈКМОРԚЅТԜХҮ",
)
_LATIN_AND_GREEK = ("ijopuvABEHIKMNOPTXYZ", "ιϳορυνΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
HOMOGLYPHS = both_ways(
    pair
    for ours, theirs in (_LATIN_AND_CYRILLIC, _LATIN_AND_GREEK)
    for pair in zip(ours, theirs, strict=True)
)
# Grave, acute, circumflex, tilde, diaeresis, caron.
ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030c"
# Space, non-joiner, joiner, word joiner, no-break space.
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"


class UnicodeVariants:
    """One letter of another script, one accent or one character without width in each word.

    The three are drawn evenly, of those that the word allows: a letter has a lookalike in another script, an
    accent goes on a letter that has a capital, and what has no width stands between two characters.
    """

    def eligible(self, words: Words) -> Array:
        counts = _counts(words, _options(words), np.arange(len(words.starts)))
        return counts.sum(0) > 0

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        options = _options(words)
        drawn = nth_possible(_counts(words, options, rows) > 0, draws[:, 0])
        places, numbers = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        for family, options_of_family in enumerate(options):
            of_family = np.flatnonzero(drawn == family)
            chosen = rows[of_family]
            places[of_family], numbers[of_family] = drawn_options(
                options_of_family, words.core_starts[chosen], words.core_ends[chosen], draws[of_family, 1]
            )
        places -= words.core_starts[rows]
        each = zip(words.cores(rows), drawn.tolist(), places.tolist(), numbers.tolist(), strict=True)
        return changed_cores(
            words,
            rows,
            [
                core[:place] + _FAMILIES[family].written(core[place], number) + core[place + 1 :]
                for core, family, place, number in each
            ],
        )


class _Family(NamedTuple):
    """How many variants a character has, and how its n-th one is written."""

    count: Callable[[str], int]
    written: Callable[[str, int], str]


def _homoglyph_count(character: str) -> int:
    return len(HOMOGLYPHS.get(character, ()))


def _homoglyph(character: str, number: int) -> str:
    return HOMOGLYPHS[character][number]


def _accent_count(character: str) -> int:
    return 2 * len(ACCENTS) if character.swapcase() != character else 0


def _accented(character: str, number: int) -> str:
    """With an accent: half of them in one character where Unicode has it, the others in two."""
    composed, accent = divmod(number, len(ACCENTS))
    written = character + ACCENTS[accent]
    return unicodedata.normalize("NFC", written) if composed else written


def _zero_width_count(character: str) -> int:
    return len(ZERO_WIDTH)


def _behind_zero_width(character: str, number: int) -> str:
    return ZERO_WIDTH[number] + character


_FAMILIES = (
    _Family(_homoglyph_count, _homoglyph),
    _Family(_accent_count, _accented),
    _Family(_zero_width_count, _behind_zero_width),
)


def _options(words: Words) -> list[Array]:
    """For each family (N,) how many variants each character has."""
    options = [each_character(words.codes, family.count, np.int64) for family in _FAMILIES]
    # Nothing goes before a core.
    options[-1][words.core_starts[words.core_lengths > 0]] = 0
    return options


def _counts(words: Words, options: list[Array], rows: Array) -> Array:
    """(F, R) how many variants of each family these words have."""
    starts, ends = words.core_starts[rows], words.core_ends[rows]
    return np.stack([counts_between(of_family, starts, ends) for of_family in options])
