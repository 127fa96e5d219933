"""Unicode noise: homoglyphs (letters of other scripts that look alike), accents, zero-width characters."""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from charbert.noise.base import Changes, Kind, replace_cores
from charbert.noise.ocr import pair_both_ways
from charbert.noise.sampling import count_between, draw_options, draw_rows, map_characters
from charbert.noise.words import Words
from charbert.ragged import Array

_LATIN_AND_CYRILLIC = (
    "acdehijlopqswxyABCEGHIJKMOPQSTWXY",
    "асԁеһіјӏорԛѕԝхуАВСЕԌНІЈКМОРԚЅТԜХҮ",
)
_LATIN_AND_GREEK = ("ijopuvABEHIKMNOPTXYZ", "ιϳορυνΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
HOMOGLYPHS = pair_both_ways(
    pair
    for ours, theirs in (_LATIN_AND_CYRILLIC, _LATIN_AND_GREEK)
    for pair in zip(ours, theirs, strict=True)
)
# Grave, acute, circumflex, tilde, diaeresis, caron.
ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030c"
# Space, non-joiner, joiner, word joiner, no-break space.
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"


def _find_homoglyphs(character: str) -> Sequence[str]:
    return HOMOGLYPHS.get(character, ())


@cache
def _add_accents(character: str) -> Sequence[str]:
    """A letter of two cases with each accent: in two characters, and in one where Unicode has it."""
    if character.swapcase() == character:
        return ()
    accented = [character + accent for accent in ACCENTS]
    return (*accented, *(unicodedata.normalize("NFC", each) for each in accented))


def _put_zero_width_before(character: str) -> Sequence[str]:
    return [zero_width + character for zero_width in ZERO_WIDTH]


_FAMILIES = (_find_homoglyphs, _add_accents, _put_zero_width_before)


class UnicodeVariant(Kind):
    """One homoglyph, accent or zero-width character in each word that allows one.

    The three are drawn evenly, of those that the word allows. A zero-width character is put between two
    characters of the core.
    """

    name = "unicode"
    description = "look-alike and invisible characters"

    def find_eligible(self, words: Words) -> Array:
        counts = _count_variants(words, _options(words), np.arange(len(words.starts)))
        return counts.sum(0) > 0

    def make_changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        options = _options(words)
        families = draw_rows(_count_variants(words, options, rows) > 0, draws[:, 0])
        positions, numbers = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        for family, own in enumerate(options):
            drawn = np.flatnonzero(families == family)
            chosen = rows[drawn]
            positions[drawn], numbers[drawn] = draw_options(
                own, words.core_starts[chosen], words.core_ends[chosen], draws[drawn, 1]
            )
        positions -= words.core_starts[rows]
        each = zip(words.cores(rows), families.tolist(), positions.tolist(), numbers.tolist(), strict=True)
        cores = [
            core[:position] + _FAMILIES[family](core[position])[number] + core[position + 1 :]
            for core, family, position, number in each
        ]
        return replace_cores(words, rows, cores)


def _options(words: Words) -> list[Array]:
    """For each family (N,) the number of variants of each character."""
    # "no 7a": n, o, 7, a have 0, 2, 0, 1 homoglyphs and 12, 12, 0, 12 accents; a zero-width character goes
    # before each character but the first one of a core: 0, 5, 0, 5.
    options = [map_characters(words.codes, partial(_count, family), np.int64) for family in _FAMILIES]
    options[-1][words.core_starts[words.core_lengths > 0]] = 0
    return options


def _count(family: Callable[[str], Sequence[str]], character: str) -> int:
    return len(family(character))


def _count_variants(words: Words, options: list[Array], rows: Array) -> Array:
    """(F, R) the number of variants of each family that the words `rows` have."""
    starts, ends = words.core_starts[rows], words.core_ends[rows]
    return np.stack([count_between(own, starts, ends) for own in options])
