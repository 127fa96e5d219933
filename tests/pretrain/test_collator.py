from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tiny
import torch

from charbert import CharBertForPreTraining
from charbert.vocabulary import Vocabulary
from data.pretraining.blocks import Block, TokenBlocks, join_blocks
from data.pretraining.packing import Packer
from pretrain.collator import BatchKey, PretrainingBatches, PretrainingCollator
from pretrain.masking import Masking, MaskingSettings
from pretrain.noise_schedule import Noise, NoisePoint, NoiseSchedule

WORDS = Vocabulary(["the", "quick", "brown", "fox", "dog", "<unk>"])


class BlocksInMemory:
    def __init__(self, blocks: list[Block]) -> None:
        self._blocks = blocks

    def __len__(self) -> int:
        return len(self._blocks)

    def take(self, indices: Sequence[int] | Any) -> TokenBlocks:
        return join_blocks([self._blocks[index] for index in indices])


def made(
    kind: str, curriculum: NoiseSchedule | None = None, masked: float = 0.1, bucketed: bool = False
) -> PretrainingBatches:
    tokenizer = tiny.tokenizer(kind)
    texts = [" ".join(tiny.SENTENCES) * 3, *tiny.SENTENCES]
    blocks = [block for text in texts for block in Packer(tokenizer, 50).blocks([text])]
    corruption = Masking(tokenizer, WORDS, MaskingSettings(masked, max_length=64))
    spelling = tiny.build(CharBertForPreTraining, kind).spelling_table
    return PretrainingBatches(
        BlocksInMemory(blocks),
        PretrainingCollator(
            corruption, spelling, curriculum or NoiseSchedule.constant(Noise(0.3)), seed=0, bucketed=bucketed
        ),
    )


def batch(
    batches: PretrainingBatches, *indices: int, epoch: int = 0, step: int = 0
) -> dict[str, torch.Tensor]:
    return batches[BatchKey(epoch, np.array(indices), step)]


def test_a_batch_goes_through_the_model(kind: str) -> None:
    model = tiny.build(CharBertForPreTraining, kind)
    made_batch = batch(made(kind), 0, 1, 2)
    assert all(tensor.dtype == torch.long for tensor in made_batch.values())
    assert torch.isfinite(model(**made_batch).loss)


def test_the_characters_are_those_that_the_model_would_spell(kind: str) -> None:
    model = tiny.build(CharBertForPreTraining, kind)
    given = batch(made(kind), 0, 1, 2)
    hidden = given["labels"] != -100
    spelled = model.spelling_table(given["input_ids"], given["attention_mask"], hidden)
    for name in tiny.SPELLED:
        assert torch.equal(given[name], getattr(spelled, name))


def test_masked_positions_are_blank(kind: str) -> None:
    given = batch(made(kind), 0, 1, 2)
    rows = zip(given["char_input_ids"], given["start_ids"], given["end_ids"], given["labels"], strict=True)
    spelled = [
        spelling
        for characters, starts, ends, labels in rows
        for spelling, label in zip(tiny.spellings_of(characters, starts, ends), labels, strict=True)
        if label != -100
    ]
    assert spelled
    assert all(spelling == [0] for spelling in spelled)


def test_an_example_depends_on_seed_epoch_and_index_alone(kind: str) -> None:
    batches = made(kind)
    together = batch(batches, 2, 0, 1, epoch=3)
    for row, index in enumerate((2, 0, 1)):
        alone = batch(batches, index, epoch=3)
        length = int(alone["attention_mask"].sum())
        for name in ("input_ids", "labels", "nlm_labels"):
            assert torch.equal(alone[name][0, :length], together[name][row, :length])


@pytest.mark.parametrize("changes", ({"epoch": 1}, {"index": 1}))
def test_another_epoch_or_index_draws_anew(kind: str, changes: dict[str, int]) -> None:
    batches = made(kind)
    other = batch(batches, changes.get("index", 0), epoch=changes.get("epoch", 0))
    assert batch(batches, 0)["input_ids"].tolist() != other["input_ids"].tolist()


def test_noise_follows_the_curriculum(kind: str) -> None:
    points = [NoisePoint(0, Noise(0.0)), NoisePoint(10, Noise(1.0))]
    batches = made(kind, NoiseSchedule(points))
    noised = [int((batch(batches, 0, step=step)["nlm_labels"] != -100).sum()) for step in (0, 5, 10)]
    assert noised[0] == 0 < noised[1] < noised[2]


POSITIONS = {"mlm_positions": "labels", "nlm_positions": "nlm_labels"}


def test_positions_are_those_of_the_labels(kind: str) -> None:
    given = batch(made(kind), 0, 1, 2)
    for name, labels in POSITIONS.items():
        assert torch.equal(given[name], (given[labels].flatten() != -100).nonzero()[:, 0])


@pytest.mark.parametrize("bucketed", (False, True))
def test_without_labels_there_are_positions_of_padding_alone(kind: str, bucketed: bool) -> None:
    nothing = NoiseSchedule.constant(Noise(0.0))
    given = batch(made(kind, nothing, masked=0.0, bucketed=bucketed), 0, 1)
    for name in POSITIONS:
        assert len(given[name]) == (given["input_ids"].numel() // 32 if bucketed else 1)
        assert set(given[name].tolist()) == {-1}
    output = tiny.build(CharBertForPreTraining, kind)(**given)
    assert [output.loss, output.mlm_loss, output.nlm_loss] == [0, 0, 0]


def test_buckets_hold_the_same_and_padding(kind: str) -> None:
    exact, bucketed = (batch(made(kind, bucketed=rounded), 0, 1, 2) for rounded in (False, True))
    assert exact.keys() == bucketed.keys()
    step = exact["input_ids"].numel() // 32
    padding = dict.fromkeys(POSITIONS, (step, -1)) | {"char_input_ids": (256, 0)}
    for name, tensor in exact.items():
        multiple, filler = padding.get(name, (1, 0))
        length = tensor.shape[-1]
        assert bucketed[name].shape[-1] == -(-length // multiple) * multiple
        assert torch.equal(bucketed[name][..., :length], tensor)
        assert (bucketed[name][..., length:] == filler).all()


def test_buckets_change_no_loss(kind: str) -> None:
    model = tiny.build(CharBertForPreTraining, kind).double()
    exact, bucketed = (model(**batch(made(kind, bucketed=rounded), 0, 1, 2)) for rounded in (False, True))
    for name in ("mlm_loss", "nlm_loss"):
        assert exact[name] > 0
        assert tiny.largest_difference(exact[name], bucketed[name]) < 1e-12


def test_buckets_have_fewer_shapes(kind: str) -> None:
    exact, bucketed = (
        {
            tuple(tensor.shape for tensor in batch(batches, 0, 1, 2, epoch=epoch).values())
            for epoch in range(20)
        }
        for batches in (made(kind), made(kind, bucketed=True))
    )
    assert len(bucketed) < len(exact)
