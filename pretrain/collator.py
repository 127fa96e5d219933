"""Collator for pre-training: blocks -> masked, noised, padded and spelled batches with labels."""

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from charbert.losses import IGNORED
from charbert.ragged import Array, round_up
from charbert.randomness import derive_keys, uniform
from charbert.spelling import SpellingTable
from data.pretraining.blocks import TokenBlocks
from pretrain.masking import Masking
from pretrain.noise_schedule import NoiseSchedule

Batch = dict[str, torch.Tensor]
STREAM_STATE = "stream_state"  # what a streamed batch carries beside its tensors
# Of bucketed batches: English examples of 384 tokens have some 2,000 characters.
_CHARACTERS_MULTIPLE = 256
_POSITION_BUCKETS = 32  # distinct numbers of labelled positions, up to all B * L
_SHARE = 1 << 32  # purpose of the draw of a batch's share of noise, beyond the number of any word


class BatchKey(NamedTuple):
    """Which examples a batch has, and what its draws depend on beside the seed."""

    epoch: int
    indices: Array
    step: int = 0


class BlockSource(Protocol):
    """Blocks by number, such as `data.pretraining.blocks.Blocks`."""

    def __len__(self) -> int: ...
    def take(self, indices: Sequence[int] | Array) -> TokenBlocks: ...


class PretrainingCollator:
    """Corrupted, padded and spelled batches (B, L) of blocks; masked positions stay blank.

    Beside the other inputs of `CharBertForPreTraining` a batch has `mlm_positions` and `nlm_positions`.

    Args:
        spelling: None for a model without a character channel; its batches have the same tokens, and nothing
            of characters or of words to restore.
        bucketed: round the number of characters and those of labelled positions up, so that there are few
            shapes and a device gives the same memory out again. The padding changes no result.
    """

    def __init__(
        self,
        masking: Masking,
        spelling: SpellingTable | None,
        noise_schedule: NoiseSchedule,
        seed: int,
        *,
        bucketed: bool = False,
    ) -> None:
        self._masking = masking
        # The model's own may move to a GPU, and batches are made here.
        self._spelling = None if spelling is None else deepcopy(spelling).cpu()
        self._noise_schedule = noise_schedule
        self._seed = seed
        self._bucketed = bucketed

    def __call__(self, blocks: TokenBlocks, epoch: int | Array, indices: Array, step: int) -> Batch:
        """The batch of B blocks.

        Args:
            blocks: B blocks.
            epoch: of all, or (B,) of each block; other epochs draw other noise and masks.
            indices: (B,) the number of each block: of which its draws are made too.
            step: the step of training, for the noise schedule.
        """
        keys = derive_keys(derive_keys(self._seed, epoch), indices)
        draw = float(uniform(keys[:1], _SHARE)[0])
        examples = self._masking(blocks, keys, self._noise_schedule.noise_at(step, draw))
        arrays = {name: array for name, array in examples._asdict().items() if array is not None}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        hidden, nlm_labels = tensors.pop("hidden"), tensors.pop("nlm_labels")
        multiple = max(1, hidden.numel() // _POSITION_BUCKETS) if self._bucketed else 1
        tensors["mlm_positions"] = _labelled_positions(examples.labels, multiple)
        if self._spelling is None:
            return tensors
        spelled = self._spelling(
            tensors["input_ids"],
            tensors["attention_mask"],
            hidden,
            multiple=_CHARACTERS_MULTIPLE if self._bucketed else 1,
        )
        return {
            **tensors,
            **spelled._asdict(),
            "nlm_labels": nlm_labels,
            "nlm_positions": _labelled_positions(examples.nlm_labels, multiple),
        }


class PretrainingBatches(Dataset[Batch]):
    """Batches by `BatchKey`, each example of which is a pure function of seed, epoch and index.

    For a `DataLoader` with `batch_size=None` and a sampler of keys.
    """

    def __init__(self, blocks: BlockSource, maker: PretrainingCollator) -> None:
        self._blocks = blocks
        self._maker = maker

    def __len__(self) -> int:
        """The number of examples."""
        return len(self._blocks)

    def __getitem__(self, key: BatchKey) -> Batch:
        return self._maker(self._blocks.take(key.indices), key.epoch, key.indices, key.step)


def _labelled_positions(labels: Array, multiple: int) -> torch.Tensor:
    """(P,) the flat positions of the labels, then -1 up to a multiple; one multiple at least."""
    found = np.flatnonzero(labels != IGNORED)
    positions = np.full(round_up(max(1, len(found)), multiple), -1)
    positions[: len(found)] = found
    return torch.from_numpy(positions)
