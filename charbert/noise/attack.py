"""Attacks: one kind of noise on many texts or sentences, whose labels stay valid.

Every draw is a hash of the seed, the text and the index of the word: it depends on no other text, and a word
that is changed at one rate is changed alike at every higher rate.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from os import PathLike
from typing import NamedTuple

import numpy as np

from charbert.errors import CharBertError
from charbert.noise.base import Changes, Kind, MisspellingLists
from charbert.noise.keyboards import check_language
from charbert.noise.kinds import KINDS, find_kind
from charbert.noise.misspellings import read_misspellings
from charbert.noise.word_arrays import Words, split_sentences, split_texts
from charbert.ragged import Array
from charbert.randomness import derive_keys, uniform

_CHANGED, _EDIT, _POSITION, _LETTER = range(4)  # purposes of draws
_SEEDS = 2**64


class Edit(NamedTuple):
    """`text[start:end]` became `new_text[new_start:new_end]`; the text between two edits stayed."""

    start: int
    end: int
    new_start: int
    new_end: int


class AttackedText(NamedTuple):
    """A text after an attack, with its number of words, of those eligible, and of those changed."""

    text: str
    words: int
    eligible: int
    changed: int
    edits: tuple[Edit, ...]

    def map_position(self, position: int) -> int:
        """The position in the new text of a position in the old one.

        The ends of an edit become the ends of its new text; a position inside keeps its distance from the
        start, up to the end of the new text.
        """
        index = bisect_left(self.edits, position, key=lambda edit: edit.start) - 1
        if index < 0:
            return position
        edit = self.edits[index]
        if position >= edit.end:
            return position + edit.new_end - edit.end
        return min(position + edit.new_start - edit.start, edit.new_end)


class AttackedWords(NamedTuple):
    """The words of a sentence after an attack.

    `sources` has for each the index of the old word that it begins with; `eligible` and `changed` count old
    words.
    """

    words: tuple[str, ...]
    sources: tuple[int, ...]
    eligible: int
    changed: int


@dataclass(frozen=True)
class Attack:
    """One kind of noise on a share of the words that it may change.

    Raises:
        CharBertError: there is no such kind, the rate is not from 0 to 1, the language has no keyboard, or
            the kind is not available.
    """

    kind: str = "paper"
    """One of `KINDS`."""
    rate: float = 1.0
    """The share of the eligible words that are changed, each by a draw of its own."""
    seed: int = 0
    language: str = "en"
    """Whose keyboard has the neighbouring keys, one of `KEYBOARDS`."""
    misspellings: MisspellingLists | None = field(default=None, repr=False)
    """Right word -> wrong ones, in small letters, for `"natural"`; None: codespell's dictionary."""

    def __post_init__(self) -> None:
        find_kind(self.kind)
        if not 0 <= self.rate <= 1:
            raise CharBertError(f"the rate of an attack is from 0 to 1, not {self.rate}")
        check_language(self.language)
        _ = self._kind  # built now, so that what it lacks is reported before anything is read

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
        eligible, changes = self._draw_changes(words)
        return _change_texts(words, eligible, changes)

    def sentences(
        self, sentences: Sequence[Sequence[str]], joinable: Sequence[Sequence[bool]] | None = None
    ) -> list[AttackedWords]:
        """The sentences with some of their words changed.

        Args:
            sentences: the words of each.
            joinable: whether each word may be joined with the next one, by the kinds that join words; all,
                if not given.

        Raises:
            CharBertError: a sentence is a text, or `joinable` is not one value for each word.
        """
        words = split_sentences(sentences, joinable)
        eligible, changes = self._draw_changes(words)
        return _change_sentences(sentences, words, eligible, changes)

    def _draw_changes(self, words: Words) -> tuple[Array, Changes]:
        """(W,) which words are eligible, and the changes of those drawn."""
        eligible = self._kind.find_eligible(words) & words.is_free
        keys = derive_keys(derive_keys(self.seed % _SEEDS, words.text_keys)[words.owners], words.numbers)
        rows = np.flatnonzero(eligible & (uniform(keys, _CHANGED) < self.rate))
        draws = np.stack([uniform(keys[rows], purpose) for purpose in (_EDIT, _POSITION, _LETTER)], axis=1)
        return eligible, self._kind.make_changes(words, rows, draws)

    @cached_property
    def _kind(self) -> Kind:
        return find_kind(self.kind)(self.language, self.misspellings)


def load_attack(
    kind: str = Attack.kind,
    rate: float = Attack.rate,
    seed: int = Attack.seed,
    language: str = Attack.language,
    misspellings: str | PathLike[str] | None = None,
) -> Attack:
    """An attack whose misspellings are read from a file, if one is given.

    Raises:
        CharBertError: as `Attack` and `read_misspellings`, or the kind takes no misspellings.
    """
    if misspellings and not find_kind(kind).takes_misspellings:
        takers = " or ".join(name for name, entry in KINDS.items() if entry.takes_misspellings)
        raise CharBertError(f"{kind} takes no misspellings; give the kind {takers}")
    return Attack(kind, rate, seed, language, read_misspellings(misspellings) if misspellings else None)


def _change_texts(words: Words, eligible: Array, changes: Changes) -> list[AttackedText]:
    counts, eligibles, bounds = _count(words, eligible, changes)
    spans = list(zip(changes.starts.tolist(), changes.ends.tolist(), changes.new, strict=True))
    attacked = []
    for index, (start, end) in enumerate(pairwise(words.text_starts.tolist())):
        own = spans[bounds[index] : bounds[index + 1]]
        text, edits = _replace_spans(words.text, start, end, own)
        attacked.append(AttackedText(text, counts[index], eligibles[index], len(own), edits))
    return attacked


def _replace_spans(
    text: str, start: int, end: int, spans: Sequence[tuple[int, int, str]]
) -> tuple[str, tuple[Edit, ...]]:
    """`text[start:end]` with the spans replaced, and the edits of this part."""
    pieces: list[str] = []
    edits: list[Edit] = []
    done, shift = start, 0
    for old_start, old_end, new in spans:
        pieces += text[done:old_start], new
        new_start = old_start - start + shift
        edits.append(Edit(old_start - start, old_end - start, new_start, new_start + len(new)))
        shift += len(new) - (old_end - old_start)
        done = old_end
    pieces.append(text[done:end])
    return "".join(pieces), tuple(edits)


def _change_sentences(
    sentences: Sequence[Sequence[str]], words: Words, eligible: Array, changes: Changes
) -> list[AttackedWords]:
    _, eligibles, bounds = _count(words, eligible, changes)
    offsets = words.starts[changes.rows]
    columns = (words.numbers[changes.rows], changes.starts - offsets, changes.ends - offsets)
    spans = list(zip(*(column.tolist() for column in columns), changes.new, strict=True))
    attacked = []
    for index, sentence in enumerate(sentences):
        own = spans[bounds[index] : bounds[index + 1]]
        parts = [[word] for word in sentence]
        joined = set()
        for number, start, end, new in own:
            word = sentence[number]
            if start == len(word):
                joined.add(number + 1)
            elif start == end and new == " ":
                parts[number] = [word[:start], word[start:]]
            else:
                parts[number] = [word[:start] + new + word[end:]]
        new_words: list[str] = []
        sources: list[int] = []
        for number, pieces in enumerate(parts):
            if number in joined:
                new_words[-1] += pieces.pop(0)
            new_words += pieces
            sources += [number] * len(pieces)
        attacked.append(AttackedWords(tuple(new_words), tuple(sources), eligibles[index], len(own)))
    return attacked


def _count(words: Words, eligible: Array, changes: Changes) -> tuple[list[int], list[int], list[int]]:
    """For each text its words and those eligible, (T,), and the bounds of its changes, (T + 1,)."""
    texts = len(words.text_keys)
    counts = np.bincount(words.owners, minlength=texts).tolist()
    eligibles = np.bincount(words.owners[eligible], minlength=texts).tolist()
    changed = np.bincount(words.owners[changes.rows], minlength=texts).tolist()
    return counts, eligibles, [0, *accumulate(changed)]
