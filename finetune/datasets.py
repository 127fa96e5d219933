"""Data sets of a run: training, dev (to choose the best checkpoint) and test examples."""

import logging
from collections.abc import Hashable, Sequence
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
    is_divided: bool = False
    """Whether dev is a share of the training data."""


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
    train = _join(list(found["train"].values()))
    given = vars(settings)
    task = make_task(settings.task, find_labels(settings.task, train, given), given)
    is_divided = not found["dev"]
    if is_divided:
        train, dev = _divide(train, settings.dev_fraction)
        found["dev"] = {"": dev}
    sets = Sets(
        task.usable(train, bad),
        _keep_usable(task, found["dev"], bad),
        _keep_usable(task, found["test"], bad),
        is_divided,
    )
    if bad:
        logger.warning("%s", bad.summary())
    for name, examples in (("training", {"": sets.train}), ("dev", sets.dev), ("test", sets.test)):
        if not all(examples.values()):
            raise CharBertError(f"{settings.task}: no {name} example is left")
    sizes = ", ".join(
        f"{len(examples)} {split}{'_' * bool(name)}{name}"
        for split, given in (("train", {"": sets.train}), ("dev", sets.dev), ("test", sets.test))
        for name, examples in given.items()
    )
    logger.info("examples as they are used: %s", sizes)
    return task, sets


def _join(parts: Sequence[list[Any]]) -> list[Any]:
    """The examples of several files. Where an id is in an earlier one, it gets the number of its file."""
    joined = list(parts[0])
    ids = {example.id for example in joined}
    for number, examples in enumerate(parts[1:], start=2):
        for example in examples:
            name = example.id
            while name in ids:
                name = f"{number}:{name}"
            ids.add(name)
            joined.append(example if name == example.id else example._replace(id=name))
    return joined


def _read_split(settings: FinetuneSettings, split: str, bad: BadRows) -> dict[str, list[Any]]:
    found = {}
    for name, source in find_sources(settings, split).items():
        labelled = split != "test" or has_labels(settings, source)
        examples = list(read_examples(settings, source, bad, labelled))
        kept = [example for example in examples if example.is_labelled]
        is_labelled = split != "test" or bool(kept)  # a test set without a single label is predicted
        if is_labelled:
            for example in examples:
                if not example.is_labelled:
                    bad.add(example.location, "has no label")
            examples = kept
        found[name] = examples
        without = "" if is_labelled else ", without labels: they are predicted, and not scored"
        logger.info("%-5s %7d examples of %s%s", split, len(examples), Path(source).name, without)
    return found


def _keep_usable(task: Task[Any, Any], sets: dict[str, list[Any]], bad: BadRows) -> dict[str, list[Any]]:
    return {name: task.usable(examples, bad) for name, examples in sets.items()}


def find_sources(settings: FinetuneSettings, split: str) -> dict[str, str]:
    """The data of a split by name: one, none, or (mnli) two; the first is called `""`.

    Of training data each file; the second and further ones by their numbers.

    Raises:
        CharBertError: the folder of the settings does not hold the file.
    """
    given = getattr(settings, split)
    if isinstance(given, list):
        return {str(number) if number else "": source for number, source in enumerate(given)}
    if given:
        return {"": given}
    if settings.data is None:
        return {}
    return find_reader(settings.task).files(Path(settings.data), split)


def _divide(examples: Sequence[Any], fraction: float) -> tuple[list[Any], list[Any]]:
    """The examples without a share of them, drawn at random, and that share.

    What examples have in common (a document, a context, a text) is on one side as far as the share allows:
    groups that fit are drawn, then smaller ones while half of the share is missing. Of groups that are all
    larger than the share, the smallest is taken.
    """
    share = max(1, round(fraction * len(examples)))
    levels = type(examples[0]).origins(examples, share) if examples else []
    drawn: set[int] = set()
    used: list[str] = []
    for name, origins in levels:
        if len(drawn) >= share / 2 and used:
            break
        groups = _group(origins)
        taken = _draw([group for group in groups if drawn.isdisjoint(group)], share - len(drawn))
        if not taken and (name, origins) == levels[-1]:
            smallest = min(groups, key=lambda group: len(group))
            taken = set(smallest) if len(groups) > 1 else _draw([[number] for number in smallest], share)
        drawn |= taken
        used += [name] * bool(taken)
    if levels:
        name, origins = levels[0]
        sides: tuple[set[Hashable], set[Hashable]] = set(), set()
        for number, keys in enumerate(origins):
            sides[number in drawn].update(keys)
        logger.info(
            "dev   %7d examples of the training data, divided by %s; of %d %s, %d are on both sides",
            *(len(drawn), " and ".join(used), len(sides[0] | sides[1]), name, len(sides[0] & sides[1])),
        )
    return (
        [example for number, example in enumerate(examples) if number not in drawn],
        [example for number, example in enumerate(examples) if number in drawn],
    )


def _draw(groups: Sequence[Sequence[int]], share: int) -> set[int]:
    """The members of groups, drawn at random, that together are no more than a share."""
    are_single = all(len(group) == 1 for group in groups)
    count = min(share, len(groups)) if are_single else len(groups)
    drawn: set[int] = set()
    for number in Random(_DEV_SEED).sample(range(len(groups)), count):
        if len(drawn) + len(groups[number]) <= share:
            drawn.update(groups[number])
    return drawn


def _group(origins: Sequence[Sequence[Hashable]]) -> list[list[int]]:
    """The numbers of the examples that have an origin in common, also over others; one without is alone."""
    ids: dict[Hashable, int] = {}
    above: list[int] = []  # of each origin one in the same group, itself at the top

    def find(number: int) -> int:
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    first = []
    for keys in origins:
        numbers = [ids.setdefault(key, len(ids)) for key in keys]
        above.extend(range(len(above), len(ids)))
        if not numbers:
            numbers = [ids.setdefault(object(), len(ids))]
            above.append(numbers[0])
        for number in numbers[1:]:
            above[find(number)] = find(numbers[0])
        first.append(numbers[0])
    groups: dict[int, list[int]] = {}
    for example, number in enumerate(first):
        groups.setdefault(find(number), []).append(example)
    return list(groups.values())
