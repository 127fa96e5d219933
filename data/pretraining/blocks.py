"""Dataset of token blocks: Arrow files that are memory-mapped, so that processes share them."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from transformers import PreTrainedTokenizerFast

from charbert.errors import CharBertError
from charbert.ragged import Array, Ragged, cumulative_offsets
from data.corpus.jobs import job_settings, unfinished_jobs

logger = logging.getLogger(__name__)
BLOCK_FILES = "blocks-*.arrow"
_LARGEST_SMALL_ID = 1 << 16


class Block(NamedTuple):
    """One block: its token ids, and the positions in it where words begin."""

    token_ids: Array
    word_starts: Array


class TokenBlocks(NamedTuple):
    """Blocks of words of tokens: block i is words `row_offsets[i]` to `row_offsets[i + 1]`, word j is
    `token_ids[word_offsets[j] : word_offsets[j + 1]]`."""

    token_ids: Array
    word_offsets: Array
    row_offsets: Array


class Blocks:
    """The blocks of a folder, by number.

    Args:
        folder: what `python -m data tokenize` wrote.
        start, stop: the part to take, as in a slice.

    Raises:
        CharBertError: the folder holds no blocks, or a file of them is damaged.
    """

    def __init__(self, folder: str | Path, start: int = 0, stop: int | None = None) -> None:
        self.folder = Path(folder)
        self._tokens: list[Ragged] = []
        self._word_starts: list[Ragged] = []
        for path in sorted(self.folder.glob(BLOCK_FILES)):
            for batch in _batches(path):
                self._tokens.append(_ragged(batch.column("input_ids")))
                self._word_starts.append(_ragged(batch.column("word_starts")))
        self._first_rows = cumulative_offsets([len(tokens.offsets) - 1 for tokens in self._tokens])
        rows = int(self._first_rows[-1])
        if not rows:
            raise CharBertError(f"{folder}: no blocks there; `python -m data tokenize` makes some")
        self._start, self._stop, _ = slice(start, stop).indices(rows)

    def __len__(self) -> int:
        return max(self._stop - self._start, 0)

    def __reduce__(self) -> tuple[type["Blocks"], tuple[Any, ...]]:
        # Another process opens the files itself: what they hold is never copied.
        return Blocks, (self.folder, self._start, self._stop)

    def part(self, start: int, stop: int) -> "Blocks":
        """These blocks alone, as in a slice."""
        start, stop, _ = slice(start, stop).indices(len(self))
        return Blocks(self.folder, self._start + start, self._start + stop)

    def take(self, indices: Sequence[int] | Array) -> TokenBlocks:
        """The blocks of these numbers, each from 0 to below `len`."""
        rows = np.asarray(indices, np.int64) + self._start
        files = np.searchsorted(self._first_rows, rows, side="right") - 1
        return join_blocks(
            [
                Block(_row(self._tokens[file], row), _row(self._word_starts[file], row))
                for file, row in zip(files.tolist(), (rows - self._first_rows[files]).tolist(), strict=True)
            ]
        )


def fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """Identity of a tokenizer: a hash of all that decides its tokens."""
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content |= {"truncation": None, "padding": None}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def open_blocks(folder: str | Path, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Blocks:
    """The blocks of a folder, checked to be this tokenizer's.

    Raises:
        CharBertError: they are another tokenizer's, the command that makes them was stopped, or as `Blocks`.
    """
    blocks = Blocks(folder)
    settings = job_settings(blocks.folder)
    if unfinished_jobs(blocks.folder):
        raise CharBertError(
            f"{folder}: is unfinished: give the `python -m data tokenize` that makes it again"
        )
    if settings.get("tokenizer") not in (None, fingerprint(tokenizer)):
        raise CharBertError(f"{folder}: holds tokens of another tokenizer than {tokenizer.name_or_path}")
    if settings.get("block_size", 0) > max_length:
        logger.warning(
            "%s: blocks of %d tokens are cut to max_length=%d; make shorter ones with --block-size",
            *(folder, settings["block_size"], max_length),
        )
    return blocks


def join_blocks(blocks: Sequence[Block]) -> TokenBlocks:
    """Blocks that were given one by one."""
    none = np.zeros(0, np.int64)
    token_offsets = cumulative_offsets([len(block.token_ids) for block in blocks])
    words = [len(block.word_starts) for block in blocks]
    word_starts = np.concatenate([none, *(block.word_starts for block in blocks)])
    word_offsets = np.append(word_starts + np.repeat(token_offsets[:-1], words), token_offsets[-1])
    tokens = np.concatenate([none, *(block.token_ids for block in blocks)])
    return TokenBlocks(tokens, word_offsets, cumulative_offsets(words))


def make_table(blocks: TokenBlocks, vocabulary_size: int) -> pa.Table:
    """The rows of a file of blocks."""
    id_type = np.uint16 if vocabulary_size <= _LARGEST_SMALL_ID else np.int32
    token_offsets = blocks.word_offsets[blocks.row_offsets]
    word_starts = blocks.word_offsets[:-1] - np.repeat(token_offsets[:-1], np.diff(blocks.row_offsets))
    return pa.table(
        {
            "input_ids": _list_array(blocks.token_ids.astype(id_type), token_offsets),
            "word_starts": _list_array(word_starts.astype(np.uint16), blocks.row_offsets),
        }
    )


def _list_array(values: Array, offsets: Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))


def _batches(path: Path) -> list[pa.RecordBatch]:
    try:
        batches = pa.ipc.open_stream(pa.memory_map(str(path))).read_all().to_batches()
    except (pa.ArrowException, OSError) as error:
        raise CharBertError(f"{path}: is damaged or no file of blocks ({error})") from error
    for name in ("input_ids", "word_starts"):
        if batches and not (
            name in batches[0].schema.names and pa.types.is_list(batches[0].column(name).type)
        ):
            raise CharBertError(f"{path}: has no column {name!r}: `python -m data tokenize` makes such files")
    return batches


def _ragged(column: pa.ListArray) -> Ragged:
    return Ragged(column.values.to_numpy(), column.offsets.to_numpy())


def _row(rows: Ragged, index: int) -> Array:
    return rows.values[rows.offsets[index] : rows.offsets[index + 1]]
