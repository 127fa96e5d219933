"""Texts and pairs of texts: one class, a number, or several labels at once."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, softmax
from transformers import AutoModelForSequenceClassification

from charbert.ragged import Array
from data.examples.rows import BadRows
from data.examples.types import Label, TextExample
from finetune.encoding import rows_of, tokenized
from finetune.metrics.classification import scores_by_label, scores_by_label_of_sets
from finetune.tasks.base import Encoded, Inputs, LabelReport, Output, Task

CLASSIFICATION, REGRESSION, MULTI_LABEL = "classification", "regression", "multi_label"
PROBLEMS = {
    CLASSIFICATION: "single_label_classification",
    REGRESSION: "regression",
    MULTI_LABEL: "multi_label_classification",
}
_LEAST_PROBABILITY = 0.5  # of each of several labels
Scores = Callable[[Sequence[Any], Sequence[Any]], dict[str, float]]


class TextPrediction(NamedTuple):
    """What a text is taken for, and the probability of each class; a number has none."""

    id: str
    label: Label
    probabilities: dict[str, float]

    @property
    def value(self) -> Label:
        """What is predicted, as plain JSON."""
        return self.label


class TextTask(Task[TextExample, TextPrediction]):
    """Classification, regression, or several labels at once, of texts or pairs.

    Args:
        labels: the classes, in the order of the model's outputs; none for regression.
        kind: one of `PROBLEMS`.
        scores: right labels, predicted ones -> measures.
        metric: the one of these that checkpoints are compared by.
        max_length: tokens of a text or pair; what is more is cut off, the longer of a pair first.
        separator: what stands between several labels where they are written.
    """

    auto_class = AutoModelForSequenceClassification
    ending = ".tsv"

    def __init__(
        self,
        *,
        labels: Sequence[str],
        kind: str,
        scores: Scores,
        metric: str,
        max_length: int,
        separator: str = ",",
    ) -> None:
        self.labels = tuple(labels)
        self.kind = self.variant = kind
        self.has_right_answers = kind != REGRESSION
        self.has_classes = kind == CLASSIFICATION
        self.metric = metric
        self._scores = scores
        self.max_length = max_length
        self._separator = separator
        self._ids = {label: number for number, label in enumerate(labels)}

    @property
    def model_settings(self) -> dict[str, Any]:
        outputs = super().model_settings if self.labels else {"num_labels": 1}
        return {**outputs, "problem_type": PROBLEMS[self.kind]}

    def usable(self, examples: Sequence[TextExample], bad: BadRows) -> list[TextExample]:
        found = []
        for example in examples:
            unknown = [label for label in self._classes(example) if label not in self._ids]
            if unknown:
                bad.add(
                    example.location, f"label {unknown[0]!r} is not among those of training ({self._known})"
                )
            else:
                found.append(example)
        return found

    def encode(self, examples: Sequence[TextExample], tokenizer: Any) -> Encoded:
        if not examples:
            return Encoded([], [])
        pairs = None if examples[0].pair is None else [example.pair or "" for example in examples]
        settings = {"truncation": True, "max_length": self.max_length}
        encoded = tokenized(tokenizer, [example.text for example in examples], pairs, **settings)
        inputs = rows_of(encoded)
        for row, example in zip(inputs, examples, strict=True):
            if example.label is not None:
                row["labels"] = self._target(example)
        return Encoded(inputs, [None] * len(inputs))

    def decode(
        self, examples: Sequence[TextExample], encoded: Encoded, outputs: Sequence[Output]
    ) -> list[TextPrediction]:
        if not examples:
            return []
        logits = np.stack(outputs).astype(np.float64)
        if self.kind == REGRESSION:
            shares = logits
        else:
            shares = softmax(logits, axis=1) if self.kind == CLASSIFICATION else expit(logits)
        return [self._prediction(*pair) for pair in zip(examples, shares.tolist(), strict=True)]

    def score(
        self, examples: Sequence[TextExample], predictions: Sequence[TextPrediction]
    ) -> dict[str, float]:
        return self._scores(
            [example.label for example in examples], [prediction.label for prediction in predictions]
        )

    def is_correct(self, example: TextExample, prediction: TextPrediction) -> bool:
        """Several labels are right in any order."""
        if self.kind == MULTI_LABEL:
            return set(self._classes(example)) == set(self._classes(prediction))
        return example.label == prediction.label

    def show_gold(self, example: TextExample) -> str:
        return _show(example.label)

    def show_prediction(self, example: TextExample, prediction: TextPrediction) -> str:
        return _show(prediction.label)

    def losses(self, inputs: Inputs, output: Output) -> Array:
        if self.kind == MULTI_LABEL:
            signs = 2 * np.asarray(inputs["labels"]) - 1
            return np.logaddexp(0.0, -signs * output)
        return np.logaddexp.reduce(output) - output[[inputs["labels"]]]

    def report_labels(
        self, examples: Sequence[TextExample], predictions: Sequence[TextPrediction]
    ) -> LabelReport | None:
        if not self.labels:
            return None
        labels = list(self.labels)
        gold: list[Any] = [example.label for example in examples]
        predicted: list[Any] = [prediction.label for prediction in predictions]
        if self.kind == MULTI_LABEL:
            return LabelReport(scores_by_label_of_sets(gold, predicted, labels), labels, [], [])
        return LabelReport(scores_by_label(gold, predicted, labels), labels, gold, predicted)

    def records(
        self, examples: Sequence[TextExample], predictions: Sequence[TextPrediction]
    ) -> Iterator[dict[str, Any]]:
        for prediction in predictions:
            found = {"id": prediction.id, "prediction": prediction.label}
            yield found | ({"probabilities": prediction.probabilities} if self.labels else {})

    def write(
        self, examples: Sequence[TextExample], predictions: Sequence[TextPrediction], path: Path
    ) -> None:
        """As GLUE's server takes it: a table of `index` and `prediction`."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write("index\tprediction\n")
            for prediction in predictions:
                file.write(f"{prediction.id}\t{self._written(prediction.label)}\n")

    @property
    def _known(self) -> str:
        return ", ".join(self.labels[:10]) + (", ..." if len(self.labels) > 10 else "")

    def _classes(self, example: TextExample | TextPrediction) -> tuple[Any, ...]:
        if example.label is None or self.kind == REGRESSION:
            return ()
        return example.label if isinstance(example.label, tuple) else (example.label,)

    def _target(self, example: TextExample) -> Any:
        if self.kind == REGRESSION:
            return example.label
        ids = [self._ids[label] for label in self._classes(example)]
        if self.kind == CLASSIFICATION:
            return ids[0]
        return [float(number in ids) for number in range(len(self.labels))]

    def _prediction(self, example: TextExample, shares: list[float]) -> TextPrediction:
        """A prediction from the probabilities of the labels, or, of a regression, from the number alone."""
        if self.kind == REGRESSION:
            return TextPrediction(example.id, shares[0], {})
        by_label = dict(zip(self.labels, shares, strict=True))
        if self.kind == CLASSIFICATION:
            label: Label = max(by_label, key=by_label.__getitem__)
        else:
            label = tuple(name for name, share in by_label.items() if share >= _LEAST_PROBABILITY)
        return TextPrediction(example.id, label, by_label)

    def _written(self, label: Label) -> str:
        if isinstance(label, tuple):
            return self._separator.join(label)
        return str(label)


def _show(label: Label | None) -> str:
    if isinstance(label, tuple):
        return ", ".join(sorted(label)) or "(none)"
    return f"{label:.2f}" if isinstance(label, float) else str(label)
