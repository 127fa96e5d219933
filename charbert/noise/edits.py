"""Character edits on words: drop, add, swap, keyboard (Section 4.1 and the attack of Section 5).

Words are edited many at a time: all of their letters stand in one array.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import numpy as np

from charbert.noise.keyboards import KeyTable, find_neighbours, key_table
from charbert.noise.sampling import counts_between, drawn_options, nth_possible
from charbert.ragged import Array, cumulative_offsets

EDITS = ("drop", "add", "swap", "keyboard")
PRETRAINING_EDITS = ("drop", "add", "swap")
DRAWS = 3
SHORTEST_EDITED = 4
_LETTERS = np.array([ord(letter) for letter in "abcdefghijklmnopqrstuvwxyz"], np.uint32)
NEIGHBOURS = find_neighbours("en")
_ASCII = 128


def noise_word(word: str, random: Random, edits: Sequence[str] = PRETRAINING_EDITS) -> str:
    """The word with one edit, as `noise_words`, which is the faster the more words it gets.

    Args:
        word: the word.
        random: where the draws come from.
        edits: the edits to draw from, each as likely as the others.
    """
    return noise_words([word], np.array([[random.random() for _ in range(DRAWS)]]), edits)[0]


def noise_words(
    words: Sequence[str], draws: Array, edits: Sequence[str] = PRETRAINING_EDITS, language: str = "en"
) -> list[str]:
    """The words, each with one edit on its internal characters; first and last stay.

    A word of fewer than four characters gets a character added, if `"add"` is among the edits: inside, or
    after the only one. An added letter is one of a to z in the case of the letter before it; after a letter
    that is none of ASCII it is one of the word's own, which is of its script. An edit that would change
    nothing is not drawn; where every edit would, the word comes back as it is.

    Args:
        words: W words.
        draws: (W, 3) numbers from 0 to below 1, which choose the edit, its place and its letter.
        edits: the edits to draw from, each as likely as the others.
        language: whose keyboard has the neighbouring keys, one of `KEYBOARDS`.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    offsets = cumulative_offsets([len(word) for word in words])
    starts, lengths = offsets[:-1], np.diff(offsets)
    place_in_word = np.arange(len(letters)) - np.repeat(starts, lengths)
    keys = key_table(language)
    there = _Letters(letters, place_in_word, np.repeat(lengths, lengths), keys)

    possible = [_EDITS[edit].places(there) for edit in edits]
    counts = np.stack([counts_between(places, starts, offsets[1:]) for places in possible])
    chosen = nth_possible(counts > 0, draws[:, 0])
    place, replacement = np.zeros(len(words), np.int64), np.zeros(len(words), np.uint32)
    for number, (edit, places) in enumerate(zip(edits, possible, strict=True)):
        rows = np.flatnonzero(chosen == number)
        found, _ = drawn_options(places, starts[rows], offsets[rows + 1], draws[rows, 1])
        place[rows] = found - starts[rows]
        own = letters[starts[rows] + (draws[rows, 2] * lengths[rows]).astype(np.int64)]
        replacement[rows] = _EDITS[edit].letter(letters[found], own, draws[rows, 2], keys)

    kinds = np.array([EDITS.index(edit) for edit in edits] + [-1])[chosen]
    is_drop, is_add, is_swap, is_key = (kinds == kind for kind in range(len(EDITS)))
    new_lengths = lengths + is_add - is_drop
    new_offsets = cumulative_offsets(new_lengths)
    new_starts = new_offsets[:-1]
    position = np.arange(new_offsets[-1]) - np.repeat(new_starts, new_lengths)
    behind = position > np.repeat(place, new_lengths) - np.repeat(is_drop, new_lengths)
    shift = np.repeat(starts, new_lengths) + behind * np.repeat(is_drop * 1 - is_add, new_lengths)
    edited = letters[position + shift]
    at = new_starts + place
    edited[at[is_add] + 1] = replacement[is_add]
    edited[at[is_key]] = replacement[is_key]
    old = (starts + place)[is_swap]
    edited[at[is_swap]], edited[at[is_swap] + 1] = letters[old + 1], letters[old]

    text = edited.tobytes().decode("utf-32-le", "surrogatepass")
    bounds = new_offsets.tolist()
    return [text[start:end] for start, end in pairwise(bounds)]


class _Letters(NamedTuple):
    """All letters of all words; for each, its place in its word, and the length of that; and the keyboard."""

    codes: Array
    place: Array
    length: Array
    keys: KeyTable


def _internal(there: _Letters) -> Array:
    inside = (there.place > 0) & (there.place < there.length - 1)
    return inside & (there.length >= SHORTEST_EDITED)


def _before_a_gap(there: _Letters) -> Array:
    return (there.place < there.length - 1) | (there.length == 1)


def _swappable(there: _Letters) -> Array:
    differs = there.codes != np.append(there.codes[1:], 0)
    return _internal(there) & (there.place < there.length - 2) & differs


def _on_keyboard(there: _Letters) -> Array:
    return _internal(there) & (there.keys.counts[there.keys.rows(there.codes)] > 0)


def _any_letter(before: Array, own: Array, draws: Array, keys: KeyTable) -> Array:
    latin = _in_case_of(before, _LETTERS[(draws * len(_LETTERS)).astype(np.int64)])
    return np.where(before < _ASCII, latin, own)


def _neighbour(before: Array, own: Array, draws: Array, keys: KeyTable) -> Array:
    rows = keys.rows(before)
    return keys.letters[rows, (draws * keys.counts[rows]).astype(np.int64)]


def _no_letter(before: Array, own: Array, draws: Array, keys: KeyTable) -> Array:
    return np.zeros_like(before)


def _in_case_of(models: Array, letters: Array) -> Array:
    is_upper = np.char.isupper(models.view("U1")) if len(models) else np.zeros(0, bool)
    return np.where(is_upper, letters - 32, letters)  # ASCII's capitals stand 32 before the small letters


class _Edit(NamedTuple):
    """Where an edit can be made, and the letter that it sets.

    That one depends on the letter before or at the place, on one drawn from the same word, on a draw and on
    the keyboard.
    """

    places: Callable[[_Letters], Array]
    letter: Callable[[Array, Array, Array, KeyTable], Any]


_EDITS = {
    "drop": _Edit(_internal, _no_letter),
    "add": _Edit(_before_a_gap, _any_letter),
    "swap": _Edit(_swappable, _no_letter),
    "keyboard": _Edit(_on_keyboard, _neighbour),
}
