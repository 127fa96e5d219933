"""The tasks by name: where their data stands, and the task that is made of it."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from charbert.errors import CharBertError
from data.examples import readers as reading
from data.examples.glue import GLUE, split_files
from data.examples.readers import ANSWERS, OWN, TAGS, Columns
from data.examples.rows import BadRows
from finetune.metrics import classification
from finetune.metrics.classification import Measures
from finetune.metrics.tagging import entity_scores, has_entities, seqeval_metrics, tag_scores
from finetune.settings import FinetuneSettings
from finetune.tasks.answers import AnswerTask
from finetune.tasks.base import Task
from finetune.tasks.tags import TagTask
from finetune.tasks.texts import CLASSIFICATION, REGRESSION, TextTask

SPLITS = ("train", "dev", "test")
# Under these names, or with these endings, the official files stand in the folder `data`.
FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "ner": {
        "train": ("eng.train", "train.txt", "train.conll"),
        "dev": ("eng.testa", "valid.txt", "dev.txt", "dev.conll"),
        "test": ("eng.testb", "test.txt", "test.conll"),
    },
    "pos": {split: (f"*{split}.conllu", f"{split}.txt", f"{split}.conll") for split in SPLITS},
    "squad": {"train": ("train-v1.1.json",), "dev": ("dev-v1.1.json",)},
    "squad2": {"train": ("train-v2.0.json",), "dev": ("dev-v2.0.json",)},
}
# The names that GLUE's server knows files of predictions by.
SUBMISSIONS = {
    "cola": {"": "CoLA"},
    "sst2": {"": "SST-2"},
    "mrpc": {"": "MRPC"},
    "qqp": {"": "QQP"},
    "stsb": {"": "STS-B"},
    "mnli": {"": "MNLI-m", "mismatched": "MNLI-mm"},
    "qnli": {"": "QNLI"},
    "rte": {"": "RTE"},
    "wnli": {"": "WNLI"},
}
FIRST = "matched"  # of the two sets of MNLI
TASKS = reading.TASKS
LENGTH, ANSWER_LENGTH = 128, 384
_ENTITIES, _WORDS = Measures(entity_scores, "f1"), Measures(tag_scores, "accuracy")


def sources(settings: FinetuneSettings, split: str) -> dict[str, str]:
    """The data of a split by name: one, none, or (mnli) two; the first is called `""`.

    Raises:
        CharBertError: the folder of the settings does not hold the file.
    """
    given = getattr(settings, split)
    if given:
        return {"": given}
    if settings.data is None:
        return {}
    folder = Path(settings.data)
    if settings.task in OWN:
        raise CharBertError(
            f"{settings.task} is data of your own: name its files with --train, --dev, --test"
        )
    if settings.task in GLUE:
        files = split_files(settings.task, folder, split)
        return {("" if name == FIRST else name): str(path) for name, path in files}
    patterns = FILES[settings.task].get(split, ())
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    if found:
        return {"": str(found[0])}
    if split == "test" or not patterns:
        return {}
    raise CharBertError(f"{folder}: has no {' or '.join(patterns)}; name the file with --{split}")


def read(settings: FinetuneSettings, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Any]:
    """The examples of a source, in order.

    Args:
        labelled: read the columns of labels in data of one's own; files in an official form tell themselves.

    Raises:
        CharBertError: it cannot be read.
    """
    return reading.read(_columns(settings), source, bad, labelled)


def has_labels(settings: FinetuneSettings, source: str) -> bool:
    """Whether data of one's own has the column of labels; files in an official form tell by themselves."""
    return reading.has_labels(_columns(settings), source)


def _columns(settings: FinetuneSettings) -> Columns:
    return Columns(**{field.name: getattr(settings, field.name) for field in fields(Columns)})


def labels_of(settings: FinetuneSettings, examples: Sequence[Any]) -> list[str]:
    """The classes of a task: its own, or those that stand in the training data, sorted.

    Raises:
        CharBertError: there are fewer than two.
    """
    if settings.task in ANSWERS or (settings.task == "text" and settings.label_kind == REGRESSION):
        return []
    if settings.task in GLUE:
        return list(GLUE[settings.task].labels)
    found: set[str] = set()
    for example in examples:
        given = example.tags if settings.task in TAGS else example.label
        found.update(given if isinstance(given, tuple) else [given])
    broken = next((label for label in found if any(mark in label for mark in "\t\n\r")), None)
    if broken is not None:
        raise CharBertError(f"label {broken!r} holds a tab or a line break, and cannot be written; mend it")
    if len(found) < 2:
        raise CharBertError(f"the training data knows {len(found)} labels, and two at least are needed")
    return sorted(found)


def task_of(
    settings: FinetuneSettings, labels: Sequence[str], threshold: float | None = None
) -> Task[Any, Any]:
    """The task of the settings with these classes, and what was searched on dev."""
    max_length = settings.max_length or (ANSWER_LENGTH if settings.task in ANSWERS else LENGTH)
    if settings.task in ANSWERS:
        return AnswerTask(
            max_length=max_length,
            stride=settings.stride,
            max_answer_length=settings.max_answer_length,
            n_best=settings.n_best,
            unanswerable=settings.task == "squad2" or (settings.task == "qa" and settings.unanswerable),
            threshold=threshold,
        )
    if settings.task in TAGS:
        measures = _ENTITIES if has_entities(labels) else _WORDS
        if settings.task == "ner" and measures is _WORDS:
            raise CharBertError(
                "ner: tags must be O, B-... and I-...; for others, such as E- and S-, give --task tagging"
            )
        if measures is _ENTITIES:
            seqeval_metrics()  # so that it is missed before training, not after
        return TagTask(labels=labels, max_length=max_length, **measures._asdict())
    if settings.task == "text":
        kind, measures = settings.label_kind, classification.TEXT_METRICS[settings.label_kind]
    else:
        kind, measures = CLASSIFICATION if labels else REGRESSION, classification.GLUE_METRICS[settings.task]
    return TextTask(
        labels=labels,
        kind=kind,
        max_length=max_length,
        separator=settings.separator,
        **measures._asdict(),
    )
