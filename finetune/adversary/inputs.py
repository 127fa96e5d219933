"""What a search for worst cases is given: the task of a model that no run here has made, and examples."""

import argparse
from collections.abc import Sequence
from random import Random
from typing import Any

from transformers import PreTrainedConfig

from charbert.checkpoints import read_config
from charbert.errors import CharBertError
from data.examples.readers import read_examples
from data.examples.rows import BadRows
from finetune.metrics.predictions import NO_LABEL
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import make_task
from finetune.tasks.texts import CLASSIFICATION, PROBLEMS, REGRESSION


def foreign_task(
    given: argparse.Namespace, columns: dict[str, Any]
) -> tuple[FinetuneSettings, Task[Any, Any]]:
    """How data is read, and what a model was trained for, as its own configuration says.

    Raises:
        CharBertError: it has no head for the task, or other classes than were named.
    """
    config = PreTrainedConfig.from_dict(read_config(given.model))
    names = [config.id2label[number] for number in sorted(config.id2label)]
    labels = given.labels or names
    if len(labels) != len(names):
        raise CharBertError(
            f"--labels: {len(labels)} names for the {len(names)} classes of the model ({', '.join(names)})"
        )
    kinds = {problem: kind for kind, problem in PROBLEMS.items()}
    # With one output and nothing said of it, transformers takes it for a number.
    kind = REGRESSION if len(names) == 1 else kinds.get(config.problem_type, CLASSIFICATION)
    settings = FinetuneSettings(task=given.task, output="", model=given.model, label_kind=kind, **columns)
    task = make_task(
        given.task,
        [] if kind == REGRESSION else labels,
        {**vars(settings), "max_length": given.max_length},
    )
    head = task.auto_class.__name__.removeprefix("AutoModel")
    saved_as = config.architectures or []
    if not any(name.endswith(head) for name in saved_as):
        raise CharBertError(
            f"{given.model}: holds {', '.join(saved_as) or 'no model that says what it is'}, and "
            f"{given.task} needs one {head}; fine-tune it first"
        )
    return settings, task


def drawn_examples(
    settings: FinetuneSettings, task: Task[Any, Any], given: argparse.Namespace, bad: BadRows
) -> list[Any]:
    """The examples of FILE, or as many of them as are wanted.

    Raises:
        CharBertError: there are none, or one that cannot be used and is not to be left out.
    """
    labelled = []
    for example in read_examples(settings, given.file, bad):
        if example.is_labelled:
            labelled.append(example)
        else:
            bad.add(example.location, NO_LABEL)
    try:
        usable = task.usable(labelled, bad)
    except CharBertError as error:
        if given.task is None or given.labels is not None:
            raise
        raise CharBertError(f"{error}, or name the model's classes as FILE does with --labels") from error
    if not usable:
        raise CharBertError(f"{given.file}: no row is left that can be attacked")
    return drawn(usable, given.limit or len(usable), given.seed)


def drawn(examples: Sequence[Any], count: int, seed: int) -> list[Any]:
    """So many of the examples at most, in their order."""
    numbers = Random(seed).sample(range(len(examples)), min(count, len(examples)))
    return [examples[number] for number in sorted(numbers)]
