"""Tasks without models, and examples and predictions of a line."""

from typing import Any

from data.examples.types import TaggedExample
from finetune.metrics.classification import Measures
from finetune.tasks.tags import TagPrediction, TagTask
from finetune.tasks.texts import TextTask

ENTITY_TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def no_scores(*_: Any) -> dict[str, float]:
    return {}


def tag_task(*labels: str) -> TagTask:
    return TagTask(labels=labels, measures=Measures(no_scores, "f1"), max_length=32)


def text_task(*labels: str, kind: str = "classification", metric: str = "accuracy") -> TextTask:
    return TextTask(labels=labels, kind=kind, measures=Measures(no_scores, metric), max_length=32)


def tagged(text: str, tags: str) -> TaggedExample:
    return TaggedExample("0", tuple(text.split(" ")), tuple(tags.split(" ")), 0, "file: row 1")


def tag_predictions(*sentences: str) -> list[TagPrediction]:
    return [TagPrediction("0", tuple(tags.split(" ")), ()) for tags in sentences]
