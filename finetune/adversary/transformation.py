"""Transformation of an adversarial attack: edits of single characters inside of words, such as typos.

Its constraints: a word is edited only if its core (the word without the punctuation around it) is letters
only and at least four characters long; its first and last character stay; no word is edited twice.
"""

from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple

import numpy as np

from charbert.noise import EDITS, list_variants
from charbert.noise.word_arrays import split_sentences, split_texts

Edits = tuple[tuple[int, str], ...]
"""The edits of an attacked example: (index of an editable word, what it is replaced by), by index."""


class EditableWord(NamedTuple):
    """The core of a word that may be edited."""

    text: int
    """The index of its text in `list_texts` of its example."""
    start: int
    word: str
    variants: Sequence[str]
    """What one edit can make of it."""


class CharacterEdits:
    """Finds the words of an example that may be edited.

    Args:
        edits: kinds of edits.
        language: of the keyboard that neighbouring keys are taken from.
        variants: of a word at most, drawn by `seed`, the same wherever the word occurs; None: all.
        seed: of these draws.

    Raises:
        CharBertError: when called, an edit or a language that does not exist.
    """

    def __init__(
        self, edits: Sequence[str] = EDITS, language: str = "en", variants: int | None = None, seed: int = 0
    ) -> None:
        self._edits = tuple(edits)
        self._language = language
        self._most = variants
        self._seed = seed
        self._variants: dict[str, list[str]] = {}

    def __call__(self, example: Any) -> list[EditableWord]:
        """The editable words of an example, in order; one without variants is left out."""
        texts = list_texts(example)
        if any(isinstance(value, tuple) for value in example.readable.values()):
            words = split_sentences([texts], None)
            owners, starts = words.numbers, words.core_starts - words.starts
        else:
            words = split_texts(texts, None)
            owners, starts = words.owners, words.core_starts - words.text_starts[words.owners]
        rows = np.flatnonzero(words.is_plain)
        cores = zip(owners[rows].tolist(), starts[rows].tolist(), words.cores(rows), strict=True)
        found = [EditableWord(text, start, word, self._list_variants(word)) for text, start, word in cores]
        return [each for each in found if each.variants]

    def _list_variants(self, word: str) -> list[str]:
        if word not in self._variants:
            found = list_variants(word, self._edits, self._language)
            if self._most is not None and len(found) > self._most:
                found = Random(f"{self._seed} {word}").sample(found, self._most)
            self._variants[word] = found
        return self._variants[word]


def apply_edits(example: Any, words: Sequence[EditableWord], edits: Edits) -> Any:
    """The example with these edits of its editable words."""
    texts = list_texts(example)
    for index, new in reversed(edits):  # from the end, so that the starts of earlier words stay valid
        text, start, old, _ = words[index]
        texts[text] = texts[text][:start] + new + texts[text][start + len(old) :]
    return replace_texts(example, texts)


def list_texts(example: Any) -> list[str]:
    """The readable fields of an example as a list: its text or both texts, its question, or all its words."""
    values = example.readable.values()
    return [text for value in values for text in ([value] if isinstance(value, str) else value)]


def replace_texts(example: Any, texts: Sequence[str]) -> Any:
    """The example with these texts, in the order of `list_texts`."""
    left = iter(texts)
    return example.replace_readable(
        {
            name: next(left) if isinstance(value, str) else tuple(islice(left, len(value)))
            for name, value in example.readable.items()
        }
    )
