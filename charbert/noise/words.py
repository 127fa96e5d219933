"""The words of many texts in one array of characters, and the core of each word.

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
from charbert.noise.edits import SHORTEST_EDITED
from charbert.noise.sampling import counts_between, each_character
from charbert.ragged import Array, cumulative_offsets

_OTHER, _SPACE, _LINE_BREAK, _LETTER, _MARK, _NUMBER = range(6)
_CLASSES = {"L": _LETTER, "M": _MARK, "N": _NUMBER}


@dataclass(frozen=True, kw_only=True)
class Words:
    """W words of T texts, which stand one behind the other in `text`, of N characters."""

    text: str
    codes: Array
    """(N,) the code points of the text."""
    classes: Array
    """(N,) what each character is: white space, a letter, ..."""
    text_starts: Array
    """(T + 1,) where each text begins, and where the last one ends."""
    text_keys: Array
    """(T,) a number made of each text."""
    owners: Array
    """(W,) the number of each word's text."""
    starts: Array
    """(W,) where each word begins."""
    ends: Array
    """(W,) where each word ends."""
    fixed: Array
    """Places in the text that no edit may cross, in order."""
    is_joinable: Array
    """(W,) whether a word may be joined with the next one."""

    @property
    def numbers(self) -> Array:
        """(W,) the number of each word in its text."""
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
        """(W,) how many characters each core has."""
        return self.core_ends - self.core_starts

    @property
    def is_plain(self) -> Array:
        """(W,) whether the core is letters only, marks on them included, and four characters long or more."""
        is_letter = (self.classes == _LETTER) | (self.classes == _MARK)
        letters = counts_between(is_letter, self.core_starts, self.core_ends)
        return (letters == self.core_lengths) & (letters >= SHORTEST_EDITED)

    @property
    def is_free(self) -> Array:
        """(W,) whether no fixed place lies inside the core."""
        return ~_any_between(self.fixed, self.core_starts + 1, self.core_ends - 1)

    def cores(self, rows: Array) -> list[str]:
        """The cores of the words of these numbers."""
        starts, ends = self.core_starts[rows].tolist(), self.core_ends[rows].tolist()
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]

    @cached_property
    def _core_bounds(self) -> tuple[Array, Array]:
        is_first = (self.classes == _LETTER) | (self.classes == _NUMBER)
        first, last = np.flatnonzero(is_first), np.flatnonzero(is_first | (self.classes == _MARK))
        starts = np.append(first, len(self.text))[np.searchsorted(first, self.starts)]
        ends = np.append(last, 0)[np.searchsorted(last, self.ends) - 1] + 1
        has_core = starts < self.ends
        return np.where(has_core, starts, self.starts), np.where(has_core, ends, self.starts)


def split_texts(texts: Sequence[str], fixed: Sequence[Sequence[int]] | None) -> Words:
    """The white-space words of texts; those with one blank between them, and nothing fixed, may be joined.

    Raises:
        CharBertError: `texts` is no list of texts, or `fixed` not one list of positions for each text.
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise CharBertError("texts: give a list of texts")
    text, text_starts = "".join(texts), cumulative_offsets(list(map(len, texts)))
    codes, classes = _codes_and_classes(text)
    places = _places(fixed, text_starts)

    # Each text has white space around it, though the next one begins at once.
    solid = np.concatenate([[False], (classes != _SPACE) & (classes != _LINE_BREAK), [False]])
    begins, ends_before = solid[1:] & ~solid[:-1], solid[:-1] & ~solid[1:]
    inside = text_starts[(text_starts > 0) & (text_starts < len(text))]
    begins[inside], ends_before[inside] = solid[inside + 1], solid[inside]
    starts, ends = np.flatnonzero(begins), np.flatnonzero(ends_before)
    owners = np.searchsorted(text_starts, starts, side="right") - 1

    is_joinable = np.zeros(len(starts), bool)
    gap_starts, gap_ends = ends[:-1], starts[1:]
    is_joinable[:-1] = (
        (owners[:-1] == owners[1:])
        & (gap_ends == gap_starts + 1)
        & (np.append(classes, _OTHER)[gap_starts] == _SPACE)
        & ~_any_between(places, gap_starts, gap_ends)
    )
    return Words(
        text=text,
        codes=codes,
        classes=classes,
        text_starts=text_starts,
        text_keys=_keys(texts),
        owners=owners,
        starts=starts,
        ends=ends,
        fixed=places,
        is_joinable=is_joinable,
    )


def split_sentences(sentences: Sequence[Sequence[str]], joinable: Sequence[Sequence[bool]] | None) -> Words:
    """The words of sentences, each as it is given; a sentence is keyed as its words with blanks between.

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
    bounds, offsets, text = (
        cumulative_offsets(lengths),
        cumulative_offsets(list(map(len, words))),
        "".join(words),
    )
    is_joinable[bounds[1:][np.diff(bounds) > 0] - 1] = False
    codes, classes = _codes_and_classes(text)
    return Words(
        text=text,
        codes=codes,
        classes=classes,
        text_starts=offsets[bounds],
        text_keys=_keys(map(" ".join, sentences)),
        owners=np.repeat(np.arange(len(lengths)), lengths),
        starts=offsets[:-1],
        ends=offsets[1:],
        fixed=np.zeros(0, np.int64),
        is_joinable=is_joinable,
    )


def _codes_and_classes(text: str) -> tuple[Array, Array]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, each_character(codes, _class_of, np.uint8)


def _class_of(character: str) -> int:
    if character.isspace():
        return _LINE_BREAK if character.splitlines() == [""] else _SPACE
    return _CLASSES.get(unicodedata.category(character)[0], _OTHER)


def _keys(texts: Iterable[str]) -> Array:
    """For each text 64 bits of a hash of it."""
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), "<u8")


def _places(fixed: Sequence[Sequence[int]] | None, text_starts: Array) -> Array:
    """The positions of all texts, in order, as places in all of them together."""
    if fixed is None:
        return np.zeros(0, np.int64)
    counts = list(map(len, fixed))
    if len(counts) != len(text_starts) - 1:
        raise CharBertError(f"fixed: {len(counts)} lists of positions for {len(text_starts) - 1} texts")
    positions = np.fromiter(chain.from_iterable(fixed), np.int64, sum(counts))
    lengths = np.repeat(np.diff(text_starts), counts)
    outside = (positions < 0) | (positions > lengths)
    if outside.any():
        first = outside.argmax()
        raise CharBertError(f"fixed: position {positions[first]} in a text of {lengths[first]} characters")
    return np.sort(positions + np.repeat(text_starts[:-1], counts))


def _any_between(places: Array, first: Array, last: Array) -> Array:
    """Whether a place lies from the first to the last of each pair, both included."""
    return np.searchsorted(places, last, side="right") > np.searchsorted(places, first)
