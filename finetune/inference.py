"""Inference: logits of a model for rows of inputs, and predictions for examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from charbert.commands.devices import copied
from charbert.commands.progress import progress_bar
from charbert.errors import CharBertError
from finetune.batches import Padding, batch_by_length
from finetune.settings import CPU_TOKENS, GPU_TOKENS
from finetune.tasks.base import Encoded, Inputs, Output, Task

TARGETS = ("labels", "start_positions", "end_positions")


@dataclass(frozen=True)
class Predictor:
    """A fine-tuned model that makes predictions."""

    task: Task[Any, Any]
    """What it was trained for."""
    model: Any
    """In evaluation mode, on its device."""
    tokenizer: Any
    batch_tokens: int = 0
    """Tokens that it computes at once, padding included; 0: `default_tokens`."""
    bf16: bool = False
    """Mixed precision, as the run was evaluated, so that a threshold that was tuned means the same."""
    quiet: bool = False
    """Show no progress, as of many short calls."""

    def __call__(self, examples: Sequence[Any]) -> list[Any]:
        """A prediction for each example; its label is not looked at, and need not be known to the task."""
        examples = [example.without_label() for example in examples]
        return self.task.decode(examples, *self.outputs(examples))

    def outputs(self, examples: Sequence[Any]) -> tuple[Encoded, list[Output]]:
        """The rows of the examples, and the logits of each."""
        encoded = self.task.encode(examples, self.tokenizer)
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.bf16):
            found = compute_outputs(
                self.model, encoded.inputs, Padding(self.tokenizer), self.batch_tokens, quiet=self.quiet
            )
        return encoded, [found[row] for row in range(len(encoded.inputs))]


def compute_outputs(
    model: Any,
    inputs: Sequence[Inputs],
    padding: Padding,
    batch_tokens: int = 0,
    batch_size: int | None = None,
    shares: tuple[int, int] = (0, 1),
    quiet: bool = False,
) -> dict[int, Output]:
    """The logits of rows by their numbers, without padding: (C,), or (L, C) of tokens, (L, 2) of answers.

    Args:
        model: in evaluation mode, on its device; autocast is the caller's.
        inputs: R rows; what they should give is not looked at.
        padding: makes batches of them.
        batch_tokens, batch_size: as of `batch_by_length`; 0 tokens: `default_tokens`.
        shares: which share of the batches to compute, and of how many.
        quiet: show no progress.

    Raises:
        CharBertError: a logit is not finite.
    """
    share, of_all = shares
    tokens = batch_tokens or default_tokens(model.device)
    batches = list(batch_by_length(inputs, tokens, batch_size))[share::of_all]
    found: dict[int, Output] = {}
    with torch.inference_mode():
        hidden = quiet or len(batches) < 2
        for numbers in progress_bar(batches, desc="evaluating", leave=False, disable=hidden):
            rows = [
                {name: value for name, value in inputs[number].items() if name not in TARGETS}
                for number in numbers
            ]
            batch = copied(padding(rows), model.device)
            for number, row, output in zip(numbers, rows, _logits(model(**batch)), strict=True):
                found[number] = output[: len(row["input_ids"])] if output.ndim == 2 else output
                if not np.isfinite(found[number]).all():
                    raise CharBertError(
                        f"{model.name_or_path or 'the model'}: gives scores that are not finite, as where a "
                        "training has diverged or weights are damaged; train it anew at a lower rate"
                    )
    return found


def default_tokens(device: torch.device) -> int:
    """Tokens of a batch: few on a CPU, whose caches larger ones do not fit into."""
    return CPU_TOKENS if device.type == "cpu" else GPU_TOKENS


def _logits(made: Any) -> Output:
    if "start_logits" in made:
        logits = torch.stack([made["start_logits"], made["end_logits"]], dim=-1)
    else:
        logits = made["logits"]
    return np.asarray(logits.float().cpu())
