"""Inputs of a word recogniser: units of words, sentences of units, and letters as semi-character bags."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category

import numpy as np
import torch
from tokenizers import pre_tokenizers

from charbert.ragged import Array, Ragged, cumulative_offsets

LONGEST_SENTENCE = 128
_SENTENCE_ENDS = frozenset(".!?")
_ROLES = 3  # of a letter: the first of its word, inside, the last
_PRE_TOKENIZER = pre_tokenizers.BertPreTokenizer()
_CACHE_SIZE = 1 << 16


class Units(NamedTuple):
    """A word split into runs of letters and digits and single punctuation marks, as WordPiece splits it."""

    texts: tuple[str, ...]
    core: int | None
    """The index of the unit that is recognised: the only one but punctuation, of letters only."""
    start: int
    end: int
    """Its span in the word."""


@lru_cache(_CACHE_SIZE)
def split_units(word: str) -> Units:
    """The units of a word; one whose core is no run of letters (don't, U.S., 1990s) has none to recognise.

    The core goes from the first letter or digit to the last: that of `(France),` is `France`.
    """
    inside = [index for index, character in enumerate(word) if character.isalnum()]
    start, end = (inside[0], inside[-1] + 1) if inside else (0, 0)
    while end < len(word) and category(word[end]).startswith("M"):
        end += 1  # a mark belongs to the letter before it
    if not is_letters(word[start:end]):
        return Units(_pre_tokenize(word), None, 0, 0)
    before = _pre_tokenize(word[:start])
    return Units((*before, word[start:end], *_pre_tokenize(word[end:])), len(before), start, end)


def _pre_tokenize(text: str) -> tuple[str, ...]:
    # A tokenizer refuses half of a surrogate pair, as JSON may have it.
    text = text.encode(errors="ignore").decode()
    return tuple([unit for unit, _ in _PRE_TOKENIZER.pre_tokenize_str(text)])


def is_letters(unit: str) -> bool:
    """Whether a unit is letters only, with the marks on them."""
    return unit.isalpha() or (
        unit[:1].isalpha() and all(category(character)[0] in "LM" for character in unit)
    )


def sentence_lengths(units: Sequence[str]) -> list[int]:
    """The number of units of each sentence, which ends after `.`, `!` or `?`, or at the greatest length."""
    lengths, start = [], 0
    for end, unit in enumerate(units, start=1):
        if unit in _SENTENCE_ENDS or end == len(units) or end - start == LONGEST_SENTENCE:
            lengths.append(end - start)
            start = end
    return lengths


def match_case(word: str, model: str) -> str:
    """A word of small letters in the case of another.

    `WORD` for `WROD`, also for `WRoD`, of which most are capitals; `Word` for `Wrod` and `WrOd`.
    """
    if len(model) > 1 and 2 * sum(map(str.isupper, model)) > len(model):
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


class LetterBags:
    """Words as semi-characters: which letter is first, which are inside and how often, which is last.

    Args:
        characters: those with numbers of their own; all others share one more.
    """

    def __init__(self, characters: str) -> None:
        self._codes = np.array(sorted(map(ord, characters)), np.int64)

    @property
    def size(self) -> int:
        """The number of letter ids: one for each character as the first, inside, and as the last."""
        return _ROLES * (len(self._codes) + 1)

    def __call__(self, units: Sequence[str]) -> Ragged:
        """The letter ids of each unit, in small letters; a single letter is the first and the last."""
        # With the characters a, b, n (and 3 for others): "Ban" and "a" are the letters b a n | a, found as
        # 1 0 2 | 0. A bag has at least two, so the lengths 3 1 become the counts 3 2, and the sources are
        # 0 1 2 | 3 3. The roles 0 1 2 | 0 2, times 4, are added: 1 4 10 | 0 8.
        small = [unit.lower() for unit in units]
        codes = np.frombuffer("".join(small).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
        found = np.searchsorted(self._codes, codes)
        known = np.append(self._codes, -1)[found] == codes
        letters = np.where(known, found, len(self._codes))

        lengths = np.array([len(unit) for unit in small], np.int64)
        counts = np.maximum(lengths, 2)
        offsets = cumulative_offsets(counts)
        position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        is_last = position == np.repeat(counts - 1, counts)
        starts = np.repeat(cumulative_offsets(lengths)[:-1], counts)
        sources = starts + np.minimum(position, np.repeat(lengths - 1, counts))
        roles = np.select([position == 0, is_last], [0, 2], 1)
        return Ragged(letters[sources] + roles * (len(self._codes) + 1), offsets)


def make_inputs(bags: Ragged, lengths: Array | Sequence[int]) -> dict[str, torch.Tensor]:
    """The inputs of a `WordRecognizer` for the words of sentences of these lengths, one after the other."""
    return {
        "letter_ids": torch.from_numpy(bags.values),
        "word_starts": torch.from_numpy(bags.offsets[:-1]),
        "sentence_lengths": torch.as_tensor(np.asarray(lengths)),
    }
