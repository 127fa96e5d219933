"""What a kind of noise is: the base class of all kinds, and the changes that it makes."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from charbert.noise.word_arrays import Words
from charbert.ragged import Array

MisspellingLists = Mapping[str, Sequence[str]]
"""Right word -> wrong ones."""


class Changes(NamedTuple):
    """C changes in the order of the text, one a word: `text[starts[i] : ends[i]]` becomes `new[i]`.

    A blank inserted into a word splits it. A change that begins at the end of a word joins it with the next
    one: nothing replaces what lies between them. Every other change stays inside its word.
    """

    rows: Array
    """(C,) indices of the words."""
    starts: Array
    ends: Array
    new: list[str]


class Kind:
    """A kind of noise: which words it may change, and how.

    A subclass sets `name` and `description`, and has `is_eligible` and `change_core`, which see one word at
    a time, or `find_eligible` and `make_changes`, which see all words as arrays. Each word is changed
    whatever the others are. `charbert.noise.register_kind` makes it known.

    Args:
        language: whose keyboard has the neighbouring keys.
        misspellings: right word -> wrong ones, in small letters.
    """

    name: ClassVar[str]
    """What options and reports call it."""
    description: ClassVar[str]
    """What it does, in a few words for `--help` and reports."""
    takes_misspellings: ClassVar[bool] = False
    requirement: ClassVar[str] = ""
    """What is missing where it is not available, and what to do."""

    def __init__(self, language: str = "en", misspellings: MisspellingLists | None = None) -> None:
        self.language = language
        self.misspellings = misspellings

    @classmethod
    def is_available(cls, misspellings: MisspellingLists | None = None) -> bool:
        """Whether it can be made, with these misspellings if some are given."""
        return True

    def is_eligible(self, core: str) -> bool:
        """Whether it may change a word with this core: the word without the punctuation around it."""
        raise NotImplementedError

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        """The new core of an eligible word, by three numbers from 0 to below 1; it may be the old one."""
        raise NotImplementedError

    def find_eligible(self, words: Words) -> Array:
        """(W,) which of W words it may change."""
        cores = words.cores(np.arange(len(words.starts)))
        return np.fromiter(map(self.is_eligible, cores), bool, len(cores))

    def make_changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        """The changes of R words; there may be fewer, since some words stay.

        Args:
            words: those of all texts.
            rows: (R,) indices of the words to change, all eligible.
            draws: (R, 3) numbers from 0 to below 1.
        """
        cores = list(map(self.change_core, words.cores(rows), zip(*draws.T.tolist(), strict=True)))
        return replace_cores(words, rows, cores)


def replace_cores(words: Words, rows: Array, new: Sequence[str]) -> Changes:
    """The changes that give the words `rows` the cores `new`; a core that is the same as before is none."""
    pairs = zip(words.cores(rows), new, strict=True)
    changed = [index for index, (old, core) in enumerate(pairs) if old != core]
    rows = rows[changed]
    return Changes(rows, words.core_starts[rows], words.core_ends[rows], [new[index] for index in changed])
