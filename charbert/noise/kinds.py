"""The kinds of attack: which words each may change, and what it makes of them."""

from collections.abc import Sequence
from typing import Protocol

from charbert.noise.attacked import Changes, changed_cores
from charbert.noise.edits import EDITS, noise_words
from charbert.noise.sampling import counts_between, each_character
from charbert.noise.words import Words
from charbert.ragged import Array

KINDS = ("paper", *EDITS, "natural", "ocr", "case", "space", "unicode")


class Kind(Protocol):
    """A kind of attack. It looks at each word alone, so that a word's change depends on no other's."""

    def eligible(self, words: Words) -> Array:
        """(W,) which of the words it may change."""

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        """What it makes of these R words; some may stay as they are.

        Args:
            words: of all texts.
            rows: (R,) the numbers of the words to change.
            draws: (R, 3) numbers from 0 to below 1.
        """


class Typos:
    """One of some edits on an internal character of each plain word, drawn evenly of those that can."""

    def __init__(self, edits: Sequence[str], language: str) -> None:
        self._edits = edits
        self._language = language

    def eligible(self, words: Words) -> Array:
        return words.is_plain

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        cores = noise_words(words.cores(rows), draws, self._edits, self._language)
        return changed_cores(words, rows, cores)


class Cases:
    """Small letters, capitals, a capital first, or one letter in its other case; drawn evenly.

    It falls on each word with a letter of two cases; a form that is the word itself is not drawn.
    """

    def eligible(self, words: Words) -> Array:
        cased = each_character(words.codes, _has_two_cases, bool)
        return counts_between(cased, words.core_starts, words.core_ends) > 0

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        each = zip(words.cores(rows), draws[:, 0].tolist(), draws[:, 1].tolist(), strict=True)
        return changed_cores(words, rows, [_recased(*one) for one in each])


def _has_two_cases(character: str) -> bool:
    return character.swapcase() != character


def _recased(core: str, draw: float, place_draw: float) -> str:
    cased = [place for place, character in enumerate(core) if _has_two_cases(character)]
    place = cased[int(place_draw * len(cased))]
    flipped = core[:place] + core[place].swapcase() + core[place + 1 :]
    forms = [form for form in (core.lower(), core.upper(), core.capitalize(), flipped) if form != core]
    return forms[int(draw * len(forms))]
