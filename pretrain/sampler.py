"""Samplers: which examples each rank trains and evaluates on, at any step, without storing an order."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from charbert.errors import CharBertError
from charbert.randomness import derive_keys, permute
from pretrain.collator import BatchKey


class TrainingPosition(NamedTuple):
    """The rank of a process among how many, and the step at which it begins."""

    rank: int = 0
    world_size: int = 1
    batches_per_step: int = 1
    """Of each process (gradient accumulation)."""
    first_step: int = 0
    """The steps already done."""

    @property
    def first_batch(self) -> int:
        return self.first_step * self.batches_per_step


class TrainingSampler(Sampler[BatchKey]):
    """The batches of one of several processes, from a step on and without end.

    Each epoch goes through the examples in another order. The batches of all processes at one time make a
    global batch; what is left of an epoch after its last whole one, less than a global batch, is left out.

    Args:
        examples: how many there are.
        batch_size: examples of one process's batch.
        seed: of the order.
        position: rank of the process, and the step at which it begins.

    Raises:
        CharBertError: there are fewer examples than one global batch has.
    """

    def __init__(
        self, examples: int, batch_size: int, *, seed: int, position: TrainingPosition = TrainingPosition()
    ) -> None:
        self._examples = examples
        self._batch_size = batch_size
        self._seed = seed
        self._position = position
        self._batches_per_epoch = examples // (batch_size * position.world_size)
        if not self._batches_per_epoch:
            raise CharBertError(
                f"{examples} blocks to train on, fewer than one batch of {batch_size} on each of "
                f"{position.world_size} processes: give a smaller --batch-size or more text"
            )

    @property
    def steps_per_epoch(self) -> float:
        return self._batches_per_epoch / self._position.batches_per_step

    def __iter__(self) -> Iterator[BatchKey]:
        number = self._position.first_batch
        while True:
            yield self.batch(number)
            number += 1

    def batch(self, number: int) -> BatchKey:
        """The `number`-th batch of this process, counted from the start of training."""
        epoch, in_epoch = divmod(number, self._batches_per_epoch)
        first = (in_epoch * self._position.world_size + self._position.rank) * self._batch_size
        positions = np.arange(first, first + self._batch_size)
        indices = permute(positions, self._examples, derive_keys(self._seed, epoch))
        return BatchKey(epoch, indices, number // self._position.batches_per_step)


class EvaluationSampler(Sampler[BatchKey]):
    """All examples once, those of one process of several, in their own order."""

    def __init__(self, examples: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> None:
        self._indices = np.arange(rank, examples, world_size)
        self._batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self._indices) // self._batch_size)

    def __iter__(self) -> Iterator[BatchKey]:
        for first in range(0, len(self._indices), self._batch_size):
            yield BatchKey(0, self._indices[first : first + self._batch_size])
