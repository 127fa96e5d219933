"""What a task is: how its examples become inputs of a model, and the model's outputs predictions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

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


class Task(ABC, Generic[Example, Prediction]):
    """One kind of fine-tuning: the model's class, its labels, its inputs and outputs, its scores."""

    auto_class: Any
    """The Auto class of the models that solve it."""
    metric: str
    """The score by which checkpoints are compared; greater is better."""
    labels: tuple[str, ...] = ()
    """The classes of the model's outputs, in order; empty where they have no names."""

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

    @abstractmethod
    def write(self, examples: Sequence[Example], predictions: Sequence[Prediction], path: Path) -> None:
        """Write predictions into a file, in the form that the field's own scorer reads."""
