"""Corruption for pre-training: noise on some words, masks on others (Sections 3.3 and 4.1)."""

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from charbert.losses import IGNORED
from charbert.noise import PRETRAINING_EDITS, noise_word
from charbert.vocabulary import Vocabulary
from data.words import WordPieces


@dataclass(frozen=True)
class CorruptionSettings:
    """Shares and kinds of the corruption."""

    noise_probability: float = 0.15
    """Share of the words with a letter that get one edit."""
    noise_edits: tuple[str, ...] = PRETRAINING_EDITS
    mlm_probability: float = 0.10
    """Share of the tokens that are masked, by whole words."""
    max_length: int = 512
    """Tokens of an example, the two special ones included."""


class CorruptedExample(NamedTuple):
    """One training example of L tokens, special tokens included.

    `hidden` marks the positions whose characters the model must not see.
    """

    input_ids: list[int]
    labels: list[int]
    nlm_labels: list[int]
    hidden: list[bool]


class Corruption:
    """Makes training examples of clean blocks. All that is random comes from the generator of the call."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, words: Vocabulary, settings: CorruptionSettings
    ) -> None:
        self.settings = settings
        self._words = words
        self._pieces = WordPieces(tokenizer)
        self._first_id, self._last_id = tokenizer.cls_token_id, tokenizer.sep_token_id
        self._mask_id = tokenizer.mask_token_id
        self._special = frozenset(tokenizer.all_special_ids)
        self._replacements = [index for index in range(len(tokenizer)) if index not in self._special]

    def __call__(self, token_ids: list[int], word_starts: list[bool], random: Random) -> CorruptedExample:
        """Corrupt one block and put the special tokens around it.

        Args:
            token_ids: the tokens of the block.
            word_starts: for each token, whether a word begins there.
            random: where the draws come from.
        """
        words = self._cut([self._noised(word, random) for word in _split(token_ids, word_starts)])
        self._mask(words, random)
        words = [_Word([self._first_id]), *words, _Word([self._last_id])]
        return CorruptedExample(
            input_ids=[token for word in words for token in word.token_ids],
            labels=[label for word in words for label in word.labels or [IGNORED] * len(word.token_ids)],
            nlm_labels=[word.nlm_label for word in words for _ in word.token_ids],
            hidden=[bool(word.labels) for word in words for _ in word.token_ids],
        )

    def _noised(self, token_ids: list[int], random: Random) -> "_Word":
        """The word with an edit, if it is drawn and has a letter; else as it is."""
        if random.random() >= self.settings.noise_probability:
            return _Word(token_ids)
        word = self._pieces.word(token_ids)
        if word is None or not any(character.isalpha() for character in word.text):
            return _Word(token_ids)
        text = noise_word(word.text, random, self.settings.noise_edits)
        if text == word.text:
            return _Word(token_ids)
        original = word.text.lower()
        label = self._words.id(original) if original in self._words else IGNORED
        return _Word(self._pieces.pieces(word._replace(text=text)), noised=True, nlm_label=label)

    def _cut(self, words: list["_Word"]) -> list["_Word"]:
        """As many whole words as fit: noise makes more pieces than there were."""
        room = self.settings.max_length - 2
        lengths = accumulate(len(word.token_ids) for word in words)
        return [word for word, length in zip(words, lengths, strict=True) if length <= room]

    def _mask(self, words: list["_Word"], random: Random) -> None:
        """Mask whole words without noise, so that their tokens are the wanted share of all."""
        candidates = [word for word in words if not word.noised and self._special.isdisjoint(word.token_ids)]
        maskable = sum(len(word.token_ids) for word in candidates)
        total = sum(len(word.token_ids) for word in words)
        for word in candidates:
            if random.random() * maskable < self.settings.mlm_probability * total:
                word.labels = word.token_ids
                word.token_ids = [self._masked(token, random) for token in word.token_ids]

    def _masked(self, token_id: int, random: Random) -> int:
        """80% the mask, 10% another token, 10% the token itself (BERT's rule)."""
        draw = random.random()
        if draw < 0.8:
            return self._mask_id
        return random.choice(self._replacements) if draw < 0.9 else token_id


@dataclass
class _Word:
    """A word on its way through: its tokens, and what is to be predicted there."""

    token_ids: list[int]
    noised: bool = False
    nlm_label: int = IGNORED
    labels: list[int] | None = None


def _split(token_ids: list[int], word_starts: list[bool]) -> list[list[int]]:
    words: list[list[int]] = []
    for token_id, start in zip(token_ids, word_starts, strict=True):
        if start or not words:
            words.append([])
        words[-1].append(token_id)
    return words
