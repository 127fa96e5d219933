"""Goal function of an adversarial attack: make the model's prediction wrong (untargeted)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from charbert.errors import CharBertError
from charbert.ragged import Array
from finetune.inference import Predictor
from finetune.tasks.base import Task

Reader = Callable[[Sequence[Any]], Sequence[Any]]
"""Replaces examples before the model reads them, as a word recogniser does."""


class GoalResult(NamedTuple):
    """The model's prediction for an example, and how near it is to being wrong."""

    prediction: Any
    is_correct: bool
    loss: float
    """The mean negative log-likelihood of the gold answer: of its class, of each of its labels, of the tag of
    each word, of the start and end of the answer. An attack tries to raise it."""


class GoalFunction:
    """Scores attacked examples with a fine-tuned model; an attack has succeeded where `is_correct` is false.

    Args:
        task: what the model was trained for.
        model: in evaluation mode, on its device.
        tokenizer: the model's.
        batch_tokens: as of `Predictor`.
        bf16: compute in mixed precision.
        reader: reads before the model, and is attacked together with it.

    Raises:
        CharBertError: the task is to predict a number, which is never simply right or wrong.
    """

    def __init__(
        self,
        task: Task[Any, Any],
        model: Any,
        tokenizer: Any,
        *,
        batch_tokens: int = 0,
        bf16: bool = False,
        reader: Reader | None = None,
    ) -> None:
        if not task.has_right_answers:
            raise CharBertError(
                "a predicted number is never simply right or wrong, so that no edit flips it; the search for "
                "the worst case takes classes, tags and answers"
            )
        self._task = task
        self._predictor = Predictor(task, model, tokenizer, batch_tokens=batch_tokens, bf16=bf16, quiet=True)
        self._reader = reader

    def __call__(self, examples: Sequence[Any]) -> list[GoalResult]:
        """A result for each example; all have labels."""
        examples = examples if self._reader is None else self._reader(examples)
        encoded, outputs = self._predictor.outputs(examples)
        predictions = self._task.decode(examples, encoded, outputs)
        losses: list[list[Array]] = [[] for _ in examples]
        for row, (inputs, note, output) in enumerate(
            zip(encoded.inputs, encoded.notes, outputs, strict=True)
        ):
            example = row if note is None else note.example
            losses[example].append(self._task.losses(inputs, output.astype(np.float64)))
        return [
            GoalResult(prediction, self._task.is_correct(example, prediction), _mean(of_rows))
            for example, prediction, of_rows in zip(examples, predictions, losses, strict=True)
        ]


def _mean(losses: Sequence[Array]) -> float:
    """The mean over all rows of an example; 0 where none of its words became a token."""
    count = sum(map(len, losses))
    return float(sum(of_row.sum() for of_row in losses)) / count if count else 0.0
