"""Data loaders of pre-training: the batches of this process, from blocks or streamed text, and resuming."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import TrainingArguments

from charbert.errors import CharBertError
from charbert.noise import read_misspellings
from charbert.spelling import SpellingTable
from charbert.tokenization import CharBertTokenizer
from data.pretraining.blocks import Blocks, open_blocks
from data.pretraining.packing import Packer
from pretrain.collator import STREAM_STATE, Batch, PretrainingBatches, PretrainingCollator
from pretrain.masking import Masking, MaskingSettings
from pretrain.noise_schedule import NoiseSchedule
from pretrain.sampler import EvaluationSampler, TrainingPosition, TrainingSampler
from pretrain.settings import PretrainSettings, StepTrainingSettings

# A stream's worker tokenises eight million characters at once, which takes seconds.
STREAMED_AHEAD = 32
# Batches of nearly full blocks then have one length, that of their longest. `has_safe_lengths` relies on it.
BUCKETED_LENGTH = 128
# What is kept for evaluation where too much was asked for: one block in ten.
_EVALUATED_SHARE = 10
_FEWEST_BLOCKS = 2


def has_safe_lengths(max_length: int) -> bool:
    """Whether cuDNN's attention has right gradients on a GPU for batches of at most `max_length` tokens."""
    return max_length % BUCKETED_LENGTH != BUCKETED_LENGTH // 2


class TrainingBatches:
    """Batches without end or length, so that the Trainer counts nothing but steps.

    Args:
        loader: makes them.
        steps_per_epoch: None for a stream, of which nobody knows the length.
        stream: what decides which texts a stream gives this process, in plain JSON.
    """

    def __init__(
        self,
        loader: DataLoader[Batch],
        steps_per_epoch: float | None = None,
        stream: dict[str, Any] | None = None,
    ) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.began: float | None = None
        """When the first batch was asked for, in seconds of `time.monotonic`."""
        self.seconds_waited = 0.0
        """How long whoever iterates has waited for batches."""
        self._stream = stream
        self._loader = loader
        self._state: Any = None

    def __iter__(self) -> Iterator[Batch]:
        asked = self.began = monotonic()
        try:
            for batch in self._loader:
                self.seconds_waited += monotonic() - asked
                self._state = batch.pop(STREAM_STATE, None)
                yield batch
                asked = monotonic()
        except CharBertError as error:
            # From a loading process it comes with the traceback in its text.
            raise CharBertError(str(error).rpartition("CharBertError: ")[2].strip()) from error

    def save(self, checkpoint: Path, rank: int) -> None:
        """Write into a checkpoint how far a stream was read; on blocks the number of steps suffices."""
        if self._state is not None:
            checkpoint.mkdir(parents=True, exist_ok=True)
            content = {"stream": self._stream, "state": self._state}
            _state_file(checkpoint, rank).write_text(json.dumps(content), encoding="utf-8")


def count_training_blocks(blocks: Blocks, settings: StepTrainingSettings) -> int:
    """The blocks before those at the end that are kept for evaluation.

    Raises:
        CharBertError: there are none; it says how many would leave enough.
    """
    count = len(blocks) - settings.eval_examples
    if count < 1:
        if len(blocks) < _FEWEST_BLOCKS:
            advice = "that is too little text for training and evaluation"
        else:
            share = max(len(blocks) // _EVALUATED_SHARE, 1)
            advice = f"--eval-examples {share} would keep one in {len(blocks) // share}"
        raise CharBertError(
            f"{settings.data}: {len(blocks):,} blocks, of which --eval-examples {settings.eval_examples:,} "
            f"leaves none to train on; {advice}"
        )
    return count


def make_batches(
    settings: PretrainSettings,
    arguments: TrainingArguments,
    tokenizer: CharBertTokenizer,
    spelling: SpellingTable | None,
    first_step: int = 0,
    checkpoint: Path | None = None,
) -> tuple[TrainingBatches, DataLoader[Batch]]:
    """The batches of this process for training, after `first_step` steps, and for evaluation.

    Args:
        spelling: of the model; None where it has no character channel.

    Raises:
        CharBertError: too few blocks, text that cannot be read, a stream that goes on with another number of
            processes, or sharded processes that would not evaluate together.
    """
    bucketed = settings.torch_compile or arguments.device.type != "cpu"
    masking = _make_masking(settings, tokenizer, bucketed)
    make_collator = partial(PretrainingCollator, masking, spelling, bucketed=bucketed)
    blocks = open_blocks(settings.data, tokenizer, settings.max_length)
    first_held_out = 0 if settings.stream else count_training_blocks(blocks, settings)
    held_out = blocks.part(first_held_out, first_held_out + settings.eval_examples)
    position = TrainingPosition(
        arguments.process_index, arguments.world_size, settings.gradient_accumulation_steps, first_step
    )
    shares = [
        EvaluationSampler(len(held_out), settings.batch_size, rank=rank, world_size=position.world_size)
        for rank in range(position.world_size)
    ]
    if settings.fsdp and len({len(share) for share in shares}) > 1:
        raise CharBertError(
            f"{len(held_out)} blocks for evaluation give the {position.world_size} processes unequal "
            "batches, and with fsdp all compute together: choose eval_examples as a multiple of the processes"
        )
    constant = make_collator(NoiseSchedule.constant(settings.noise()), settings.seed + 1)
    evaluation = make_loader(PretrainingBatches(held_out, constant), shares[position.rank])
    collator = make_collator(settings.read_noise_schedule(), settings.seed)
    if settings.stream:
        return _streamed(settings, tokenizer, collator, position, checkpoint), evaluation
    order = TrainingSampler(first_held_out, settings.batch_size, seed=settings.seed, position=position)
    batches = PretrainingBatches(blocks.part(0, first_held_out), collator)
    training = make_loader(batches, order, settings.num_workers)
    return TrainingBatches(training, order.steps_per_epoch), evaluation


def _make_masking(settings: PretrainSettings, tokenizer: CharBertTokenizer, bucketed: bool) -> Masking:
    return Masking(
        tokenizer,
        tokenizer.words,
        MaskingSettings(
            settings.mlm_probability,
            settings.max_length,
            settings.label_unknown_words,
            pad_to_multiple_of=BUCKETED_LENGTH if bucketed else MaskingSettings.pad_to_multiple_of,
            clean=settings.aligned_words,
        ),
        read_misspellings(settings.misspellings) if settings.misspellings else None,
    )


def _streamed(
    settings: PretrainSettings,
    tokenizer: CharBertTokenizer,
    collator: PretrainingCollator,
    position: TrainingPosition,
    checkpoint: Path | None,
) -> TrainingBatches:
    # Streams alone need `datasets`, which takes a second to import.
    from datasets import concatenate_datasets

    from data.corpus.sources import stream_texts
    from pretrain.streaming import StreamedBatches, StreamState

    stream = {"processes": position.world_size}
    state = None
    if checkpoint is not None:
        state = StreamState(*_kept_state(_state_file(checkpoint, position.rank), stream))
    batches = StreamedBatches(
        concatenate_datasets([stream_texts(source) for source in settings.stream]),
        Packer(tokenizer, settings.block_size),
        collator,
        settings.batch_size,
        seed=settings.seed,
        position=position,
        state=state,
    )
    workers = min(settings.num_workers, 1)  # more would divide the stream once more
    return TrainingBatches(make_loader(batches, None, workers, STREAMED_AHEAD), stream=stream)


def _kept_state(path: Path, stream: dict[str, Any]) -> list[Any]:
    """The state that `TrainingBatches.save` wrote, of the same stream."""
    try:
        kept = json.loads(path.read_bytes())
        kept_stream, state = kept["stream"], kept["state"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CharBertError(
            f"{path}: missing or damaged; a stream goes on from a checkpoint of a run that streamed, with as "
            "many processes"
        ) from error
    for name, value in stream.items():
        if kept_stream.get(name) != value:
            there = kept_stream.get(name)
            raise CharBertError(f"{path}: the stream had {name}={there}, not {value}; go on with the same")
    return state


def make_loader(
    batches: Dataset[Batch], order: Sampler[Any] | None, workers: int = 0, ahead: int = 2
) -> DataLoader[Batch]:
    """A loader in which each of the workers makes as many batches as `ahead` before they are asked for."""
    return DataLoader(
        batches,
        batch_size=None,
        sampler=order,
        num_workers=workers,
        prefetch_factor=ahead if workers else None,
        pin_memory=torch.cuda.is_available(),
        # Else each pass draws a seed for its workers from the generator that dropout draws from.
        generator=torch.Generator(),
    )


def _state_file(checkpoint: Path, rank: int) -> Path:
    return checkpoint / f"stream-{rank}.json"
