"""Batches: rows of inputs padded to the longest (the collator), and batches of similar length."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from charbert.losses import IGNORED
from charbert.ragged import round_up
from charbert.spelling import BLANK_ID
from finetune.tasks.base import Inputs

Batch = dict[str, torch.Tensor]
CHARACTERS = "char_input_ids"
# Of compiled models: few shapes, and even ones.
COMPILED_TOKENS, COMPILED_CHARACTERS = 32, 256


class Rows(Dataset[Inputs]):
    """Encoded rows for a Trainer, in arrays, which take a quarter of a list's memory."""

    def __init__(self, inputs: Sequence[Inputs]) -> None:
        self._rows = [{name: _compact(value) for name, value in row.items()} for row in inputs]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Inputs:
        return self._rows[index]


class Padding:
    """Makes a batch of rows: tokens (B, L) and characters (B, T), each as long as the longest.

    Args:
        tokenizer: gives the ids of padding.
        bucketed: round both lengths up, for a compiler that compiles anew for new shapes.
    """

    def __init__(self, tokenizer: Any, bucketed: bool = False) -> None:
        self._fill = {
            "input_ids": tokenizer.pad_token_id,
            "token_type_ids": tokenizer.pad_token_type_id,
            "labels": IGNORED,
            CHARACTERS: BLANK_ID,
        }
        self._bucketed = bucketed

    def __call__(self, rows: Sequence[Inputs]) -> Batch:
        return {name: self._column(name, [row[name] for row in rows]) for name in rows[0]}

    def _column(self, name: str, values: Sequence[Any]) -> torch.Tensor:
        if np.ndim(values[0]) == 0:
            return torch.tensor(values)
        tensors = [torch.as_tensor(np.asarray(value)) for value in values]
        if tensors[0].is_floating_point():
            return torch.stack(tensors)  # several labels at once, as many in each row
        fill = self._fill.get(name, 0)
        padded = pad_sequence([tensor.long() for tensor in tensors], batch_first=True, padding_value=fill)
        if not self._bucketed:
            return padded
        multiple = COMPILED_CHARACTERS if name == CHARACTERS else COMPILED_TOKENS
        return F.pad(padded, (0, round_up(padded.shape[1], multiple) - padded.shape[1]), value=fill)


def batch_by_length(
    inputs: Sequence[Inputs], batch_tokens: int, batch_size: int | None = None
) -> Iterator[list[int]]:
    """The numbers of the rows of each batch, the longest rows first.

    No row of a batch has less than half of the tokens of its longest, so that padding is the smaller part.

    Args:
        inputs: R rows.
        batch_tokens: of a batch at most, padding included; a longer row is one alone.
        batch_size: rows of a batch at most; None: as many as fit.
    """

    def sizes(number: int) -> tuple[int, int]:
        row = inputs[number]
        return len(row["input_ids"]), len(row.get(CHARACTERS, ()))

    batch: list[int] = []
    longest = 0
    for number in sorted(range(len(inputs)), key=sizes, reverse=True):
        tokens = len(inputs[number]["input_ids"])
        is_full = len(batch) == batch_size or (len(batch) + 1) * longest > batch_tokens
        if batch and (is_full or 2 * tokens < longest):
            yield batch
            batch = []
        if not batch:
            longest = tokens
        batch.append(number)
    if batch:
        yield batch


def mark_dynamic(batch: Batch) -> None:
    """Mark all sizes of a batch as dynamic, so that one compilation serves all batches."""
    for tensor in batch.values():
        torch._dynamo.maybe_mark_dynamic(tensor, list(range(tensor.ndim)))


def _compact(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return np.array(value, dtype=np.float32 if isinstance(value[0], float) else np.int32)
