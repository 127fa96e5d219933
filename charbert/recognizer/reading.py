"""What a word recogniser reads: units of words, sentences of units, and letters as a bag."""

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
_PLACES = 3
"""Of a letter: the first of its word, inside, the last."""
_PRE_TOKENIZER = pre_tokenizers.BertPreTokenizer()
_REMEMBERED = 1 << 16


class Units(NamedTuple):
    """A word, cut into runs of letters and digits and single punctuation marks, as WordPiece cuts it."""

    texts: tuple[str, ...]
    core: int | None
    """The number of the unit that is recognised: the only one but punctuation, of letters alone."""
    start: int
    end: int
    """Where it stands in the word."""


@lru_cache(_REMEMBERED)
def split_units(word: str) -> Units:
    """The units of a word; one whose core is no run of letters (don't, U.S., 1990s) has none to recognise.

    The core goes from the first letter or digit to the last, so that `(France),` has `France`.
    """
    spoken = [place for place, character in enumerate(word) if character.isalnum()]
    start, end = (spoken[0], spoken[-1] + 1) if spoken else (0, 0)
    while end < len(word) and category(word[end]).startswith("M"):
        end += 1  # a mark belongs to the letter before it
    if not is_letters(word[start:end]):
        return Units(_cut(word), None, 0, 0)
    before = _cut(word[:start])
    return Units((*before, word[start:end], *_cut(word[end:])), len(before), start, end)


def _cut(text: str) -> tuple[str, ...]:
    # Half of a surrogate pair, as JSON may have it, is no text that a tokenizer takes.
    text = text.encode(errors="ignore").decode()
    return tuple([unit for unit, _ in _PRE_TOKENIZER.pre_tokenize_str(text)])


def is_letters(unit: str) -> bool:
    """Whether a unit is letters only, with the marks on them."""
    return unit.isalpha() or (
        unit[:1].isalpha() and all(category(character)[0] in "LM" for character in unit)
    )


def sentence_lengths(units: Sequence[str]) -> list[int]:
    """The units of each sentence of a text, which ends behind `.`, `!` or `?`, or where it grows too long."""
    lengths, start = [], 0
    for place, unit in enumerate(units, start=1):
        if unit in _SENTENCE_ENDS or place == len(units) or place - start == LONGEST_SENTENCE:
            lengths.append(place - start)
            start = place
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
        characters: those that are told apart; all others count as one more.
    """

    def __init__(self, characters: str) -> None:
        self._codes = np.array(sorted(map(ord, characters)), np.int64)

    @property
    def size(self) -> int:
        """Numbers that a letter at its place can have."""
        return _PLACES * (len(self._codes) + 1)

    def __call__(self, units: Sequence[str]) -> Ragged:
        """The numbers of the letters of each unit, in small print; a single one is the first and the last."""
        small = [unit.lower() for unit in units]
        codes = np.frombuffer("".join(small).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
        found = np.searchsorted(self._codes, codes)
        known = np.append(self._codes, -1)[found] == codes
        letters = np.where(known, found, len(self._codes))

        lengths = np.array([len(unit) for unit in small], np.int64)
        counts = np.maximum(lengths, 2)
        offsets = cumulative_offsets(counts)
        place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        is_last = place == np.repeat(counts - 1, counts)
        source = np.repeat(cumulative_offsets(lengths)[:-1], counts) + np.minimum(
            place, np.repeat(lengths - 1, counts)
        )
        role = np.select([place == 0, is_last], [0, 2], 1)
        return Ragged(letters[source] + role * (len(self._codes) + 1), offsets)


def make_inputs(bags: Ragged, lengths: Array | Sequence[int]) -> dict[str, torch.Tensor]:
    """The inputs of a `WordRecognizer` for the words of sentences of these lengths, one behind the other."""
    return {
        "letter_ids": torch.from_numpy(bags.values),
        "word_starts": torch.from_numpy(bags.offsets[:-1]),
        "sentence_lengths": torch.as_tensor(np.asarray(lengths)),
    }
