"""Masking for pre-training: noise on some words, masks on others (Sections 3.3 and 4.1).

A whole batch is corrupted at a time. Every draw is a function of its example's key and its word's number, so
that a batch's other examples, its order and the process that makes it change nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerFast

from charbert.losses import IGNORED
from charbert.noise import noise_words
from charbert.ragged import Array, Ragged, cumulative_offsets, round_up, span_indices
from charbert.randomness import derive_keys, uniform
from charbert.vocabulary import Vocabulary
from data.pretraining.blocks import TokenBlocks
from data.pretraining.noise_schedule import Noise
from data.pretraining.packing import SPECIAL_TOKENS
from data.pretraining.words import WordPieces

_NOISE, _EDIT, _PLACE, _LETTER, _MASK, _MASK_KIND, _REPLACEMENT = range(7)


@dataclass(frozen=True)
class MaskingSettings:
    """Shares and sizes of the corruption."""

    mlm_probability: float = 0.10
    """Share of the tokens that are masked, by whole words."""
    max_length: int = 512
    """Tokens of an example, the two special ones included."""
    label_unknown_words: bool = False
    """Whether a noised word outside the word vocabulary is to be restored as `<unk>`, or not at all."""
    pad_to_multiple_of: int = 8
    """What the length of a batch is rounded up to, `max_length` at most."""


class MaskedBatch(NamedTuple):
    """B examples of at most L tokens, special tokens included, as arrays (B, L).

    `hidden` marks the positions whose characters the model must not see.
    """

    input_ids: Array
    attention_mask: Array
    labels: Array
    nlm_labels: Array
    hidden: Array


class Masking:
    """Makes training examples of clean blocks."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, words: Vocabulary, settings: MaskingSettings
    ) -> None:
        self._settings = settings
        self._vocabulary = words
        self._pieces = WordPieces(tokenizer)
        self._first_id, self._last_id = tokenizer.cls_token_id, tokenizer.sep_token_id
        self._mask_id, self._pad_id = tokenizer.mask_token_id, tokenizer.pad_token_id
        self._is_special = np.isin(np.arange(len(tokenizer)), tokenizer.all_special_ids)
        self._replacements = np.flatnonzero(~self._is_special)

    def __call__(self, blocks: TokenBlocks, keys: Array, noise: Noise) -> MaskedBatch:
        """Corrupt blocks, put the special tokens around each and pad them.

        What noise makes too long is cut between words; a first word that is too long is cut itself.

        Args:
            blocks: B blocks.
            keys: (B,) what each example's draws are made of.
            noise: of this batch.
        """
        clean = Ragged(blocks.token_ids.astype(np.int64), blocks.word_offsets)
        row = np.repeat(np.arange(len(keys)), np.diff(blocks.row_offsets))
        keys = derive_keys(keys[row], np.arange(len(row)) - blocks.row_offsets[row])
        noised, pieces, nlm_labels = self._noised(clean, keys, noise)

        # All pieces in one array, those of the noised words behind the others.
        starts, lengths = clean.offsets[:-1].copy(), clean.lengths
        starts[noised] = len(clean.values) + pieces.offsets[:-1]
        lengths[noised] = pieces.lengths
        nlm_label = np.full(len(row), IGNORED)
        nlm_label[noised] = nlm_labels
        maskable = ~_any(self._is_special[clean.values], clean)
        maskable[noised] = False

        room = self._settings.max_length - SPECIAL_TOKENS
        first = blocks.row_offsets[:-1][np.diff(blocks.row_offsets) > 0]
        lengths[first] = np.minimum(lengths[first], room)  # else a very long word would leave nothing
        kept = np.flatnonzero(_length_so_far(lengths, blocks.row_offsets) <= room)
        row, keys, lengths, nlm_label = row[kept], keys[kept], lengths[kept], nlm_label[kept]
        values = np.concatenate([clean.values, pieces.values])
        words = Ragged(values[span_indices(starts[kept], lengths)], cumulative_offsets(lengths))
        masked = self._masked(lengths, maskable[kept], row, keys)
        return self._padded(words, row, masked, keys[masked], nlm_label, len(blocks.row_offsets) - 1)

    def _noised(self, words: Ragged, keys: Array, noise: Noise) -> tuple[Array, Ragged, Array]:
        """The numbers of the noised words, their pieces, and the labels that restore them."""
        drawn = np.flatnonzero(uniform(keys, _NOISE) < noise.probability)
        drawn = drawn[~_any(~self._pieces.is_readable[words.values], words)[drawn]]
        texts = self._pieces.texts(words.take(drawn))
        noisable = [index for index, text in enumerate(texts) if text.isalpha() or is_noisable(text)]
        drawn, texts = drawn[noisable], [texts[index] for index in noisable]
        draws = np.stack([uniform(keys[drawn], purpose) for purpose in (_EDIT, _PLACE, _LETTER)], axis=1)
        edited = noise_words(texts, draws, noise.edits)
        changed = [index for index, pair in enumerate(zip(texts, edited, strict=True)) if pair[0] != pair[1]]
        drawn = drawn[changed]
        labels = np.array(self._vocabulary.ids([texts[index].lower() for index in changed]), np.int64)
        if not self._settings.label_unknown_words:
            labels[labels == self._vocabulary.unknown_id] = IGNORED
        after_space = self._pieces.after_space(words.values[words.offsets[drawn]])
        pieces = self._pieces.pieces([edited[index] for index in changed], after_space)
        # An unknown token has no characters from which the word could be restored.
        known = np.flatnonzero(~_any(self._is_special[pieces.values], pieces))
        return drawn[known], pieces.take(known), labels[known]

    def _masked(self, lengths: Array, maskable: Array, row: Array, keys: Array) -> Array:
        """The numbers of the words to mask, so that their tokens are the wanted share of their example's."""
        total = np.bincount(row, lengths)
        available = np.bincount(row, lengths * maskable)
        share = self._settings.mlm_probability * total / np.maximum(available, 1)
        return np.flatnonzero(maskable & (uniform(keys, _MASK) < share[row]))

    def _padded(
        self, words: Ragged, row: Array, masked: Array, keys: Array, nlm_label: Array, rows: int
    ) -> MaskedBatch:
        lengths = np.bincount(row, words.lengths, minlength=rows).astype(np.int64)
        longest = int(lengths.max(initial=0)) + SPECIAL_TOKENS
        padded_length = round_up(longest, self._settings.pad_to_multiple_of)
        shape = (rows, min(padded_length, self._settings.max_length))
        # Where each token goes in a flat array of that shape: behind the first special token of its row.
        places = span_indices(np.arange(rows) * shape[1] + 1, lengths)

        input_ids = np.full(shape, self._pad_id)
        labels, nlm_labels = np.full(shape, IGNORED), np.full(shape, IGNORED)
        hidden = np.zeros(shape, bool)
        input_ids.flat[places] = words.values
        nlm_labels.flat[places] = np.repeat(nlm_label, words.lengths)
        tokens = span_indices(words.offsets[masked], words.lengths[masked])
        original = words.values[tokens]
        labels.flat[places[tokens]] = original
        hidden.flat[places[tokens]] = True
        number_in_word = tokens - np.repeat(words.offsets[masked], words.lengths[masked])
        token_keys = derive_keys(np.repeat(keys, words.lengths[masked]), number_in_word)
        input_ids.flat[places[tokens]] = self._shown(original, token_keys)
        input_ids[:, 0] = self._first_id
        input_ids[np.arange(rows), lengths + 1] = self._last_id
        attention_mask = (np.arange(shape[1]) < (lengths + SPECIAL_TOKENS)[:, None]).astype(np.int64)
        return MaskedBatch(input_ids, attention_mask, labels, nlm_labels, hidden)

    def _shown(self, token_ids: Array, keys: Array) -> Array:
        """80% the mask, 10% another token, 10% the token itself (BERT's rule)."""
        kind = uniform(keys, _MASK_KIND)
        drawn = (uniform(keys, _REPLACEMENT) * len(self._replacements)).astype(np.int64)
        return np.select([kind < 0.8, kind < 0.9], [self._mask_id, self._replacements[drawn]], token_ids)


def is_noisable(text: str) -> bool:
    """Whether a word contains a letter; U+FFFD stands for bytes that are no text."""
    return any(map(str.isalpha, text)) and "\ufffd" not in text


def _any(flags: Array, words: Ragged) -> Array:
    """(W,) whether any token of a word has its flag set."""
    return np.diff(cumulative_offsets(flags)[words.offsets]) > 0


def _length_so_far(lengths: Array, row_offsets: Array) -> Array:
    """(W,) the tokens of a word and those before it in its row."""
    ends = cumulative_offsets(lengths)
    return ends[1:] - np.repeat(ends[row_offsets[:-1]], np.diff(row_offsets))
