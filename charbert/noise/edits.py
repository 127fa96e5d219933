"""Character edits on words: drop, add, swap, keyboard (Section 4.1 and the attack of Section 5)."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from string import ascii_lowercase, ascii_uppercase

import numpy as np

from charbert.noise.keyboards import KeyTable, find_neighbours, key_table
from charbert.ragged import Array, cumulative_offsets

EDITS = ("drop", "add", "swap", "keyboard")
PRETRAINING_EDITS = ("drop", "add", "swap")
SHORTEST_EDITED = 4
_DRAWS = 3
_LATIN = np.array(list(map(ord, ascii_lowercase)), np.uint32)
_ASCII = 128
_FIRST_MARK = 0x300
_MARKED = 0x110000  # beyond Unicode: codes of letters with marks on them


def noise_word(word: str, random: Random, edits: Sequence[str] = PRETRAINING_EDITS) -> str:
    """The word with one edit, as `noise_words`, which is faster for many.

    Args:
        word: the word.
        random: the source of the draws.
        edits: the edits to draw from, each as likely as the others.
    """
    return noise_words([word], np.array([[random.random() for _ in range(_DRAWS)]]), edits)[0]


def noise_words(
    words: Sequence[str], draws: Array, edits: Sequence[str] = PRETRAINING_EDITS, language: str = "en"
) -> list[str]:
    """The words, each with one edit on its internal characters; first and last stay.

    A character is edited together with the combining marks on it, as if they were one. A word of fewer than
    four characters gets a character added, if `"add"` is among the edits: inside, or after the only one. An
    added letter is one of a to z in the case of the letter before it; after a letter outside of ASCII it is
    one of the word's own, which is of its script. An edit that would change nothing is not drawn; where every
    edit would, the word comes back as it is.

    Args:
        words: W words.
        draws: (W, 3) numbers from 0 to below 1, which choose the edit, its position and its letter.
        edits: the edits to draw from, each as likely as the others.
        language: whose keyboard has the neighbouring keys, one of `KEYBOARDS`.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    # All N letters are in one array; words are spans of it, and loops run over edits, never over words. With
    # "form", "of", "noise": offsets = 0 4 6 11, lengths = 4 2 5, letters = f o r m o f n o i s e.
    letters, offsets, marked = _split_letters(words)
    starts, lengths = offsets[:-1], np.diff(offsets)
    keys = key_table(language)
    possible = _find_positions(letters, offsets, keys)

    # (E, W) how often each edit can be made in each word; one that can be made at all is drawn for each word,
    # then a letter of those where it can be. `at` (W,) is that letter: 1 of "form", 4 of "of", 8 of "noise".
    counts = [count_between(possible[edit], starts, offsets[1:]) for edit in edits]
    chosen = _draw_rows(np.stack(counts) > 0, draws[:, 0])
    at = starts.copy()
    for number, edit in enumerate(edits):
        rows = np.flatnonzero(chosen == number)
        at[rows] = _draw_positions(possible[edit], starts[rows], offsets[rows + 1], draws[rows, 1])
    kinds = np.array([EDITS.index(edit) for edit in edits] + [-1])[chosen]
    is_drop, is_add, is_swap, is_key = (kinds == kind for kind in range(len(EDITS)))

    # The new words: (M,) letters copied from the old ones, those after a dropped letter from one further on,
    # and those after an added one from one further back. Drop in "form" at 1, add in "of" at 4, swap in
    # "noise" at 8: copied are the letters 0 2 3 | 4 4 5 | 6 7 8 9 10. Added, mistyped and swapped ones are
    # then set.
    new_lengths = lengths + is_add - is_drop
    new_offsets = cumulative_offsets(new_lengths)
    new_position = np.arange(new_offsets[-1]) - np.repeat(new_offsets[:-1], new_lengths)
    is_after = new_position > np.repeat(at - starts - is_drop, new_lengths)
    shift = np.repeat(starts, new_lengths) + is_after * np.repeat(is_drop * 1 - is_add, new_lengths)
    edited = letters[new_position + shift]
    new_at = new_offsets[:-1] + at - starts
    own = letters[starts[is_add] + (draws[is_add, 2] * lengths[is_add]).astype(np.int64)]
    edited[new_at[is_add] + 1] = _draw_added(letters[at[is_add]], own, draws[is_add, 2])
    edited[new_at[is_key]] = _draw_neighbours(letters[at[is_key]], draws[is_key, 2], keys)
    edited[new_at[is_swap]], edited[new_at[is_swap] + 1] = letters[at[is_swap] + 1], letters[at[is_swap]]

    if marked:
        parts = _spell(edited, marked)
        return ["".join(parts[start:end]) for start, end in pairwise(new_offsets.tolist())]
    text = edited.tobytes().decode("utf-32-le", "surrogatepass")
    return [text[start:end] for start, end in pairwise(new_offsets.tolist())]


def find_editable(words: Sequence[str], edits: Sequence[str], language: str = "en") -> Array:
    """(W,) which of W words one of the edits can change.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    letters, offsets, _ = _split_letters(words)
    possible = _find_positions(letters, offsets, key_table(language))
    return np.any([count_between(possible[edit], offsets[:-1], offsets[1:]) > 0 for edit in edits], axis=0)


def _split_letters(words: Sequence[str]) -> tuple[Array, Array, list[str]]:
    """(N,) the letters of W words by their code points, (W + 1,) where each word begins, and marked letters.

    A letter with marks on it is one, whose code is `_MARKED` and its index in the last of these.
    """
    text = "".join(words)
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    offsets = cumulative_offsets(list(map(len, words)))
    if not len(letters) or letters.max() < _FIRST_MARK:
        return letters, offsets, []
    present, indices = np.unique(letters, return_inverse=True)
    is_joined = np.array([is_mark(chr(code)) for code in present.tolist()])[indices]
    is_joined[offsets[:-1][np.diff(offsets) > 0]] = False  # a mark that begins a word is on no letter
    starts = np.flatnonzero(~is_joined)
    ends = np.append(starts[1:], len(letters))
    codes, marked = letters[starts], dict[str, int]()
    for index in np.flatnonzero(ends - starts > 1).tolist():
        letter = text[starts[index] : ends[index]]
        codes[index] = _MARKED + marked.setdefault(letter, len(marked))
    return codes, np.searchsorted(starts, offsets), list(marked)


def _spell(codes: Array, marked: Sequence[str]) -> list[str]:
    """The letters with these codes, as of `_split_letters`."""
    return [marked[code - _MARKED] if code >= _MARKED else chr(code) for code in codes.tolist()]


def is_mark(character: str) -> bool:
    """Whether it is a mark on the character before it, such as an accent."""
    return unicodedata.category(character).startswith("M")


def _find_positions(letters: Array, offsets: Array, keys: KeyTable) -> dict[str, Array]:
    """For each edit (N,) whether it can be made at a letter."""
    # "form", "of", "noise": drop 0110 00 01110 (first and last letters stay, and short words too); add, after
    # a letter, 1110 10 11110; swap, with the next letter if that is internal and another one, 0100 00 01100.
    lengths = np.diff(offsets)
    position, length = np.arange(len(letters)) - np.repeat(offsets[:-1], lengths), np.repeat(lengths, lengths)
    is_internal = (position > 0) & (position < length - 1) & (length >= SHORTEST_EDITED)
    return {
        "drop": is_internal,
        "add": (position < length - 1) | (length == 1),
        "swap": is_internal & (position < length - 2) & (letters != np.append(letters[1:], 0)),
        "keyboard": is_internal & (keys.counts[keys.rows(letters)] > 0),
    }


def count_between(possible: Array, starts: Array, ends: Array) -> Array:
    """(R,) how many of (N,) possible positions there are from each start to before its end."""
    before = cumulative_offsets(possible)
    return before[ends] - before[starts]


def _draw_positions(possible: Array, starts: Array, ends: Array, draws: Array) -> Array:
    """(R,) for each start and end one of the possible positions between them, drawn evenly."""
    # Possible are 0 1 | 1 0 | 1 1 of the letters of three words: before = 0 0 1 2 2 3 4. The third word has
    # the possible positions number 2 and 3: a draw of 0.9 gives number 2 + floor(0.9 * 2) = 3, at position 5.
    before = cumulative_offsets(possible)
    numbers = before[starts] + np.floor(draws * (before[ends] - before[starts])).astype(np.int64)
    return np.searchsorted(before, numbers, side="right") - 1


def _draw_rows(possible: Array, draws: Array) -> Array:
    """(W,) for each column of (E, W) the index of a row that is true, drawn evenly; E where none is."""
    # A column (true, false, true) has the ranks (1, 1, 2). A draw of 0.7 is the number floor(0.7 * 2) = 1:
    # two ranks are not above it, so it is the row 2.
    ranks = possible.cumsum(0)
    drawn = np.floor(draws * ranks[-1])
    return (ranks <= drawn).sum(0)


def _draw_added(before: Array, own: Array, draws: Array) -> Array:
    """(A,) letters to add: a to z in the case of the letter before, or after other scripts the word's own."""
    latin = _LATIN[(draws * len(_LATIN)).astype(np.int64)]
    # ASCII has the capitals 32 before the small letters.
    cased = np.where((before >= ord("A")) & (before <= ord("Z")), latin - 32, latin)
    return np.where(before < _ASCII, cased, own)


def _draw_neighbours(typed: Array, draws: Array, keys: KeyTable) -> Array:
    """(K,) a neighbouring key of each letter."""
    rows = keys.rows(typed)
    return keys.letters[rows, (draws * keys.counts[rows]).astype(np.int64)]


def list_variants(word: str, edits: Sequence[str] = EDITS, language: str = "en") -> list[str]:
    """Every word that `noise_words` could make of this one with one of the edits; each once, the word never.

    Args:
        word: the word; the first and the last character stay.
        edits: the edits.
        language: whose keyboard has the neighbouring keys, one of `KEYBOARDS`.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    neighbours = find_neighbours(language)
    codes, _, marked = _split_letters([word])
    letters = _spell(codes, marked)
    internal = range(1, len(letters) - 1) if len(letters) >= SHORTEST_EDITED else range(0)
    gaps = range(1, max(len(letters), 2) if letters else 0)
    # Of each edit the spans that it replaces, each with the texts that may replace it.
    spans: dict[str, list[tuple[int, int, Sequence[str]]]] = {
        "drop": [(at, at + 1, [""]) for at in internal],
        "add": [(at, at, _list_added(letters, letters[at - 1])) for at in gaps],
        "swap": [(at, at + 2, [letters[at + 1] + letters[at]]) for at in internal[:-1]],
        "keyboard": [(at, at + 1, neighbours.get(letters[at], "")) for at in internal],
    }
    replaced = [span for edit in edits for span in spans[edit]]
    variants = dict.fromkeys(
        "".join([*letters[:start], new, *letters[end:]]) for start, end, texts in replaced for new in texts
    )
    variants.pop(word, None)  # which two equal letters swapped give
    return list(variants)


def _list_added(letters: Sequence[str], before: str) -> Sequence[str]:
    """Those that can be added after this one of the letters of a word."""
    if not before.isascii():
        return letters
    return ascii_uppercase if before.isupper() else ascii_lowercase
