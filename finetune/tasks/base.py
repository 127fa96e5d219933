"""Base class of tasks: from examples to inputs of a model, from its outputs to predictions and scores."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from transformers import BatchEncoding

from charbert.errors import CharBertError
from charbert.ragged import Array
from charbert.tokenization import CharBertTokenizer
from data.examples import types
from data.examples.readers import Columns
from data.examples.rows import BadRows
from finetune.settings import ScoreSettings

Example = TypeVar("Example", bound=types.Example)
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
    """One kind of fine-tuning: the model's class, its labels, its inputs and outputs, its scores.

    Args:
        labels: the classes of the model's outputs, in order; empty where they have no names.
        max_length: tokens of the longest row.
        threshold: what `tune` found, where a task has such a thing.
    """

    SETTINGS: ClassVar[Mapping[str, str]] = {"max_length": "max_length"}
    """Arguments that settings decide -> the name of the setting."""
    auto_class: Any
    """The Auto class of the models that solve it."""
    metric: str
    """The score by which checkpoints are compared; greater is better."""
    ending: str
    """Of files of predictions."""
    points: float = 100.0
    """The factor from `metric` to points from 0 to 100."""
    variant: str = ""
    """What distinguishes tasks of one name; models of different variants are not compared."""
    has_right_answers: bool = True
    """Whether a prediction is simply right or wrong, which a number is not."""
    has_classes: bool = False
    """Whether each text or word has exactly one of `labels`."""
    has_threshold: bool = False
    """Whether predictions depend on `threshold`."""
    has_entities: bool = False
    """Whether `labels` mark entities over several words, in one of `SCHEMES`."""

    def __init__(
        self, *, labels: Sequence[str] = (), max_length: int = 128, threshold: float | None = None
    ) -> None:
        self.labels = tuple(labels)
        self.max_length = max_length
        self.threshold = threshold or 0.0
        self._ids = {label: number for number, label in enumerate(labels)}

    @classmethod
    def find_labels(cls, examples: Sequence[Any], **arguments: Any) -> list[str]:
        """The labels of examples, for a task with these arguments; none if it has no labels."""
        return []

    @classmethod
    @abstractmethod
    def score_file(cls, settings: ScoreSettings, bad: BadRows) -> dict[str, Any]:
        """Score anybody's predictions in a file, in the format of the field.

        A class whose entry in the registry has options takes these as arguments too.

        Args:
            settings: the files, and what is in them.
            bad: gets the rows that cannot be scored.

        Raises:
            CharBertError: a file cannot be read, or the files do not belong together.
        """

    @property
    def model_settings(self) -> dict[str, Any]:
        """Entries of the model's configuration for the task."""
        if not self.labels:
            return {}
        return {"id2label": dict(enumerate(self.labels)), "label2id": dict(self._ids)}

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
            encoded: what `encode` gave for them, R rows.
            outputs: R arrays, the logits of each row: (C,) for a sequence, (L, C) for tokens, and
                (L, 2) for answers, start beside end.
        """

    @abstractmethod
    def score(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> dict[str, Any]:
        """The task's measures on examples with labels, in the scale of the field's own script."""

    def tune(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Self:
        """The task with the threshold under which these predictions of the dev set score best."""
        return self

    def with_threshold(self, threshold: float) -> Self:
        """The task with another threshold."""
        task = copy(self)
        task.threshold = threshold
        return task

    def apply_threshold(self, predictions: Sequence[Prediction]) -> list[Prediction]:
        """The predictions as they are under `threshold`."""
        return list(predictions)

    @abstractmethod
    def is_correct(self, example: Example, prediction: Prediction) -> bool:
        """Whether a prediction is right as a whole; defined where `has_right_answers`."""

    def show_texts(self, example: Example) -> list[str]:
        """The texts of an example as a report shows them."""
        return example.texts

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

    def write_gold(self, examples: Sequence[Example], columns: Columns, path: Path) -> None:
        """Write what is right into a file that `score` reads; without effect where a task has no such form.

        Args:
            examples: with labels.
            columns: the task, and the columns of its data.
            path: of the file, without the ending of its name.
        """


def tokenize(
    tokenizer: Any, texts: Sequence[str], pairs: Sequence[str] | None = None, **settings: Any
) -> BatchEncoding:
    """A batch of texts or pairs, spelled too where the tokenizer can spell.

    Args:
        tokenizer: a fast tokenizer; a `CharBertTokenizer` adds `char_input_ids`, `start_ids`, `end_ids`.
        texts: at least one.
        pairs: the second text of each.
        settings: what else a tokenizer takes.
    """
    if isinstance(tokenizer, CharBertTokenizer):
        settings = {"return_spelling": True, **settings}
    return tokenizer(list(texts), None if pairs is None else list(pairs), **settings)


def split_rows(encoded: BatchEncoding) -> list[Inputs]:
    """The rows of a batch, each its values by column."""
    columns = list(encoded)
    return [dict(zip(columns, row, strict=True)) for row in zip(*encoded.values(), strict=True)]


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Each label once.

    Raises:
        CharBertError: there are fewer than two, or one that cannot be written into a file of predictions.
    """
    found = set(labels)
    broken = next((label for label in found if any(mark in label for mark in "\t\n\r")), None)
    if broken is not None:
        raise CharBertError(f"label {broken!r} holds a tab or a line break, and cannot be written; fix it")
    if len(found) < 2:
        only = f"no label but {found.pop()!r}" if found else "no labels"
        raise CharBertError(f"the training data has {only}, and two at least are needed")
    return sorted(found)
