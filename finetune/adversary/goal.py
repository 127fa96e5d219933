"""What a fine-tuned model makes of examples: its prediction, whether that is right, and by how much."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from charbert.errors import CharBertError
from charbert.ragged import Array
from finetune.adversary.search import Verdict
from finetune.inference import Predictor
from finetune.tasks.base import Task


class Judge:
    """A model that is asked about examples.

    The loss of an example is the mean negative logarithm of the probability of what is right: of its class,
    of each of its labels, of the tag of each word, of where its answer starts and ends.

    Args:
        task: what the model was trained for.
        model: in evaluation mode, on its device.
        tokenizer: the model's.
        batch_size: rows that it computes at once.
        bf16: compute in mixed precision.
        reader: makes of examples what the model reads in their place.

    Raises:
        CharBertError: the task is to predict a number, which is never simply right or wrong.
    """

    def __init__(
        self,
        task: Task[Any, Any],
        model: Any,
        tokenizer: Any,
        *,
        batch_size: int = 512,
        bf16: bool = False,
        reader: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
    ) -> None:
        if not task.has_right_answers:
            raise CharBertError(
                "a predicted number is never simply right or wrong, so that no edit flips it; the search for "
                "the worst case takes classes, tags and answers"
            )
        self._task = task
        self._predictor = Predictor(task, model, tokenizer, batch_size=batch_size, bf16=bf16, quiet=True)
        self._reader = reader

    def __call__(self, examples: Sequence[Any]) -> list[Verdict]:
        """A verdict on each example; all have labels."""
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
            Verdict(prediction, self._task.is_correct(example, prediction), _mean(of_rows))
            for example, prediction, of_rows in zip(examples, predictions, losses, strict=True)
        ]


def _mean(losses: Sequence[Array]) -> float:
    count = sum(map(len, losses))
    # Nothing that the tokenizer knows: nothing to lose.
    return float(sum(of_row.sum() for of_row in losses)) / count if count else 0.0
