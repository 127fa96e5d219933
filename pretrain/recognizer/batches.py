"""Blocks of tokens -> sentences of words, some of them misspelled, for a `WordRecognizer`."""

from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from charbert.losses import IGNORED
from charbert.noise import SHORTEST_EDITED, noise_words
from charbert.ragged import Array, Ragged, cumulative_offsets
from charbert.randomness import derive_keys, uniform
from charbert.recognizer.modeling import WordRecognizerConfig
from charbert.recognizer.reading import LetterBags, is_letters, make_inputs, sentence_lengths, split_units
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import UNKNOWN, Vocabulary
from data.pretraining.blocks import Blocks, TokenBlocks
from data.pretraining.words import WordPieces
from pretrain.collator import Batch, BatchKey
from pretrain.noise_schedule import Noise

INPUTS = ("letter_ids", "word_starts", "sentence_lengths", "labels")
CHANGED = "changed"
_NOISE, _EDIT, _PLACE, _LETTER = range(4)


def known_words(words: Vocabulary) -> dict[str, Any]:
    """What a recogniser's configuration says of the words and characters of a word vocabulary.

    It reads those of letters only; the characters of the others, such as digits and marks, it sees too.
    """
    return {
        "words": [*dict.fromkeys(word for word in words if is_letters(word)), UNKNOWN],
        "characters": "".join(sorted(set().union(*words.entries[:-1]))),
    }


class RecognizerBatches(Dataset[Batch]):
    """Batches by `BatchKey`; the typos of a block are a pure function of seed, epoch and its index.

    A batch has the inputs of a `WordRecognizer`, labels at the words of letters only, and `changed` (N,),
    whether a word got a typo.

    Args:
        blocks: what `python -m data tokenize` wrote.
        tokenizer: whose tokens they hold.
        config: of the recogniser.
        noise: how many of the words of letters only, four or more, get one edit.
        seed: of the typos.
    """

    def __init__(
        self,
        blocks: Blocks,
        tokenizer: CharBertTokenizer,
        config: WordRecognizerConfig,
        noise: Noise,
        seed: int,
    ) -> None:
        self._blocks = blocks
        self._pieces = WordPieces(tokenizer)
        self._words = Vocabulary(config.words or [])
        self._letter_bags = LetterBags(config.characters)
        self._noise = noise
        self._seed = seed

    def __len__(self) -> int:
        """The number of blocks."""
        return len(self._blocks)

    def __getitem__(self, key: BatchKey) -> Batch:
        units: list[str] = []
        lengths: list[int] = []
        keys = []
        block_keys = derive_keys(derive_keys(self._seed, key.epoch), key.indices)
        for block_key, texts in zip(block_keys, self._texts(self._blocks.take(key.indices)), strict=True):
            before = len(units)
            # A separator between documents, and what no token stands for, has no text and ends a sentence.
            for has_text, run in groupby(texts, key=bool):
                sentence = [unit for text in run for unit in split_units(text).texts] if has_text else []
                units += sentence
                lengths += sentence_lengths(sentence)
            keys.append(derive_keys(block_key, np.arange(len(units) - before)))
        is_word = np.fromiter(map(is_letters, units), bool, len(units))
        small = [unit.lower() for unit in units]
        labels = np.where(is_word, self._words.ids(small), IGNORED)
        noised = self._noised(units, is_word, np.concatenate(keys))
        changed = [new.lower() != old for new, old in zip(noised, small, strict=True)]
        return {
            **make_inputs(self._letter_bags(noised), lengths),
            "labels": torch.from_numpy(labels),
            CHANGED: torch.tensor(changed),
        }

    def _noised(self, units: list[str], is_word: Array, keys: Array) -> list[str]:
        lengths = np.fromiter(map(len, units), np.int64, len(units))
        eligible = is_word & (lengths >= SHORTEST_EDITED)
        drawn = np.flatnonzero(eligible & (uniform(keys, _NOISE) < self._noise.probability))
        draws = np.stack([uniform(keys[drawn], purpose) for purpose in (_EDIT, _PLACE, _LETTER)], axis=1)
        noised = list(units)
        edited = noise_words([units[place] for place in drawn], draws, self._noise.edits)
        for place, word in zip(drawn.tolist(), edited, strict=True):
            noised[place] = word
        return noised

    def _texts(self, blocks: TokenBlocks) -> list[list[str]]:
        """The words of each block; empty texts where they cannot be read."""
        words = Ragged(blocks.token_ids.astype(np.int64), blocks.word_offsets)
        unreadable = np.diff(cumulative_offsets(~self._pieces.is_readable[words.values])[words.offsets]) > 0
        texts = np.full(len(unreadable), "", dtype=object)
        texts[~unreadable] = self._pieces.texts(words.take(np.flatnonzero(~unreadable)))
        return [rows.tolist() for rows in np.split(texts, blocks.row_offsets[1:-1])]
