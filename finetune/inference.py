"""What a model gives for rows of inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from charbert.training import copied
from data.commands import progress_bar
from finetune.batches import Padding, by_length
from finetune.tasks.base import Inputs, Output

TARGETS = ("labels", "start_positions", "end_positions")


def outputs_of(
    model: Any, inputs: Sequence[Inputs], padding: Padding, batch_size: int, shares: tuple[int, int] = (0, 1)
) -> dict[int, Output]:
    """The logits of rows by their numbers, without padding: (C,), or (L, C) of tokens, (L, 2) of answers.

    Args:
        model: in evaluation mode, on its device; autocast is the caller's.
        inputs: R rows; what they should give is not looked at.
        padding: makes batches of them.
        batch_size: rows of a batch.
        shares: which share of the batches to compute, and of how many.
    """
    share, of_all = shares
    batches = list(by_length(inputs, batch_size))[share::of_all]
    found: dict[int, Output] = {}
    with torch.inference_mode():
        for numbers in progress_bar(batches, desc="evaluating", leave=False, disable=len(batches) < 2):
            rows = [
                {name: value for name, value in inputs[number].items() if name not in TARGETS}
                for number in numbers
            ]
            batch = copied(padding(rows), model.device)
            for number, row, output in zip(numbers, rows, _logits(model(**batch)), strict=True):
                found[number] = output[: len(row["input_ids"])] if output.ndim == 2 else output
    return found


def _logits(made: Any) -> Output:
    if "start_logits" in made:
        logits = torch.stack([made.start_logits, made.end_logits], dim=-1)
    else:
        logits = made.logits
    return np.asarray(logits.float().cpu())
