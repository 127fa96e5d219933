"""Attacks on many texts or sentences at a time, whose labels go on holding.

Every draw is a hash of the seed, the text and the number of the word: it depends on no other text, and a word
that is changed at one rate is changed alike at every higher rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from charbert.errors import CharBertError
from charbert.noise.attacked import (
    AttackedText,
    AttackedWords,
    Changes,
    attacked_sentences,
    attacked_texts,
    respaced_sentences,
)
from charbert.noise.edits import EDITS
from charbert.noise.homoglyphs import UnicodeVariants
from charbert.noise.keyboards import check_language
from charbert.noise.kinds import KINDS, Cases, Kind, Typos
from charbert.noise.natural import Misspellings, codespell_misspellings
from charbert.noise.ocr import PrintConfusions
from charbert.noise.space import Spacing
from charbert.noise.words import Words, split_sentences, split_texts
from charbert.ragged import Array
from charbert.randomness import derive_keys, uniform

_CHANGED, _EDIT, _PLACE, _LETTER = range(4)
_SEEDS = 2**64


@dataclass(frozen=True)
class Attack:
    """One kind of change on a share of the words that it may change.

    Raises:
        CharBertError: there is no such kind, the rate is not from 0 to 1, the language has no keyboard, or
            `"natural"` has no misspellings.
    """

    kind: str = "paper"
    """One of `KINDS`."""
    rate: float = 1.0
    """The share of the eligible words that are changed, each by a draw of its own."""
    seed: int = 0
    language: str = "en"
    """Whose keyboard has the neighbouring keys, one of `KEYBOARDS`."""
    misspellings: Mapping[str, Sequence[str]] | None = field(default=None, repr=False)
    """Right word -> wrong ones, in small letters, for `"natural"`; none for codespell's dictionary."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CharBertError(f"no kind of attack {self.kind!r}: there are {', '.join(KINDS)}")
        if not 0 <= self.rate <= 1:
            raise CharBertError(f"the rate of an attack is from 0 to 1, not {self.rate}")
        check_language(self.language)
        # Built now, so that what it lacks is told before anything is read.
        _ = self._kind

    def texts(self, texts: Sequence[str], fixed: Sequence[Sequence[int]] | None = None) -> list[AttackedText]:
        """The texts with some of their white-space words changed, and all else as it is.

        Args:
            texts: T texts.
            fixed: for each text the positions that no edit may cross, such as the ends of answers. A word
                that has one inside stays, and words with one between them are not joined.

        Raises:
            CharBertError: `texts` is no list of texts, or `fixed` not one list of positions for each text.
        """
        words = split_texts(texts, fixed)
        return attacked_texts(words, *self._changes(words))

    def sentences(
        self, sentences: Sequence[Sequence[str]], joinable: Sequence[Sequence[bool]] | None = None
    ) -> list[AttackedWords]:
        """The sentences with some of their words changed.

        Args:
            sentences: the words of each.
            joinable: whether `"space"` may join each word with the next one; all, if not given.

        Raises:
            CharBertError: a sentence is a text, or `joinable` is not one value for each word.
        """
        words = split_sentences(sentences, joinable)
        attacked = respaced_sentences if self.kind == "space" else attacked_sentences
        return attacked(sentences, words, *self._changes(words))

    def _changes(self, words: Words) -> tuple[Array, Changes]:
        """(W,) which words are eligible, and the changes of those drawn."""
        eligible = self._kind.eligible(words) & words.is_free
        keys = derive_keys(derive_keys(self.seed % _SEEDS, words.text_keys)[words.owners], words.numbers)
        rows = np.flatnonzero(eligible & (uniform(keys, _CHANGED) < self.rate))
        draws = np.stack([uniform(keys[rows], purpose) for purpose in (_EDIT, _PLACE, _LETTER)], axis=1)
        return eligible, self._kind.changes(words, rows, draws)

    @cached_property
    def _kind(self) -> Kind:
        match self.kind:
            case "paper":
                return Typos(EDITS, self.language)
            case "natural":
                given = self.misspellings
                return Misspellings(codespell_misspellings() if given is None else given)
            case "ocr":
                return PrintConfusions()
            case "case":
                return Cases()
            case "space":
                return Spacing()
            case "unicode":
                return UnicodeVariants()
            case edit:
                return Typos((edit,), self.language)
