"""The kinds of noise and their registry: typos, OCR errors, letter case, spaces, homoglyphs."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import ClassVar

import numpy as np

from charbert.errors import CharBertError
from charbert.noise.base import Changes, Kind, replace_cores
from charbert.noise.edits import EDITS, find_editable, is_mark, noise_words
from charbert.noise.misspellings import Misspelling
from charbert.noise.word_arrays import Words
from charbert.ragged import Array

_ALWAYS_POSSIBLE = frozenset({"drop", "add"})  # in plain words


class Typo(Kind):
    """One edit on an internal character of each plain word, drawn evenly of those that change it.

    A plain word has a core that is letters only, at least four; marks are a part of the letters that they are
    on. A word that no edit of the kind changes is not eligible.
    """

    name = "paper"
    description = "a letter dropped, added, swapped or mistyped"
    edits: ClassVar[tuple[str, ...]] = EDITS

    def find_eligible(self, words: Words) -> Array:
        eligible = words.is_plain
        if not _ALWAYS_POSSIBLE.intersection(self.edits):
            rows = np.flatnonzero(eligible)
            eligible[rows] = find_editable(words.cores(rows), self.edits, self.language)
        return eligible

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


def _pair_both_ways(pairs: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Each member of the pairs -> all that it is paired with."""
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return {each: tuple(others) for each, others in found.items()}


# No digit is taken for another one, since numbers must stay right.
PRINT_CONFUSIONS = _pair_both_ways(
    pair.split(":")
    for pair in (
        "e:c h:b n:u a:o i:j i:l f:t g:q v:y C:G D:O O:Q E:F U:V l:1 I:1 I:l O:0 o:0 S:5 B:8 Z:2 z:2 G:6 b:6 "
        "g:9 rn:m in:m ri:n cl:d vv:w VV:W li:h ii:u"
    ).split()
)
_CONFUSED = re.compile("|".join(PRINT_CONFUSIONS))


class OcrError(Kind):
    """One shape taken for another in each word of at least two characters that has such a shape."""

    name = "ocr"
    description = "confusions of print"

    def is_eligible(self, core: str) -> bool:
        return len(core) > 1 and _CONFUSED.search(core) is not None

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        options = [
            (start, end, other)
            for start in range(len(core))
            for end in range(start + 1, min(start + 2, len(core)) + 1)
            for other in PRINT_CONFUSIONS.get(core[start:end], ())
        ]
        start, end, other = options[int(draws[1] * len(options))]
        return core[:start] + other + core[end:]


class Recase(Kind):
    """Small letters, capitals, a capital first, or one letter in its other case; drawn evenly.

    For each word with a letter of two cases; a form that is the word itself is not drawn.
    """

    name = "case"
    description = "capitals and small letters"

    def is_eligible(self, core: str) -> bool:
        return any(map(_has_two_cases, core))

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        cased = [index for index, character in enumerate(core) if _has_two_cases(character)]
        index = cased[int(draws[1] * len(cased))]
        flipped = core[:index] + core[index].swapcase() + core[index + 1 :]
        forms = [form for form in (core.lower(), core.upper(), core.capitalize(), flipped) if form != core]
        return forms[int(draws[0] * len(forms))]


def _has_two_cases(character: str) -> bool:
    return character.swapcase() != character


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
        gaps = words.letter_counts[rows] - 1
        cuts = words.find_letters(rows, 1 + (draws[:, 1] * gaps).astype(np.int64))
        # The last word of all has no next one, and is not joinable.
        next_starts = words.starts[np.minimum(rows + 1, len(words.starts) - 1)]
        starts = np.where(joins, words.ends[rows], cuts)
        ends = np.where(joins, next_starts, cuts)
        return Changes(rows, starts, ends, ["" if join else " " for join in joins.tolist()])


_LATIN_AND_CYRILLIC = (
    "acdehijlopqswxyABCEGHIJKMOPQSTWXY",
    "асԁеһіјӏорԛѕԝхуАВСЕԌНІЈКМОРԚЅТԜХҮ",
)
_LATIN_AND_GREEK = ("ijopuvABEHIKMNOPTXYZ", "ιϳορυνΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
HOMOGLYPHS = _pair_both_ways(
    pair for scripts in (_LATIN_AND_CYRILLIC, _LATIN_AND_GREEK) for pair in zip(*scripts, strict=True)
)
# Grave, acute, circumflex, tilde, diaeresis, caron.
ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030c"
# Space, non-joiner, joiner, word joiner, no-break space.
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"


class UnicodeVariant(Kind):
    """One homoglyph, accent or zero-width character in each word that allows one.

    The three are drawn evenly, of those that the word allows. A zero-width character is put between two
    characters of the core, not before a mark.
    """

    name = "unicode"
    description = "look-alike and invisible characters"

    def is_eligible(self, core: str) -> bool:
        return not all(map(is_mark, core[1:])) or any(
            each in HOMOGLYPHS or _has_two_cases(each) for each in core
        )

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        characters = list(enumerate(core))
        families = [
            [(index, new) for index, character in characters for new in HOMOGLYPHS.get(character, ())],
            [(index, new) for index, character in characters for new in _add_accents(character)],
            [
                (index, new + character)
                for index, character in characters[1:]
                if not is_mark(character)
                for new in ZERO_WIDTH
            ],
        ]
        possible = [family for family in families if family]
        family = possible[int(draws[0] * len(possible))]
        index, new = family[int(draws[1] * len(family))]
        return core[:index] + new + core[index + 1 :]


@cache
def _add_accents(character: str) -> Sequence[str]:
    """A letter of two cases with each accent: in two characters, and in one where Unicode has it."""
    if not _has_two_cases(character):
        return ()
    accented = [character + accent for accent in ACCENTS]
    return (*accented, *(unicodedata.normalize("NFC", each) for each in accented))


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
