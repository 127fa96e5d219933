"""The words of examples that a search may edit, and what each may become."""

from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple

import numpy as np

from charbert.noise import EDITS, list_variants
from charbert.noise.words import split_sentences, split_texts

State = tuple[tuple[int, str], ...]
"""Edits that are made: the number of a spot and the word that stands there now, by number."""


class Spot(NamedTuple):
    """A word that may be edited, without the punctuation around it."""

    text: int
    """Which of `texts_of` its example it stands in."""
    start: int
    word: str
    variants: Sequence[str]


class EditableWords:
    """Finds the words of an example whose core is letters only and at least four characters long.

    Each may become what one edit on its internal characters makes of it.

    Args:
        edits: those that are tried.
        language: of the keyboard.
        most: variants of a word at most, drawn by `seed`, the same wherever the word stands; None: all.
        seed: of these draws.

    Raises:
        CharBertError: when called, an edit or a language that does not exist.
    """

    def __init__(
        self, edits: Sequence[str] = EDITS, language: str = "en", most: int | None = None, seed: int = 0
    ) -> None:
        self._edits = tuple(edits)
        self._language = language
        self._most = most
        self._seed = seed
        self._known: dict[str, list[str]] = {}

    def __call__(self, example: Any) -> list[Spot]:
        """The spots of an example, in order; a word without variants is none."""
        texts = texts_of(example)
        if any(isinstance(value, tuple) for value in example.readable.values()):
            words = split_sentences([texts], None)
            owners, starts = words.numbers, words.core_starts - words.starts
        else:
            words = split_texts(texts, None)
            owners, starts = words.owners, words.core_starts - words.text_starts[words.owners]
        rows = np.flatnonzero(words.is_plain)
        places = zip(owners[rows].tolist(), starts[rows].tolist(), words.cores(rows), strict=True)
        spots = [Spot(text, start, word, self._variants(word)) for text, start, word in places]
        return [spot for spot in spots if spot.variants]

    def _variants(self, word: str) -> list[str]:
        found = self._known.get(word)
        if found is None:
            found = list_variants(word, self._edits, self._language)
            if self._most is not None and len(found) > self._most:
                found = Random(f"{self._seed} {word}").sample(found, self._most)
            self._known[word] = found
        return found


def edited(example: Any, spots: Sequence[Spot], state: State) -> Any:
    """The example with these edits."""
    texts = texts_of(example)
    for number, word in reversed(state):  # so that what stands before keeps its place
        spot = spots[number]
        text = texts[spot.text]
        texts[spot.text] = text[: spot.start] + word + text[spot.start + len(spot.word) :]
    return with_texts(example, texts)


def with_texts(example: Any, texts: Sequence[str]) -> Any:
    """The example with these in place of its `texts_of`."""
    left = iter(texts)
    return example.replace_readable(
        {
            name: next(left) if isinstance(value, str) else tuple(islice(left, len(value)))
            for name, value in example.readable.items()
        }
    )


def texts_of(example: Any) -> list[str]:
    """What is edited of an example: its text or both texts, its question, or each of its words."""
    values = example.readable.values()
    return [text for value in values for text in ([value] if isinstance(value, str) else value)]
