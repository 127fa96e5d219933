"""Data sets of a run: training, dev (to choose the best checkpoint) and test examples."""

import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from charbert.errors import CharBertError
from data.examples.readers import find_reader, has_labels, read_examples
from data.examples.rows import BadRows
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import find_labels, find_task, make_task

SPLITS = ("train", "dev", "test")
logger = logging.getLogger(__name__)
_DEV_SEED = 0  # the same part for all seeds of a run, and for all models


class Sets(NamedTuple):
    """Examples by what they are for; dev and test by name, of which `""` is the first."""

    train: list[Any]
    dev: dict[str, list[Any]]
    test: dict[str, list[Any]]


def read_sets(settings: FinetuneSettings) -> tuple[Task[Any, Any], Sets]:
    """The examples that the settings name, and their task.

    Raises:
        CharBertError: data is missing, or a row of it cannot be used and is not to be skipped.
    """
    find_task(settings.task)
    bad = BadRows(settings.skip_bad_rows)
    found = {split: _read_split(settings, split, bad) for split in SPLITS}
    if not found["train"]:
        raise CharBertError(f"{settings.task}: nothing to train on; give --train FILE, or --data FOLDER")
    (train,) = found["train"].values()
    given = vars(settings)
    task = make_task(settings.task, find_labels(settings.task, train, given), given)
    if not found["dev"]:
        train, dev = _divide(train, settings.dev_fraction)
        found["dev"] = {"": dev}
    sets = Sets(
        task.usable(train, bad), _keep_usable(task, found["dev"], bad), _keep_usable(task, found["test"], bad)
    )
    if bad:
        logger.warning("%s", bad.summary())
    for name, examples in (("training", {"": sets.train}), ("dev", sets.dev), ("test", sets.test)):
        if not all(examples.values()):
            raise CharBertError(f"{settings.task}: no {name} example is left")
    return task, sets


def _read_split(settings: FinetuneSettings, split: str, bad: BadRows) -> dict[str, list[Any]]:
    found = {}
    for name, source in find_sources(settings, split).items():
        labelled = split != "test" or has_labels(settings, source)
        examples = list(read_examples(settings, source, bad, labelled))
        if split != "test":
            unlabelled = [example for example in examples if not example.is_labelled]
            for example in unlabelled:
                bad.add(example.location, "has no label")
            examples = [example for example in examples if example.is_labelled]
        found[name] = examples
        logger.info("%-5s %7d examples of %s", split, len(examples), Path(source).name)
    return found


def _keep_usable(task: Task[Any, Any], sets: dict[str, list[Any]], bad: BadRows) -> dict[str, list[Any]]:
    return {name: task.usable(examples, bad) for name, examples in sets.items()}


def find_sources(settings: FinetuneSettings, split: str) -> dict[str, str]:
    """The data of a split by name: one, none, or (mnli) two; the first is called `""`.

    Raises:
        CharBertError: the folder of the settings does not hold the file.
    """
    given = getattr(settings, split)
    if given:
        return {"": given}
    if settings.data is None:
        return {}
    return find_reader(settings.task).files(Path(settings.data), split)


def _divide(examples: Sequence[Any], fraction: float) -> tuple[list[Any], list[Any]]:
    """The examples without a share of them, drawn at random, and that share."""
    kept = max(1, round(fraction * len(examples)))
    drawn = set(Random(_DEV_SEED).sample(range(len(examples)), min(kept, len(examples))))
    return (
        [example for number, example in enumerate(examples) if number not in drawn],
        [example for number, example in enumerate(examples) if number in drawn],
    )
