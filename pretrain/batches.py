"""What the Trainer iterates over: the batches of this process, from where a run begins or goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import TrainingArguments

from charbert.errors import CharBertError
from charbert.spelling import SpellingTable
from charbert.tokenization import CharBertTokenizer
from data.blocks import Blocks
from data.corruption import Corruption, CorruptionSettings
from data.curriculum import Curriculum
from data.examples import STREAM_STATE, Batch, BatchMaker, PretrainingBatches
from data.order import EvaluationOrder, TrainingOrder
from data.packing import Packer
from pretrain.settings import PretrainSettings


class TrainingBatches:
    """Batches without end or length, so that the Trainer counts nothing but steps.

    Args:
        loader: makes them.
        steps_per_epoch: None for a stream, of which nobody knows the length.
    """

    def __init__(self, loader: DataLoader[Batch], steps_per_epoch: float | None) -> None:
        self.steps_per_epoch = steps_per_epoch
        self._loader = loader
        self._state: Any = None

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._loader:
            self._state = batch.pop(STREAM_STATE, None)
            yield batch

    def save(self, checkpoint: Path, rank: int) -> None:
        """Write into a checkpoint where a stream is; of blocks on disk the number of steps says it."""
        if self._state is not None:
            checkpoint.mkdir(parents=True, exist_ok=True)
            self._state.save(_state_file(checkpoint, rank))


def batches_of_run(
    settings: PretrainSettings,
    arguments: TrainingArguments,
    tokenizer: CharBertTokenizer,
    spelling: SpellingTable,
    first_step: int = 0,
    checkpoint: Path | None = None,
) -> tuple[TrainingBatches, DataLoader[Batch]]:
    """The batches of this process for training, behind `first_step` steps, and for evaluation.

    Raises:
        CharBertError: too few blocks, text that cannot be read, or a stream that goes on with another number
            of processes.
    """
    corruption = Corruption(
        tokenizer,
        tokenizer.words,
        CorruptionSettings(settings.mlm_probability, settings.max_length, settings.label_unknown_words),
    )
    blocks = Blocks(settings.data)
    first_held_out = 0 if settings.stream else len(blocks) - settings.eval_examples
    if first_held_out < (0 if settings.stream else 1):
        raise CharBertError(
            f"{settings.data}: {len(blocks)} blocks, of which eval_examples={settings.eval_examples} leaves "
            "none to train on"
        )
    held_out = blocks.part(first_held_out, first_held_out + settings.eval_examples)
    processes = {"rank": arguments.process_index, "world_size": arguments.world_size}
    constant = BatchMaker(corruption, spelling, Curriculum.constant(settings.noise()), settings.seed + 1)
    evaluation = _loader(
        PretrainingBatches(held_out, constant),
        EvaluationOrder(len(held_out), settings.batch_size, **processes),
    )
    maker = BatchMaker(corruption, spelling, settings.curriculum(), settings.seed)
    place = {
        "seed": settings.seed,
        "batches_per_step": settings.gradient_accumulation_steps,
        "first_step": first_step,
        **processes,
    }
    if settings.stream:
        return _streamed(settings, tokenizer, maker, place, checkpoint), evaluation
    order = TrainingOrder(first_held_out, settings.batch_size, **place)
    training = _loader(PretrainingBatches(blocks.part(0, first_held_out), maker), order, settings.num_workers)
    return TrainingBatches(training, order.steps_per_epoch), evaluation


def _streamed(
    settings: PretrainSettings,
    tokenizer: CharBertTokenizer,
    maker: BatchMaker,
    place: dict[str, Any],
    checkpoint: Path | None,
) -> TrainingBatches:
    # Streams alone need `datasets`, which takes a second to import.
    from datasets import concatenate_datasets

    from data.sources import streamed
    from data.streaming import StreamedBatches, StreamState

    state = None
    if checkpoint is not None:
        path = _state_file(checkpoint, place["rank"])
        if not path.exists():
            raise CharBertError(
                f"{path}: missing; a stream goes on with as many processes as it stopped with, and not from "
                "a run on blocks"
            )
        state = StreamState.load(path)
    batches = StreamedBatches(
        concatenate_datasets([streamed(source) for source in settings.stream]),
        Packer(tokenizer, settings.block_size),
        maker,
        settings.batch_size,
        state=state,
        **place,
    )
    workers = min(settings.num_workers, 1)  # more would divide the stream once more
    return TrainingBatches(_loader(batches, None, workers), None)


def _loader(batches: Dataset[Batch], order: Sampler[Any] | None, workers: int = 0) -> DataLoader[Batch]:
    return DataLoader(
        batches,
        batch_size=None,
        sampler=order,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        # Else each pass draws a seed for its workers from the generator that dropout draws from.
        generator=torch.Generator(),
    )


def _state_file(checkpoint: Path, rank: int) -> Path:
    return checkpoint / f"stream-{rank}.json"
