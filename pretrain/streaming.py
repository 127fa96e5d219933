"""Streaming: batches from text that is tokenised while it is read, for a corpus that does not fit on disk."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from datasets import IterableDataset
from datasets.distributed import split_dataset_by_node
from torch.utils.data import IterableDataset as TorchIterableDataset

from charbert.errors import CharBertError
from charbert.ragged import Array
from charbert.randomness import derive_keys, permute
from data.pretraining.blocks import Block, TokenBlocks, join_blocks
from data.pretraining.packing import Packer
from pretrain.collator import STREAM_STATE, Batch, PretrainingCollator
from pretrain.sampler import TrainingPosition

_CHARACTERS_AT_ONCE = 8_000_000


class StreamState(NamedTuple):
    """How far a process is: the epoch, the stream's state before the text in hand, the blocks used of that.

    As JSON, it is a list of these three.
    """

    epoch: int = 0
    stream: dict[str, Any] | None = None
    used: int = 0


class StreamedBatches(TorchIterableDataset[Batch]):
    """The batches of one of several processes, from a state on and without end.

    The text is read in its order, eight million characters at a time; their blocks are shuffled. Each batch
    carries, under `STREAM_STATE`, the state after it. An example depends on the seed, the epoch and its own
    clean tokens. For a `DataLoader` with `batch_size=None` and at most one worker.

    The processes share the text out by shards where their number divides that of the shards; else each reads
    all and keeps every n-th document. None waits for another: when its text ends, its next epoch begins.

    Args:
        stream: texts in a column `text`.
        packer: makes the blocks.
        maker: makes the batches.
        batch_size: examples of a batch.
        seed: of the order.
        position: rank of the process, and the step at which it begins.
        state: the state after the last step that is done.
    """

    def __init__(
        self,
        stream: IterableDataset,
        packer: Packer,
        maker: PretrainingCollator,
        batch_size: int,
        *,
        seed: int,
        position: TrainingPosition = TrainingPosition(),
        state: StreamState | None = None,
    ) -> None:
        super().__init__()
        self._stream = split_dataset_by_node(stream, position.rank, position.world_size)
        self._packer = packer
        self._maker = maker
        self._batch_size = batch_size
        self._seed = seed
        self._position = position
        self._state = state or StreamState()

    def __iter__(self) -> Iterator[Any]:
        number = self._position.first_batch
        waiting: list[tuple[Block, StreamState]] = []
        for block in self._blocks():
            waiting.append(block)
            if len(waiting) == self._batch_size:
                blocks = join_blocks([one for one, _ in waiting])
                epochs = np.array([state.epoch for _, state in waiting])
                step = number // self._position.batches_per_step
                batch = self._maker(blocks, epochs, _content_keys(blocks), step)
                yield {**batch, STREAM_STATE: waiting[-1][1]}
                number += 1
                waiting.clear()

    def _blocks(self) -> Iterator[tuple[Block, StreamState]]:
        """The blocks one by one, each with the state after it."""
        used = self._state.used
        current, has_text = self._state.epoch, self._state.stream is not None
        for epoch, before, texts in self._texts():
            blocks = self._packer.blocks(texts)
            if epoch != current and not has_text:
                raise CharBertError("the stream has no text for one of the processes: give more text")
            current, has_text = epoch, bool(blocks) or (has_text and epoch == current)
            order = permute(np.arange(len(blocks)), len(blocks), derive_keys(self._seed, epoch))
            for position in range(used, len(blocks)):
                yield blocks[order[position]], StreamState(epoch, before, position + 1)
            used = 0

    def _texts(self) -> Iterator[tuple[int, dict[str, Any] | None, list[str]]]:
        """Texts of eight million characters at a time, their epoch and the stream's state before them."""
        epoch, before = self._state.epoch, self._state.stream
        while True:
            stream = deepcopy(self._stream)
            if before is not None:
                stream.load_state_dict(before)
            texts: list[str] = []
            characters = 0
            for row in stream:
                texts.append(row["text"] or "")
                characters += len(texts[-1])
                if characters >= _CHARACTERS_AT_ONCE:
                    yield epoch, before, texts
                    before, texts, characters = stream.state_dict(), [], 0
            yield epoch, before, texts
            epoch, before = epoch + 1, None


def _content_keys(blocks: TokenBlocks) -> Array:
    """(B,) a number for each block, made of its tokens and their positions.

    `reduceat` sums the keys of each block: of blocks [7 8 9] and [5], firsts is [0 3 4], positions [0 1 2 0].
    """
    firsts = blocks.word_offsets[blocks.row_offsets]
    positions = np.arange(len(blocks.token_ids)) - np.repeat(firsts[:-1], np.diff(firsts))
    return np.add.reduceat(derive_keys(blocks.token_ids, positions), firsts[:-1])
