"""Words of many texts as one array of characters, and the core of each word.

The core is a word without the punctuation around it: it goes from the first letter or digit to the last one,
with the marks on that.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import chain

import numpy as np

from charbert.errors import CharBertError
from charbert.noise.edits import SHORTEST_EDITED, count_between
from charbert.ragged import Array, cumulative_offsets

_OTHER, _SPACE, _LINE_BREAK, _LETTER, _MARK, _NUMBER = range(6)
_CLASSES = {"L": _LETTER, "M": _MARK, "N": _NUMBER}


@dataclass(frozen=True, kw_only=True)
class Words:
    """W words of T texts, whose N characters follow one another in `text`."""

    text: str
    classes: Array
    """(N,) the class of each character: white space, a letter, ..."""
    text_starts: Array
    """(T + 1,) where each text begins, and where the last one ends."""
    text_keys: Array
    """(T,) a hash of each text."""
    owners: Array
    """(W,) the index of each word's text."""
    starts: Array
    """(W,) where each word begins."""
    ends: Array
    """(W,) where each word ends."""
    fixed: Array
    """Positions in `text` that no edit may cross, in order."""
    is_joinable: Array
    """(W,) whether a word may be joined with the next one."""

    @property
    def numbers(self) -> Array:
        """(W,) the index of each word in its text."""
        # With owners 0 0 0 1 1 the first word of each one's text is 0 0 0 3 3, and the numbers are 0 1 2 0 1.
        return np.arange(len(self.owners)) - np.searchsorted(self.owners, self.owners)

    @property
    def core_starts(self) -> Array:
        """(W,) where each core begins; a word of punctuation has an empty one."""
        return self._core_bounds[0]

    @property
    def core_ends(self) -> Array:
        """(W,) where each core ends."""
        return self._core_bounds[1]

    @property
    def core_lengths(self) -> Array:
        """(W,) the number of characters of each core."""
        return self.core_ends - self.core_starts

    @property
    def is_plain(self) -> Array:
        """(W,) whether the core is four letters or more, and nothing else but marks on them."""
        marks = count_between(self.classes == _MARK, self.core_starts, self.core_ends)
        letters = self.letter_counts
        return (letters + marks == self.core_lengths) & (letters >= SHORTEST_EDITED)

    @property
    def letter_counts(self) -> Array:
        """(W,) the number of letters of each core."""
        return count_between(self.classes == _LETTER, self.core_starts, self.core_ends)

    def find_letters(self, rows: Array, numbers: Array) -> Array:
        """(R,) the positions in `text` of the letters with these numbers, from 0, in the cores of R words."""
        letters = np.flatnonzero(self.classes == _LETTER)
        return letters[np.searchsorted(letters, self.core_starts[rows]) + numbers]

    @property
    def is_free(self) -> Array:
        """(W,) whether no fixed position is inside the core."""
        return ~_any_between(self.fixed, self.core_starts + 1, self.core_ends - 1)

    def cores(self, rows: Array) -> list[str]:
        """The cores of the words with these indices."""
        starts, ends = self.core_starts[rows].tolist(), self.core_ends[rows].tolist()
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]

    @cached_property
    def _core_bounds(self) -> tuple[Array, Array]:
        # The core begins at the first position of a letter or digit that is not before the word's start, and
        # ends after the last one (marks included) that is before its end: each by bisection, for all words.
        # "(an -- x1)": words 0:3, 4:6, 7:10; letters and digits at 1 2 7 8; cores 1:3, none, 7:9. The word
        # "--" finds the start 7, beyond its end: its core is empty, at its start.
        is_first = (self.classes == _LETTER) | (self.classes == _NUMBER)
        first, last = np.flatnonzero(is_first), np.flatnonzero(is_first | (self.classes == _MARK))
        starts = np.append(first, len(self.text))[np.searchsorted(first, self.starts)]
        ends = np.append(last, 0)[np.searchsorted(last, self.ends) - 1] + 1
        has_core = starts < self.ends
        return np.where(has_core, starts, self.starts), np.where(has_core, ends, self.starts)


def split_texts(texts: Sequence[str], fixed: Sequence[Sequence[int]] | None = None) -> Words:
    """The white-space words of texts; those with one blank between them, and nothing fixed, may be joined.

    Args:
        texts: T texts.
        fixed: for each text the positions that no edit may cross; none, if not given.

    Raises:
        CharBertError: `texts` is no list of texts, or `fixed` not one list of positions for each text.
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise CharBertError("texts: give a list of texts")
    text, text_starts = "".join(texts), cumulative_offsets(list(map(len, texts)))
    classes = _classify_characters(text)
    positions = _shift_positions(fixed, text_starts)

    # "to be", "or": the text is "to beor", solid is 0 1101111 0 with white space put around it. A word begins
    # where a solid character follows one that is not, at 0 3, and ends where the opposite is true, at 2 7. At
    # the bound of two texts, 5, no white space is needed: if the character before it is solid, a word ends
    # there; if the one after it is, a word begins.
    solid = np.concatenate([[False], (classes != _SPACE) & (classes != _LINE_BREAK), [False]])
    is_start, is_end = solid[1:] & ~solid[:-1], solid[:-1] & ~solid[1:]
    bounds = text_starts[(text_starts > 0) & (text_starts < len(text))]
    is_start[bounds], is_end[bounds] = solid[bounds + 1], solid[bounds]
    starts, ends = np.flatnonzero(is_start), np.flatnonzero(is_end)
    owners = np.searchsorted(text_starts, starts, side="right") - 1

    # (W - 1,) of each gap between two words: whether it is in one text, one blank, and free.
    is_joinable = np.zeros(len(starts), bool)
    gap_starts, gap_ends = ends[:-1], starts[1:]
    is_joinable[:-1] = (
        (owners[:-1] == owners[1:])
        & (gap_ends == gap_starts + 1)
        & (np.append(classes, _OTHER)[gap_starts] == _SPACE)
        & ~_any_between(positions, gap_starts, gap_ends)
    )
    return Words(
        text=text,
        classes=classes,
        text_starts=text_starts,
        text_keys=_hash_texts(texts),
        owners=owners,
        starts=starts,
        ends=ends,
        fixed=positions,
        is_joinable=is_joinable,
    )


def split_sentences(
    sentences: Sequence[Sequence[str]], joinable: Sequence[Sequence[bool]] | None = None
) -> Words:
    """The words of sentences, each as it is given; a sentence is keyed as its words with blanks between.

    Args:
        sentences: the words of each.
        joinable: whether each word may be joined with the next one; all, if not given.

    Raises:
        CharBertError: a sentence is a text, or `joinable` is not one value for each word.
    """
    if isinstance(sentences, str) or any(isinstance(sentence, str) for sentence in sentences):
        raise CharBertError("sentences: give a list of words for each sentence, and no text")
    lengths = list(map(len, sentences))
    words = list(chain.from_iterable(sentences))
    is_joinable = np.ones(len(words), bool)
    if joinable is not None:
        if list(map(len, joinable)) != lengths:
            raise CharBertError("joinable: give one list for each sentence, with a value for each word")
        is_joinable = np.fromiter(chain.from_iterable(joinable), bool, len(words))
    # ("to", "be"), (), ("or",): bounds = 0 2 2 3 in words, offsets = 0 2 4 6 in characters. The last word of
    # each sentence that has some (1 and 2) is never joined.
    bounds, offsets = cumulative_offsets(lengths), cumulative_offsets(list(map(len, words)))
    is_joinable[bounds[1:][np.diff(bounds) > 0] - 1] = False
    text = "".join(words)
    return Words(
        text=text,
        classes=_classify_characters(text),
        text_starts=offsets[bounds],
        text_keys=_hash_texts(map(" ".join, sentences)),
        owners=np.repeat(np.arange(len(lengths)), lengths),
        starts=offsets[:-1],
        ends=offsets[1:],
        fixed=np.zeros(0, np.int64),
        is_joinable=is_joinable,
    )


def _classify_characters(text: str) -> Array:
    """(N,) the class of each character, looked up in a table with an entry for each one that occurs."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    present = sorted(set(text))
    table = np.zeros(ord(present[-1]) + 1 if present else 1, np.uint8)
    table[[ord(character) for character in present]] = [_classify(character) for character in present]
    return table[codes]


def _classify(character: str) -> int:
    if character.isspace():
        return _LINE_BREAK if character.splitlines() == [""] else _SPACE
    return _CLASSES.get(unicodedata.category(character)[0], _OTHER)


def _hash_texts(texts: Iterable[str]) -> Array:
    """(T,) 64 bits of a hash of each text."""
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), "<u8")


def _shift_positions(fixed: Sequence[Sequence[int]] | None, text_starts: Array) -> Array:
    """The positions in their texts as positions in all texts together, in order."""
    if fixed is None:
        return np.zeros(0, np.int64)
    counts = list(map(len, fixed))
    if len(counts) != len(text_starts) - 1:
        raise CharBertError(f"fixed: {len(counts)} lists of positions for {len(text_starts) - 1} texts")
    positions = np.fromiter(chain.from_iterable(fixed), np.int64, sum(counts))
    lengths = np.repeat(np.diff(text_starts), counts)
    is_outside = (positions < 0) | (positions > lengths)
    if is_outside.any():
        first = is_outside.argmax()
        raise CharBertError(f"fixed: position {positions[first]} in a text of {lengths[first]} characters")
    return np.sort(positions + np.repeat(text_starts[:-1], counts))


def _any_between(positions: Array, first: Array, last: Array) -> Array:
    """(R,) whether one of the sorted positions is from the first to the last of each pair, both included."""
    return np.searchsorted(positions, last, side="right") > np.searchsorted(positions, first)
