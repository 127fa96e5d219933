"""What a task is: how its examples become inputs of a model, and the model's outputs predictions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from charbert.ragged import Array
from data.examples.rows import BadRows

Example = TypeVar("Example")
Prediction = TypeVar("Prediction")
Inputs = dict[str, Any]
Output = NDArray[np.floating[Any]]


class Encoded(NamedTuple):
    """Examples as a model takes them. A long one may make several rows, in order."""

    inputs: list[Inputs]
    """Of each row, not padded: what `tokenizer.pad` takes, and the labels if the examples have them."""
    notes: list[Any]
    """Of each row: what its task needs beside the output to decode it."""


class LabelReport(NamedTuple):
    """Scores of each label, and for a confusion matrix the label of each gold and each predicted item."""

    scores: dict[str, dict[str, float]]
    """By label: `precision`, `recall`, `f1`, `support`."""
    labels: list[str]
    """In the order to draw them in."""
    gold: list[str]
    """Empty where several labels hold at once, of which there is no such matrix."""
    predicted: list[str]


class Task(ABC, Generic[Example, Prediction]):
    """One kind of fine-tuning: the model's class, its labels, its inputs and outputs, its scores."""

    auto_class: Any
    """The Auto class of the models that solve it."""
    metric: str
    """The score by which checkpoints are compared; greater is better."""
    labels: tuple[str, ...] = ()
    """The classes of the model's outputs, in order; empty where they have no names."""
    max_length: int
    """Tokens of the longest row."""
    ending: str
    """Of files of predictions."""
    threshold: float = 0.0
    """What `tuned` searched, where a task has such a thing."""
    points: float = 100.0
    """The factor from `metric` to points from 0 to 100."""
    variant: str = ""
    """What distinguishes tasks of one name; models of different variants are not compared."""
    has_right_answers: bool = True
    """Whether a prediction is simply right or wrong, which a number is not."""
    has_classes: bool = False
    """Whether each text or word has exactly one of `labels`."""
    has_entities: bool = False
    """Whether `labels` mark entities over several words, in IOB."""

    @property
    def model_settings(self) -> dict[str, Any]:
        """What the configuration of the model has to say about the task."""
        if not self.labels:
            return {}
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: number for number, label in enumerate(self.labels)},
        }

    def usable(self, examples: Sequence[Example], bad: BadRows) -> list[Example]:
        """The examples without those that this task cannot take, which go to `bad`."""
        return list(examples)

    @abstractmethod
    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Rows of inputs; examples without labels give rows without."""

    @abstractmethod
    def decode(
        self, examples: Sequence[Example], encoded: Encoded, outputs: Sequence[Output]
    ) -> list[Prediction]:
        """A prediction for each example.

        Args:
            examples: N examples.
            encoded: what `encode` made of them, R rows.
            outputs: R arrays, the logits of each row: (C,) for a sequence, (L, C) for tokens, and
                (L, 2) for answers, start beside end.
        """

    @abstractmethod
    def score(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> dict[str, float]:
        """The task's measures on examples with labels, in the scale of the field's own script."""

    def tuned(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Self:
        """The task with what is searched on dev set so that these predictions score best."""
        return self

    def with_threshold(self, predictions: Sequence[Prediction]) -> list[Prediction]:
        """The predictions as they are under what was searched."""
        return list(predictions)

    @abstractmethod
    def is_correct(self, example: Example, prediction: Prediction) -> bool:
        """Whether a prediction is right as a whole; defined where `has_right_answers`."""

    @abstractmethod
    def show_gold(self, example: Example) -> str:
        """The right answer in a line."""

    @abstractmethod
    def show_prediction(self, example: Example, prediction: Prediction) -> str:
        """A prediction in a line."""

    @abstractmethod
    def losses(self, inputs: Inputs, output: Output) -> Array:
        """Negative log-likelihoods of what is right in a row, for an adversary to raise their mean.

        Args:
            inputs: the row, with labels.
            output: its logits, as of `decode`.

        Returns:
            (n,): of the class, of each of several labels, of each word, of an answer's start and end.
        """

    def report_labels(
        self, examples: Sequence[Example], predictions: Sequence[Prediction]
    ) -> LabelReport | None:
        """Scores of each label on examples with labels; None where a task has no labels."""
        return None

    @abstractmethod
    def records(
        self, examples: Sequence[Example], predictions: Sequence[Prediction]
    ) -> Iterator[dict[str, Any]]:
        """Each prediction with all that is known of it, as JSON takes it."""

    @abstractmethod
    def write(self, examples: Sequence[Example], predictions: Sequence[Prediction], path: Path) -> None:
        """Write predictions into a file, in the form that the field's own scorer reads."""
