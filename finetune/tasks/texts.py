"""Text classification, regression and multi-label classification, of texts or pairs of texts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import expit, softmax
from transformers import AutoModelForSequenceClassification

from charbert.ragged import Array
from data.examples.cells import dump_json, label_in, write_labels
from data.examples.own import TextTable
from data.examples.readers import Columns, find_reader, read_examples
from data.examples.rows import BadRows, RowError
from data.examples.types import Label, TextExample
from finetune.metrics import classification, prediction_files
from finetune.metrics.classification import TEXT_METRICS, Measures
from finetune.settings import ScoreSettings
from finetune.tasks import base
from finetune.tasks.base import Encoded, Inputs, LabelReport, Output, Task

CLASSIFICATION, REGRESSION, MULTI_LABEL = "classification", "regression", "multi_label"
PROBLEMS = {
    CLASSIFICATION: "single_label_classification",
    REGRESSION: "regression",
    MULTI_LABEL: "multi_label_classification",
}
_LEAST_PROBABILITY = 0.5  # of each of several labels, where no other threshold scores better


class TextPrediction(NamedTuple):
    """What a text is taken for, and the probability of each class; a number has none."""

    id: str
    label: Label
    probabilities: dict[str, float]

    @property
    def value(self) -> Label:
        """What is predicted, as plain JSON."""
        return self.label


Examples = Sequence[TextExample]
Predictions = Sequence[TextPrediction]


class TextTask(Task[TextExample, TextPrediction]):
    """Classification, regression, or several labels at once, of texts or pairs.

    Args:
        kind: one of `PROBLEMS`.
        measures: how predictions are scored; those of `TEXT_METRICS` for the kind when left out.
        separator: what separates several labels where they are written.
        label_column: the name of a number that is predicted.
        common: as of `Task`. Texts are cut off after `max_length` tokens, the longer of a pair first.
            `threshold` is the least probability of each of several labels.
    """

    auto_class = AutoModelForSequenceClassification
    ending = ".tsv"
    SETTINGS: ClassVar[Mapping[str, str]] = {
        **Task.SETTINGS,
        "kind": "label_kind",
        "separator": "separator",
        "label_column": "label_column",
    }

    def __init__(
        self,
        *,
        kind: str = CLASSIFICATION,
        measures: Measures | None = None,
        separator: str = ",",
        label_column: str = "label",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.kind = self.variant = kind
        self.has_right_answers = kind != REGRESSION
        self.has_classes = kind == CLASSIFICATION
        self._score_labels, self.metric = measures or TEXT_METRICS[kind]
        self._separator, self._label_column = separator, label_column
        self.has_threshold = kind == MULTI_LABEL
        if self.has_threshold and not self.threshold:  # as in what earlier versions saved
            self.threshold = _LEAST_PROBABILITY

    @classmethod
    def find_labels(cls, examples: Examples, *, kind: str = CLASSIFICATION, **arguments: Any) -> list[str]:
        if kind == REGRESSION:
            return []
        return base.sort_labels(label for example in examples for label in _each_label(example.label))

    @classmethod
    def score_file(
        cls,
        settings: ScoreSettings,
        bad: BadRows,
        *,
        kind: str | None = None,
        measures: Measures | None = None,
        label_column: str | None = None,
    ) -> dict[str, float]:
        """As `Task.score_file`: a table with a column `prediction`, or a prediction a line."""
        path, labels = Path(settings.predictions), find_reader(settings.task).labels
        kind = kind or settings.label_kind
        examples: list[Any] = list(read_examples(settings, settings.gold, bad))
        complete = not bad
        rows = prediction_files.align_rows(
            examples, prediction_files.read_label_rows(path, bad), path, complete=complete
        )
        gold, predicted = [], []
        for example, row in zip(examples, rows, strict=True):
            if not example.is_labelled:
                bad.add(example.location, prediction_files.NO_LABEL)
                continue
            try:
                found = label_in(row, prediction_files.PREDICTION, kind, settings.separator, labels)
            except RowError as error:
                bad.add(row.location, str(error))
            else:
                predicted.append(found)
                gold.append(example.label)
        prediction_files.require_examples(gold, settings.gold)
        return (measures or TEXT_METRICS[kind]).scores(gold, predicted)

    @property
    def model_settings(self) -> dict[str, Any]:
        name = self._label_column
        outputs = super().model_settings or {"id2label": {0: name}, "label2id": {name: 0}}
        return {**outputs, "problem_type": PROBLEMS[self.kind]}

    def usable(self, examples: Examples, bad: BadRows) -> list[TextExample]:
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

    def encode(self, examples: Examples, tokenizer: Any) -> Encoded:
        if not examples:
            return Encoded([], [])
        pairs = None if examples[0].pair is None else [example.pair or "" for example in examples]
        settings = {"truncation": True, "max_length": self.max_length}
        inputs = base.split_rows(
            base.tokenize(tokenizer, [example.text for example in examples], pairs, **settings)
        )
        for row, example in zip(inputs, examples, strict=True):
            if example.label is not None:
                row["labels"] = self._target(example)
        return Encoded(inputs, [None] * len(inputs))

    def decode(self, examples: Examples, encoded: Encoded, outputs: Sequence[Output]) -> list[TextPrediction]:
        if not examples:
            return []
        logits = np.stack(outputs).astype(np.float64)
        if self.kind == REGRESSION:
            shares = logits
        else:
            shares = softmax(logits, axis=1) if self.kind == CLASSIFICATION else expit(logits)
        return [self._prediction(*pair) for pair in zip(examples, shares.tolist(), strict=True)]

    def score(self, examples: Examples, predictions: Predictions) -> dict[str, Any]:
        return self._score_labels(
            [example.label for example in examples], [prediction.label for prediction in predictions]
        )

    def tune(self, examples: Examples, predictions: Predictions) -> "TextTask":
        """This task with the threshold that gives these predictions the best `f1_micro`, if it has one."""
        if self.kind != MULTI_LABEL:
            return self
        threshold = classification.best_threshold(
            [label in _each_label(example.label) for example in examples for label in self.labels],
            [each.probabilities[label] for each in predictions for label in self.labels],
            default=_LEAST_PROBABILITY,
        )
        return self.with_threshold(threshold)

    def apply_threshold(self, predictions: Predictions) -> list[TextPrediction]:
        if self.kind != MULTI_LABEL:
            return list(predictions)
        return [each._replace(label=self._likely(each.probabilities)) for each in predictions]

    def is_correct(self, example: TextExample, prediction: TextPrediction) -> bool:
        """Several labels are right in any order."""
        if self.kind == MULTI_LABEL:
            return set(_each_label(example.label)) == set(_each_label(prediction.label))
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

    def report_labels(self, examples: Examples, predictions: Predictions) -> LabelReport | None:
        if not self.labels:
            return None
        labels = list(self.labels)
        gold: list[Any] = [example.label for example in examples]
        predicted: list[Any] = [prediction.label for prediction in predictions]
        if self.kind == MULTI_LABEL:
            return LabelReport(
                classification.scores_by_label_of_sets(gold, predicted, labels), labels, [], []
            )
        return LabelReport(classification.scores_by_label(gold, predicted, labels), labels, gold, predicted)

    def records(self, examples: Examples, predictions: Predictions) -> Iterator[dict[str, Any]]:
        for prediction in predictions:
            found = {"id": prediction.id, "prediction": prediction.label}
            yield found | ({"probabilities": prediction.probabilities} if self.labels else {})

    def write(self, examples: Examples, predictions: Predictions, path: Path) -> None:
        """As GLUE's server takes it: a table of `index` and `prediction`."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write("index\tprediction\n")
            for prediction in predictions:
                file.write(f"{prediction.id}\t{self._written(prediction.label)}\n")

    def write_gold(self, examples: Examples, columns: Columns, path: Path) -> None:
        """As the task's own files are: of GLUE TSV, else JSON lines."""
        reader = find_reader(columns.task)
        table = reader if isinstance(reader, TextTable) else TextTable()
        names = {"id": table.id_column, **table.column_names(columns)}
        rows = [
            {column: getattr(example, field) for field, column in names.items() if column is not None}
            for example in examples
        ]
        if not table.official_files:
            lines = [dump_json(row) for row in rows]
        else:
            lines = ["\t".join(rows[0]), *("\t".join(map(str, row.values())) for row in rows)]
        path = path.with_suffix(".tsv" if table.official_files else ".jsonl")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")

    @property
    def _known(self) -> str:
        return ", ".join(self.labels[:10]) + (", ..." if len(self.labels) > 10 else "")

    def _classes(self, example: TextExample) -> tuple[Any, ...]:
        return () if self.kind == REGRESSION else _each_label(example.label)

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
            label = self._likely(by_label)
        return TextPrediction(example.id, label, by_label)

    def _likely(self, probabilities: Mapping[str, float]) -> tuple[str, ...]:
        return tuple(name for name, share in probabilities.items() if share >= self.threshold)

    def _written(self, label: Label) -> str:
        if isinstance(label, tuple):
            return write_labels(label, self._separator)
        return str(label)


def _each_label(label: Label | None) -> tuple[Any, ...]:
    if label is None:
        return ()
    return label if isinstance(label, tuple) else (label,)


def _show(label: Label | None) -> str:
    if isinstance(label, tuple):
        return ", ".join(sorted(label)) or "(none)"
    return f"{label:.2f}" if isinstance(label, float) else str(label)
