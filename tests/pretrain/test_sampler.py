import time
from itertools import islice

import numpy as np
import pytest

from charbert.errors import CharBertError
from pretrain.collator import BatchKey
from pretrain.sampler import EvaluationSampler, TrainingPosition, TrainingSampler


def batches(examples: int, batch_size: int, world_size: int, count: int, **more: int) -> list[list[BatchKey]]:
    """The first batches of each process."""
    orders = [
        TrainingSampler(examples, batch_size, seed=0, position=TrainingPosition(rank, world_size, **more))
        for rank in range(world_size)
    ]
    return [list(islice(order, count)) for order in orders]


@pytest.mark.parametrize("world_size", (1, 2, 3, 8))
@pytest.mark.parametrize("examples", (64, 100, 127))
def test_an_epoch_has_each_example_at_most_once_and_misses_less_than_a_global_batch(
    world_size: int, examples: int
) -> None:
    per_epoch = examples // (4 * world_size)
    for first in (0, per_epoch):
        seen = [
            index
            for process in batches(examples, 4, world_size, first + per_epoch)
            for key in process[first:]
            for index in key.indices.tolist()
        ]
        assert len(set(seen)) == len(seen)
        assert set(seen) <= set(range(examples))
        assert examples - len(seen) < 4 * world_size


def test_the_next_epoch_has_its_number_and_another_order() -> None:
    [keys] = batches(16, 4, 1, 12)
    assert [key.epoch for key in keys] == [0] * 4 + [1] * 4 + [2] * 4
    orders = [
        np.concatenate([key.indices for key in keys[first : first + 4]]).tolist() for first in (0, 4, 8)
    ]
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("first_step", (1, 3, 10))
def test_an_order_from_a_step_on_is_the_rest_of_the_whole(first_step: int) -> None:
    [whole] = batches(50, 4, 1, 40, batches_per_step=2)
    [rest] = batches(50, 4, 1, 10, batches_per_step=2, first_step=first_step)
    for ours, theirs in zip(rest, whole[2 * first_step :], strict=False):
        assert (ours.epoch, ours.step, ours.indices.tolist()) == (
            theirs.epoch,
            theirs.step,
            theirs.indices.tolist(),
        )


def test_batches_of_one_step_have_its_number() -> None:
    [keys] = batches(100, 4, 1, 6, batches_per_step=3)
    assert [key.step for key in keys] == [0, 0, 0, 1, 1, 1]


def test_the_same_global_batches_whatever_the_number_of_processes() -> None:
    [alone] = batches(96, 8, 1, 12)
    four = batches(96, 2, 4, 12)
    for number, key in enumerate(alone):
        together = np.concatenate([process[number].indices for process in four])
        assert together.tolist() == key.indices.tolist()


def test_the_place_in_a_long_run_is_found_at_once() -> None:
    far = TrainingSampler(10**9, 32, seed=0, position=TrainingPosition(world_size=8, first_step=3 * 10**9))
    started = time.process_time()
    assert next(iter(far)).epoch == 3 * 10**9 // (10**9 // 256)
    assert time.process_time() - started < 2  # what the run may take; it takes a thousandth


def test_fewer_examples_than_a_global_batch_are_refused() -> None:
    with pytest.raises(CharBertError, match="7 blocks to train on, fewer than one batch of 4 on each of 2"):
        TrainingSampler(7, 4, seed=0, position=TrainingPosition(world_size=2))


def test_evaluation_takes_each_example_once() -> None:
    orders = [EvaluationSampler(23, 4, rank=rank, world_size=3) for rank in range(3)]
    seen = [index for order in orders for key in order for index in key.indices.tolist()]
    assert sorted(seen) == list(range(23))
    assert [len(order) for order in orders] == [2, 2, 2]
