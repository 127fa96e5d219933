"""Masked-LM masking (whole-word masking) and noisy-LM noise for pre-training (Sections 3.3 and 4.1).

A whole batch is masked at a time, without a loop over its words. Three words of one example show what each
step works on (W words, their tokens as one flat array with offsets):

    words                     cat        sitting        mat          W = 3
    clean.values              [7         8   9          5]           token ids
    clean.offsets             [0         1              3    4]    word j: values[offsets[j] : offsets[j + 1]]
    noise drawn for word 1    cat        "sittng"       mat          three new pieces 8 4 6, label "sitting"
    mask drawn for word 2     cat        s itt ng       [MASK]       MLM label 5 at its position

Every draw is a hash of its example's key and its word's index, not the next number of a generator: the other
examples of a batch, their order and the process that makes it change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerFast

from charbert.losses import IGNORED
from charbert.noise import EDITS, Kind, find_kind, noise_words, split_sentences
from charbert.noise.base import MisspellingLists
from charbert.ragged import Array, Ragged, cumulative_offsets, round_up, span_indices
from charbert.randomness import derive_keys, uniform
from charbert.vocabulary import Vocabulary
from data.pretraining.blocks import TokenBlocks
from data.pretraining.packing import SPECIAL_TOKENS
from data.pretraining.words import WordPieces
from pretrain.noise_schedule import Noise

# Purposes of draws: equal keys give other numbers for another purpose.
_NOISE, _EDIT, _POSITION, _LETTER, _MASK, _MASK_KIND, _REPLACEMENT, _LABEL = range(8)


@dataclass(frozen=True)
class MaskingSettings:
    """Shares of masked tokens, and the lengths of examples."""

    mlm_probability: float = 0.10
    """Share of the tokens that are masked, by whole words."""
    max_length: int = 512
    """Tokens of an example, the two special ones included."""
    label_unknown_words: bool = False
    """Whether a noised word outside the word vocabulary is to be restored as `<unk>`, or not at all."""
    pad_to_multiple_of: int = 8
    """What the length of a batch is rounded up to, `max_length` at most."""
    clean: Literal["none", "unmasked", "all"] = "none"
    """Whether a batch has its clean text too, and the tokens of which words are found in it."""


class MaskedBatch(NamedTuple):
    """B examples of at most L tokens, special tokens included, as arrays (B, L).

    `hidden` marks the positions whose characters the model must not see. `clean_input_ids` is the text
    without noise and masks, and `clean_positions` where in its row of that each token stands, every one of a
    noised word at the first of the word itself; -1 where there is none.
    """

    input_ids: Array
    attention_mask: Array
    labels: Array
    nlm_labels: Array
    hidden: Array
    clean_input_ids: Array | None = None
    clean_positions: Array | None = None


class Masking:
    """Makes training examples of clean blocks: noise first, then masks on the words without noise.

    Args:
        tokenizer: of the blocks.
        words: that the noisy LM knows.
        settings: shares and lengths.
        misspellings: right word -> wrong ones, for the kind of noise `natural`.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        words: Vocabulary,
        settings: MaskingSettings,
        misspellings: MisspellingLists | None = None,
    ) -> None:
        self._settings = settings
        self._misspellings = misspellings
        self._kinds: dict[str, Kind] = {}
        self._vocabulary = words
        self._pieces = WordPieces(tokenizer)
        self._first_id, self._last_id = tokenizer.cls_token_id, tokenizer.sep_token_id
        self._mask_id, self._pad_id = tokenizer.mask_token_id, tokenizer.pad_token_id
        self._is_special = np.isin(np.arange(len(tokenizer)), tokenizer.all_special_ids)
        self._replacements = np.flatnonzero(~self._is_special)

    def __call__(self, blocks: TokenBlocks, keys: Array, noise: Noise) -> MaskedBatch:
        """Add noise and masks to blocks, put the special tokens around each and pad them.

        What noise makes too long is cut between words; a first word that is too long is cut itself.

        Args:
            blocks: B blocks.
            keys: (B,) of each example, from which its draws are derived.
            noise: share of noised words and their kinds of noise, of this batch.
        """
        clean = Ragged(blocks.token_ids.astype(np.int64), blocks.word_offsets)
        row = np.repeat(np.arange(len(keys)), np.diff(blocks.row_offsets))
        keys = derive_keys(keys[row], np.arange(len(row)) - blocks.row_offsets[row])
        noised, pieces, nlm_labels = self._add_noise(clean, keys, noise)

        # Nothing is inserted: the pieces of noised words are appended, and their words point there.
        # values [7 8 9 5 | 8 4 6], starts [0 4 3], lengths [1 3 1], maskable [True False True].
        starts, lengths = clean.offsets[:-1].copy(), clean.lengths
        starts[noised] = len(clean.values) + pieces.offsets[:-1]
        lengths[noised] = pieces.lengths
        nlm_label = np.full(len(row), IGNORED)
        nlm_label[noised] = nlm_labels
        maskable = ~_any_token(self._is_special[clean.values], clean)
        maskable[noised] = False

        # Words are kept while they fit: tokens so far [1 4 5] <= room.
        room = self._settings.max_length - SPECIAL_TOKENS
        first = blocks.row_offsets[:-1][np.diff(blocks.row_offsets) > 0]
        lengths[first] = np.minimum(lengths[first], room)  # else a very long word would leave nothing
        kept = np.flatnonzero(_running_length(lengths, blocks.row_offsets) <= room)
        row, keys, lengths, nlm_label = row[kept], keys[kept], lengths[kept], nlm_label[kept]
        values = np.concatenate([clean.values, pieces.values])
        words = Ragged(values[span_indices(starts[kept], lengths)], cumulative_offsets(lengths))
        masked = self._draw_masks(lengths, maskable[kept], row, keys)
        if noise.labelled:
            unchanged = maskable[kept]
            unchanged[masked] = False
            drawn, labels = self._label_clean(words, keys, unchanged, noise.labelled)
            nlm_label[drawn] = labels
        batch = self._pad(words, row, masked, keys[masked], nlm_label, len(blocks.row_offsets) - 1)
        if self._settings.clean == "none":
            return batch
        left_out = masked if self._settings.clean == "unmasked" else np.zeros(0, np.int64)
        return self._add_clean(batch, clean.take(kept), words, row, np.isin(kept, noised), left_out)

    def _add_noise(self, words: Ragged, keys: Array, noise: Noise) -> tuple[Array, Ragged, Array]:
        """One edit in some of W words: (N,) indices of these, their new pieces, (N,) noisy-LM labels.

        The candidates shrink step by step, always as indices into the words: drawn, readable, with a letter,
        changed by the edit, and spelled by known tokens. Of cat, sitting, mat: drawn [1] -> texts ["sitting"]
        -> edited ["sittng"] -> labels [id of "sitting"], pieces [8 4 6].
        """
        drawn, texts = self._read(words, np.flatnonzero(uniform(keys, _NOISE) < noise.probability))
        draws = np.stack([uniform(keys[drawn], purpose) for purpose in (_EDIT, _POSITION, _LETTER)], axis=1)
        edited = self._change(texts, draws, noise.edits)
        changed = [index for index, pair in enumerate(zip(texts, edited, strict=True)) if pair[0] != pair[1]]
        drawn = drawn[changed]
        labels = self._labels([texts[index] for index in changed])
        after_space = self._pieces.after_space(words.values[words.offsets[drawn]])
        pieces = self._pieces.pieces([edited[index] for index in changed], after_space)
        # An unknown token has no characters from which the word could be restored.
        known = np.flatnonzero(~_any_token(self._is_special[pieces.values], pieces))
        return drawn[known], pieces.take(known), labels[known]

    def _read(self, words: Ragged, rows: Array) -> tuple[Array, list[str]]:
        """Those of the words `rows` that have a letter and a text, and their texts."""
        rows = rows[~_any_token(~self._pieces.is_readable[words.values], words)[rows]]
        texts = self._pieces.texts(words.take(rows))
        noisable = [index for index, text in enumerate(texts) if text.isalpha() or is_noisable(text)]
        return rows[noisable], [texts[index] for index in noisable]

    def _labels(self, texts: list[str]) -> Array:
        """(N,) the noisy-LM labels of words."""
        labels = np.array(self._vocabulary.ids([text.lower() for text in texts]), np.int64)
        if not self._settings.label_unknown_words:
            labels[labels == self._vocabulary.unknown_id] = IGNORED
        return labels

    def _change(self, texts: list[str], draws: Array, names: Sequence[str]) -> list[str]:
        """The words, each with noise of one of these names; where a kind cannot change one, it gets an edit.

        Of (drop, add, natural) a draw of 0.9 is number 2.7, so natural; its fraction 0.7 draws further.
        """
        edits = [name for name in names if name in EDITS]
        if len(edits) == len(names):
            return noise_words(texts, draws, edits)
        numbers, fractions = np.divmod(draws[:, 0] * len(names), 1)
        draws = np.column_stack([fractions, draws[:, 1:]])
        changed = noise_words(texts, draws, edits) if edits else list(texts)
        for number, name in enumerate(names):
            rows = np.flatnonzero(numbers == number)
            if name in EDITS or not len(rows):
                continue
            if name not in self._kinds:
                self._kinds[name] = find_kind(name)(misspellings=self._misspellings)
            kind = self._kinds[name]
            # Words of one sentence, none of which may be joined with the next one: then each stays one word.
            words = split_sentences([[texts[row] for row in rows]], [[False] * len(rows)])
            eligible = np.flatnonzero(kind.find_eligible(words))
            changes = kind.make_changes(words, eligible, draws[rows[eligible]])
            starts = words.starts[changes.rows]
            spans = zip(
                rows[changes.rows], changes.starts - starts, changes.ends - starts, changes.new, strict=True
            )
            for row, start, end, new in spans:
                changed[row] = texts[row][:start] + new + texts[row][end:]
        return changed

    def _label_clean(self, words: Ragged, keys: Array, unchanged: Array, share: float) -> tuple[Array, Array]:
        """The words without noise and mask that are drawn to be named too: their indices and labels."""
        drawn, texts = self._read(words, np.flatnonzero(unchanged & (uniform(keys, _LABEL) < share)))
        return drawn, self._labels(texts)

    def _add_clean(
        self, batch: MaskedBatch, clean: Ragged, words: Ragged, row: Array, is_noised: Array, left_out: Array
    ) -> MaskedBatch:
        """The batch with its clean text; what noise had made shorter may not fit into its length, and is cut.

        Args:
            batch: of W words in their order.
            clean, words: their tokens without noise and masks, and in the batch.
            row: (W,) the example of each.
            is_noised: (W,) whether it is.
            left_out: indices of words that are not found.
        """
        shape = batch.input_ids.shape
        # Where a word begins in its row, after the first special token, in the batch and in the clean text.
        first = np.searchsorted(row, row)
        here, there = (each[:-1] - each[:-1][first] + 1 for each in (words.offsets, clean.offsets))
        clean_ids, positions = np.full(shape, self._pad_id), np.full(shape, -1)
        rows, columns = np.repeat(row, clean.lengths), span_indices(there, clean.lengths)
        fits = columns < shape[1] - 1
        clean_ids[rows[fits], columns[fits]] = clean.values[fits]
        clean_ids[:, 0] = self._first_id
        lengths = 1 + np.bincount(rows[fits], minlength=shape[0])  # a text may hold a written [PAD]
        clean_ids[np.arange(len(clean_ids)), lengths] = self._last_id
        within = span_indices(np.zeros_like(here), words.lengths)
        row, here, there, is_noised = (
            np.repeat(each, words.lengths) for each in (row, here, there, is_noised)
        )
        there += np.where(is_noised, 0, within)
        is_found = there < shape[1] - 1
        is_found[span_indices(words.offsets[left_out], words.lengths[left_out])] = False
        positions[row[is_found], (here + within)[is_found]] = there[is_found]
        positions[:, 0] = 0
        return batch._replace(clean_input_ids=clean_ids, clean_positions=positions)

    def _draw_masks(self, lengths: Array, maskable: Array, row: Array, keys: Array) -> Array:
        """Indices of the words to mask (whole-word masking).

        The share of tokens is counted over a whole example, but only words without noise can be masked: so
        these are drawn more often. `bincount` sums by example: 5 tokens of which 2 are maskable raise a share
        of 0.10 to 0.10 * 5 / 2 = 0.25.

        Args:
            lengths, maskable, row, keys: (W,) of each word; `row` is the index of its example.
        """
        total = np.bincount(row, lengths)
        available = np.bincount(row, lengths * maskable)
        share = self._settings.mlm_probability * total / np.maximum(available, 1)
        return np.flatnonzero(maskable & (uniform(keys, _MASK) < share[row]))

    def _pad(
        self, words: Ragged, row: Array, masked: Array, keys: Array, nlm_label: Array, rows: int
    ) -> MaskedBatch:
        """(B, L) arrays of W words, with the masks set and special tokens around each example.

        All arrays are filled through flat positions, one assignment for the whole batch. With L = 8 the five
        tokens of example 0 go to positions [1 2 3 4 5], those of example 1 begin at 9; of the masked word 2,
        `tokens` is [4] and its position 5.
        """
        lengths = np.bincount(row, words.lengths, minlength=rows).astype(np.int64)
        longest = int(lengths.max(initial=0)) + SPECIAL_TOKENS
        padded_length = round_up(longest, self._settings.pad_to_multiple_of)
        shape = (rows, min(padded_length, self._settings.max_length))
        # (T,) the flat position of each token, after the first special token of its row.
        positions = span_indices(np.arange(rows) * shape[1] + 1, lengths)

        input_ids = np.full(shape, self._pad_id)
        labels, nlm_labels = np.full(shape, IGNORED), np.full(shape, IGNORED)
        hidden = np.zeros(shape, bool)
        input_ids.flat[positions] = words.values
        nlm_labels.flat[positions] = np.repeat(nlm_label, words.lengths)
        tokens = span_indices(words.offsets[masked], words.lengths[masked])
        original = words.values[tokens]
        labels.flat[positions[tokens]] = original
        hidden.flat[positions[tokens]] = True
        index_in_word = tokens - np.repeat(words.offsets[masked], words.lengths[masked])
        token_keys = derive_keys(np.repeat(keys, words.lengths[masked]), index_in_word)
        input_ids.flat[positions[tokens]] = self._replace(original, token_keys)
        input_ids[:, 0] = self._first_id
        input_ids[np.arange(rows), lengths + 1] = self._last_id
        attention_mask = (np.arange(shape[1]) < (lengths + SPECIAL_TOKENS)[:, None]).astype(np.int64)
        return MaskedBatch(input_ids, attention_mask, labels, nlm_labels, hidden)

    def _replace(self, token_ids: Array, keys: Array) -> Array:
        """(M,) inputs for masked tokens: 80% the mask, 10% a random token, 10% the token itself (BERT)."""
        kind = uniform(keys, _MASK_KIND)
        drawn = (uniform(keys, _REPLACEMENT) * len(self._replacements)).astype(np.int64)
        return np.select([kind < 0.8, kind < 0.9], [self._mask_id, self._replacements[drawn]], token_ids)


def is_noisable(text: str) -> bool:
    """Whether a word contains a letter; U+FFFD stands for bytes that are no text."""
    return any(map(str.isalpha, text)) and "\ufffd" not in text


def _any_token(flags: Array, words: Ragged) -> Array:
    """(W,) whether any token of a word has its flag set.

    By differences of a running sum: flags [0 | 1 0 | 0] of three words sum to [0 0 1 1 1]; read at the
    offsets [0 1 3 4] that is [0 0 1 1], whose differences are [0 1 0].
    """
    return np.diff(cumulative_offsets(flags)[words.offsets]) > 0


def _running_length(lengths: Array, row_offsets: Array) -> Array:
    """(W,) the tokens of a word and those before it in its row.

    Lengths [1 3 1 | 2] of two rows end at [1 4 5 7]; less what stands before each row: [1 4 5 2].
    """
    ends = cumulative_offsets(lengths)
    return ends[1:] - np.repeat(ends[row_offsets[:-1]], np.diff(row_offsets))
