import json
from collections import Counter
from itertools import islice
from typing import Any

import pytest
import tiny
import torch
from datasets import IterableDataset

from charbert import CharBertForPreTraining
from charbert.errors import CharBertError
from charbert.vocabulary import Vocabulary
from data.pretraining.packing import Packer
from pretrain.collator import STREAM_STATE, PretrainingCollator
from pretrain.masking import Masking, MaskingSettings
from pretrain.noise_schedule import Noise, NoiseSchedule
from pretrain.sampler import TrainingPosition
from pretrain.streaming import StreamedBatches, StreamState

WORDS = ("fox", "dog", "token", "word", "brown", "lazy", "quick", "over")
TEXTS = [f"{one} {two} {three} the" for one in WORDS for two in WORDS for three in WORDS[:4]]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrain.streaming._CHARACTERS_AT_ONCE", 400)


def rows(shards: list[list[str]]) -> Any:
    for shard in shards:
        for text in shard:
            yield {"text": text}


def streamed(texts: list[str] = TEXTS, shards: int = 4, noise: float = 0.0, **more: Any) -> StreamedBatches:
    tokenizer = tiny.tokenizer("bert")
    corruption = Masking(
        tokenizer, Vocabulary(["fox", "<unk>"]), MaskingSettings(mlm_probability=noise, max_length=12)
    )
    spelling = tiny.build(CharBertForPreTraining, "bert").spelling_table
    maker = PretrainingCollator(corruption, spelling, NoiseSchedule.constant(Noise(noise)), seed=0)
    stream = IterableDataset.from_generator(
        rows, gen_kwargs={"shards": [texts[shard::shards] for shard in range(shards)]}
    )
    # Blocks of one text each: seven tokens leave no room for a second.
    return StreamedBatches(stream, Packer(tokenizer, 9), maker, 4, seed=0, **more)


def texts_of(batch: dict[str, Any]) -> list[str]:
    return tiny.tokenizer("bert").batch_decode(batch["input_ids"], skip_special_tokens=True)


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    return all(torch.equal(ours[name], theirs[name]) for name in ours if name != STREAM_STATE)


@pytest.mark.parametrize(("world_size", "shards"), ((1, 4), (2, 4), (4, 4), (2, 3)))
def test_the_processes_read_each_text_once_an_epoch(world_size: int, shards: int) -> None:
    per_process = len(TEXTS) // 4 // world_size
    found: Counter[str] = Counter()
    for rank in range(world_size):
        batches = streamed(shards=shards, position=TrainingPosition(rank, world_size))
        for batch in islice(batches, per_process):
            found.update(texts_of(batch))
    assert found == Counter(TEXTS)


def test_another_epoch_follows_in_another_order() -> None:
    batches = list(islice(streamed(), 2 * len(TEXTS) // 4))
    first, second = (
        [text for batch in half for text in texts_of(batch)] for half in (batches[:64], batches[64:])
    )
    assert sorted(first) == sorted(second) == sorted(TEXTS)
    assert first != second


@pytest.mark.parametrize("stopped", (1, 7, 63, 64, 65, 100))
def test_a_stream_goes_on_where_it_stopped(stopped: int) -> None:
    whole = list(islice(streamed(noise=0.4), stopped + 10))
    state = StreamState(*json.loads(json.dumps(whole[stopped - 1][STREAM_STATE])))
    rest = list(islice(streamed(noise=0.4, position=TrainingPosition(first_step=stopped), state=state), 10))
    assert all(same(ours, theirs) for ours, theirs in zip(rest, whole[stopped:], strict=True))
    assert rest[-1][STREAM_STATE] == whole[-1][STREAM_STATE]


def test_a_worker_process_makes_the_same_batches() -> None:
    here = list(islice(streamed(noise=0.4), 5))
    loader = torch.utils.data.DataLoader(streamed(noise=0.4), batch_size=None, num_workers=1)
    there = list(islice(loader, 5))
    assert all(same(ours, theirs) for ours, theirs in zip(there, here, strict=True))
    assert there[-1][STREAM_STATE] == here[-1][STREAM_STATE]


def test_an_epoch_draws_other_masks_than_the_one_before() -> None:
    batches = list(islice(streamed([TEXTS[0]] * 4, shards=1, noise=0.5), 6))
    assert len({tuple(batch["input_ids"].flatten().tolist()) for batch in batches}) == 6


@pytest.mark.parametrize("texts", ([], [""] * 4, [" "] * 4))
def test_a_stream_without_text_is_refused(texts: list[str]) -> None:
    with pytest.raises(CharBertError, match="no text"):
        next(iter(streamed(texts)))
