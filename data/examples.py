"""Blocks -> training examples -> batches for `CharBertForPreTraining`."""

from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any, Protocol

import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from charbert.losses import IGNORED
from charbert.spelling import SpellingTable
from data.corruption import CorruptedExample, Corruption

PAD_TO_MULTIPLE_OF = 8


class Blocks(Protocol):
    """Anything that gives blocks by number: a `datasets.Dataset`, a list."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> dict[str, Any]: ...


class PretrainingExamples(Dataset[CorruptedExample]):
    """Corrupted examples, each a pure function of (seed, epoch, index)."""

    def __init__(self, blocks: Blocks, corruption: Corruption, seed: int) -> None:
        self._blocks = blocks
        self._corruption = corruption
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw other noise and masks from here on."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, index: int) -> CorruptedExample:
        block = self._blocks[index]
        random = Random(f"{self._seed}-{self._epoch}-{index}")
        return self._corruption(block["input_ids"], block["word_starts"], random)


class PretrainingCollator:
    """Pads examples of at most `max_length` tokens to a batch (B, L) and spells them; masks stay blank."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, spelling: SpellingTable, max_length: int) -> None:
        self._max_length = max_length
        self._pad_id = tokenizer.pad_token_id
        self._spelling = deepcopy(
            spelling
        ).cpu()  # the model's own may move to a GPU, and batches are made here

    def __call__(self, examples: Sequence[CorruptedExample]) -> dict[str, torch.Tensor]:
        longest = max(len(example.input_ids) for example in examples)
        length = min(-(-longest // PAD_TO_MULTIPLE_OF) * PAD_TO_MULTIPLE_OF, self._max_length)

        def padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
            return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])

        input_ids = padded([example.input_ids for example in examples], self._pad_id)
        attention_mask = padded([[1] * len(example.input_ids) for example in examples], 0)
        hidden = padded([example.hidden for example in examples], False).bool()
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            **self._spelling(input_ids, attention_mask, hidden)._asdict(),
            "labels": padded([example.labels for example in examples], IGNORED),
            "nlm_labels": padded([example.nlm_labels for example in examples], IGNORED),
        }
