"""Random data with the shapes and the frequencies of text, for benchmarks without a tokenizer."""

import numpy as np
import torch
from torch.nn import functional as F

from charbert.configuration import CharBertConfig
from charbert.losses import IGNORED
from charbert.ragged import Array
from charbert.spelling import BLANK_ID, SpellingTable
from data.pretraining.blocks import TokenBlocks
from pretrain.collator import Batch, PretrainingCollator
from pretrain.masking import MaskedBatch, Masking
from pretrain.noise_schedule import Noise, NoiseSchedule

BLANKS = 0.20  # of the characters of a text
# Of the tokens of a text: how many have 1, 2, ... characters. With masks, and the blanks between tokens, the
# longest of many examples has some 5.3 characters a token.
TOKEN_LENGTHS = (0.15, 0.15, 0.16, 0.15, 0.12, 0.08, 0.07, 0.05, 0.03, 0.02, 0.01, 0.01)
MASKED, NOISED, PADDED = 0.10, 0.17, 0.02  # of the positions
SHOWN_AS_MASK = 0.8  # of the masked
PAD_ID, MASK_ID = 0, 4
FIRST_ID = MASK_ID + 1
PADDING = {"char_input_ids": BLANK_ID, "mlm_positions": -1, "nlm_positions": -1}


def character_ids(shape: tuple[int, ...], size: int, draws: np.random.Generator) -> torch.Tensor:
    """Ids of characters as text has them: every fifth a blank, the others by Zipf's law."""
    letters = _letters(int(np.prod(shape)), size, draws)
    letters[draws.random(letters.shape) < BLANKS] = BLANK_ID
    return torch.from_numpy(letters.reshape(shape))


def random_batches(config: CharBertConfig, count: int, batch_size: int, length: int) -> list[Batch]:
    """Different batches (B, L) of the same shapes, made by the `PretrainingCollator` of pre-training.

    Their tokens, labels and spellings are random; `MASKED`, `NOISED` and `PADDED` say how many there are.
    """
    maker = PretrainingCollator(
        _RandomExamples(config, length),
        random_spelling(config, np.random.default_rng(0)),
        NoiseSchedule.constant(Noise()),
        seed=0,
        bucketed=True,
    )
    nothing = TokenBlocks(*(np.zeros(0, dtype=np.int64) for _ in TokenBlocks._fields))
    examples = np.arange(count * batch_size).reshape(count, batch_size)
    batches = [maker(nothing, epoch=0, indices=indices, step=0) for indices in examples]
    for name, value in PADDING.items():
        widest = max(batch[name].shape[-1] for batch in batches)
        for batch in batches:
            batch[name] = F.pad(batch[name], (0, widest - batch[name].shape[-1]), value=value)
    return batches


class _RandomExamples(Masking):
    """Corrupted examples of no text at all."""

    def __init__(self, config: CharBertConfig, length: int) -> None:
        self._length = length
        self._tokens, self._words = config.vocab_size, config.word_vocabulary_size

    def __call__(self, blocks: TokenBlocks, keys: Array, noise: Noise) -> MaskedBatch:
        draws = np.random.default_rng(keys)
        shape = len(keys), self._length
        lengths = self._length - draws.integers(0, int(2 * PADDED * self._length), len(keys), endpoint=True)
        lengths[0] = self._length
        present = np.arange(self._length) < lengths[:, None]
        chosen = draws.random(shape)
        hidden, noised = present & (chosen < MASKED), present & (chosen >= 1 - NOISED)
        clean = draws.integers(FIRST_ID, self._tokens, shape)
        shown = np.where(hidden & (draws.random(shape) < SHOWN_AS_MASK), MASK_ID, clean)
        return MaskedBatch(
            input_ids=np.where(present, shown, PAD_ID),
            attention_mask=present.astype(np.int64),
            labels=np.where(hidden, clean, IGNORED),
            nlm_labels=np.where(noised, draws.integers(0, self._words, shape), IGNORED),
            hidden=hidden,
        )


def random_spelling(config: CharBertConfig, draws: np.random.Generator) -> SpellingTable:
    """A spelling table with tokens as long as those of text."""
    lengths = draws.choice(np.arange(1, len(TOKEN_LENGTHS) + 1), config.vocab_size, p=TOKEN_LENGTHS)
    letters = _letters(int(lengths.sum()), config.character_vocabulary_size, draws)
    return SpellingTable.from_spellings([part.tolist() for part in np.split(letters, lengths.cumsum()[:-1])])


def _letters(count: int, size: int, draws: np.random.Generator) -> Array:
    """Ids from 1 to `size` - 1, the i-th as often as 1 / i."""
    frequencies = 1 / np.arange(1, size)
    return draws.choice(np.arange(1, size), count, p=frequencies / frequencies.sum())
