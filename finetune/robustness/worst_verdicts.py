"""What a fine-tuned model makes of examples: its prediction, whether that is right, and by how much."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from charbert.errors import CharBertError
from charbert.losses import IGNORED
from charbert.ragged import Array
from data.labelled.examples import QuestionExample, TaggedExample, TextExample
from finetune.batches import Padding, by_length
from finetune.inference import outputs_of
from finetune.metrics.squad import answer_words
from finetune.robustness.worst_search import Verdict
from finetune.tasks.answers import AnswerPrediction, AnswerTask
from finetune.tasks.base import Inputs, Output, Task
from finetune.tasks.tags import TagPrediction, TagTask
from finetune.tasks.texts import MULTI_LABEL, REGRESSION, TextPrediction, TextTask


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
        batch_size: int = 128,
        bf16: bool = False,
        reader: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
    ) -> None:
        self._measures = _measures_of(task)
        self._task = task
        self._model = model
        self._tokenizer = tokenizer
        self._padding = Padding(tokenizer)
        self._batch_size = batch_size
        self._bf16 = bf16
        self._reader = reader

    def __call__(self, examples: Sequence[Any]) -> list[Verdict]:
        """A verdict on each example; all have labels."""
        examples = examples if self._reader is None else self._reader(examples)
        encoded = self._task.encode(examples, self._tokenizer)
        outputs = self._outputs(encoded.inputs)
        predictions = self._task.decode(examples, encoded, outputs)
        losses: list[list[Array]] = [[] for _ in examples]
        for row, (inputs, note, output) in enumerate(
            zip(encoded.inputs, encoded.notes, outputs, strict=True)
        ):
            example = row if note is None else note.example
            losses[example].append(self._measures.losses(inputs, output.astype(np.float64)))
        return [
            Verdict(prediction, self._measures.is_right(example, prediction), _mean(of_rows))
            for example, prediction, of_rows in zip(examples, predictions, losses, strict=True)
        ]

    def _outputs(self, inputs: Sequence[Inputs]) -> list[Output]:
        found: dict[int, Output] = {}
        with torch.autocast(self._model.device.type, torch.bfloat16, enabled=self._bf16):
            # A batch a call: of many short calls none should show its own progress.
            for numbers in by_length(inputs, self._batch_size):
                rows = [inputs[number] for number in numbers]
                outputs = outputs_of(self._model, rows, self._padding, self._batch_size)
                found |= {number: outputs[row] for row, number in enumerate(numbers)}
        return [found[number] for number in range(len(inputs))]


class _Measures(NamedTuple):
    """How far a row of outputs is from what is right, and whether a prediction is right."""

    losses: Callable[[Inputs, Output], Array]
    is_right: Callable[[Any, Any], bool]


def _measures_of(task: Task[Any, Any]) -> _Measures:
    if isinstance(task, TagTask):
        return _Measures(_tag_losses, _has_right_tags)
    if isinstance(task, AnswerTask):
        return _Measures(_answer_losses, _is_right_answer)
    assert isinstance(task, TextTask)
    if task.kind == REGRESSION:
        raise CharBertError(
            "a predicted number is never simply right or wrong, so that no edit flips it; the search for the "
            "worst case takes classes, tags and answers"
        )
    return _Measures(_label_losses if task.kind == MULTI_LABEL else _class_losses, _has_right_label)


def _mean(losses: Sequence[Array]) -> float:
    values = np.concatenate(losses)
    return float(values.mean()) if len(values) else 0.0  # nothing that the tokenizer knows: nothing to lose


def _class_losses(inputs: Inputs, logits: Output) -> Array:
    return np.logaddexp.reduce(logits) - logits[[inputs["labels"]]]


def _label_losses(inputs: Inputs, logits: Output) -> Array:
    signs = 2 * np.asarray(inputs["labels"]) - 1
    return np.logaddexp(0.0, -signs * logits)


def _tag_losses(inputs: Inputs, logits: Output) -> Array:
    labels = np.asarray(inputs["labels"])
    tokens = np.flatnonzero(labels != IGNORED)
    return np.logaddexp.reduce(logits[tokens], axis=-1) - logits[tokens, labels[tokens]]


def _answer_losses(inputs: Inputs, logits: Output) -> Array:
    places = [inputs["start_positions"], inputs["end_positions"]]
    return np.logaddexp.reduce(logits, axis=0) - logits[places, [0, 1]]


def _has_right_label(example: TextExample, prediction: TextPrediction) -> bool:
    if isinstance(example.label, tuple) and isinstance(prediction.label, tuple):
        return set(example.label) == set(prediction.label)
    return example.label == prediction.label


def _has_right_tags(example: TaggedExample, prediction: TagPrediction) -> bool:
    return example.tags == prediction.tags


def _is_right_answer(example: QuestionExample, prediction: AnswerPrediction) -> bool:
    """Exact match, as SQuAD's scripts compare answers."""
    words = answer_words(prediction.text)
    return (
        words in [answer_words(answer.text) for answer in example.answers] if example.answers else not words
    )
