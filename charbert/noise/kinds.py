"""The registry of kinds of noise, and the kinds that need no list or table: typos, letter case, spaces."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from charbert.errors import CharBertError
from charbert.noise.base import Changes, Kind, replace_cores
from charbert.noise.edits import EDITS, noise_words
from charbert.noise.homoglyphs import UnicodeVariant
from charbert.noise.misspellings import Misspelling
from charbert.noise.ocr import OcrError
from charbert.noise.sampling import count_between, map_characters
from charbert.noise.words import Words
from charbert.ragged import Array


class Typo(Kind):
    """One edit on an internal character of each plain word, drawn evenly of those that change it.

    A plain word has a core that is letters only, and at least four of them.
    """

    name = "paper"
    description = "a letter dropped, added, swapped or mistyped"
    edits: ClassVar[tuple[str, ...]] = EDITS

    def find_eligible(self, words: Words) -> Array:
        return words.is_plain

    def make_changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        return replace_cores(words, rows, noise_words(words.cores(rows), draws, self.edits, self.language))


class Drop(Typo):
    name = "drop"
    description = "a letter dropped"
    edits = ("drop",)


class Add(Typo):
    name = "add"
    description = "a letter added"
    edits = ("add",)


class Swap(Typo):
    name = "swap"
    description = "two letters swapped"
    edits = ("swap",)


class Mistype(Typo):
    name = "keyboard"
    description = "a neighbouring key"
    edits = ("keyboard",)


class Recase(Kind):
    """Small letters, capitals, a capital first, or one letter in its other case; drawn evenly.

    For each word with a letter of two cases; a form that is the word itself is not drawn.
    """

    name = "case"
    description = "capitals and small letters"

    def find_eligible(self, words: Words) -> Array:
        has_two_cases = map_characters(words.codes, _has_two_cases, bool)
        return count_between(has_two_cases, words.core_starts, words.core_ends) > 0

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        cased = [index for index, character in enumerate(core) if _has_two_cases(character)]
        index = cased[int(draws[1] * len(cased))]
        flipped = core[:index] + core[index].swapcase() + core[index + 1 :]
        forms = [form for form in (core.lower(), core.upper(), core.capitalize(), flipped) if form != core]
        return forms[int(draws[0] * len(forms))]


class Respace(Kind):
    """A blank inside a plain word, or none after it: each as likely, where the next word may be joined."""

    name = "space"
    description = "words joined and split"

    def find_eligible(self, words: Words) -> Array:
        return words.is_plain

    def make_changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        # (R,) arrays. "some word": a join replaces the span 4:5, from this word's end to the start of the
        # next one, by nothing; a split inserts a blank into an empty span, 1:1, 2:2 or 3:3.
        joins = words.is_joinable[rows] & (draws[:, 0] < 1 / 2)
        gaps = words.core_lengths[rows] - 1
        cuts = words.core_starts[rows] + 1 + (draws[:, 1] * gaps).astype(np.int64)
        # The last word of all has no next one, and is not joinable.
        next_starts = words.starts[np.minimum(rows + 1, len(words.starts) - 1)]
        starts = np.where(joins, words.ends[rows], cuts)
        ends = np.where(joins, next_starts, cuts)
        return Changes(rows, starts, ends, ["" if join else " " for join in joins.tolist()])


def _has_two_cases(character: str) -> bool:
    return character.swapcase() != character


KINDS: dict[str, type[Kind]] = {
    kind.name: kind
    for kind in (Typo, Drop, Add, Swap, Mistype, Misspelling, OcrError, Recase, Respace, UnicodeVariant)
}


def register_kind(kind: type[Kind]) -> None:
    """Make a kind of noise known to attacks, commands and reports, under its `name`."""
    KINDS[kind.name] = kind


def find_kind(name: str) -> type[Kind]:
    """The class of a kind.

    Raises:
        CharBertError: there is no such kind.
    """
    if name not in KINDS:
        raise CharBertError(f"no kind of attack {name!r}: there are {', '.join(KINDS)}")
    return KINDS[name]


def describe_kinds() -> str:
    """All kinds with their descriptions in parentheses, for `--help`."""
    return ", ".join(f"{name} ({kind.description})" for name, kind in KINDS.items())
