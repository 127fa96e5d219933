"""Noise augmentation: copies of the training data with typos, to be trained on beside it."""

import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from charbert.errors import CharBertError
from charbert.noise import Attack, load_attack
from charbert.randomness import derive_keys
from data.examples.rows import BadRows
from data.examples.types import AttackCounts, attack_examples
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task

logger = logging.getLogger(__name__)


def make_attack(settings: FinetuneSettings) -> Attack:
    """The attack that puts noise into the copies.

    Not checked with the other settings: a model keeps those, and goes on where no misspellings are.

    Raises:
        CharBertError: a setting of augmentation is wrong, or its list of misspellings is not there.
    """
    unused = [each.name for each in fields(settings) if each.name.startswith("augmentation_")]
    unused = [name for name in unused if getattr(settings, name) != getattr(FinetuneSettings, name)]
    if unused and not settings.augmentation:
        logger.warning("%s: not used, as augmentation=0 makes no copies", ", ".join(unused))
    try:
        return load_attack(
            settings.augmentation_kind,
            settings.augmentation_rate,
            language=settings.augmentation_language,
            misspellings=settings.augmentation_misspellings,
        )
    except CharBertError as error:
        raise CharBertError(f"augmentation: {error}") from error


def make_copies(
    settings: FinetuneSettings, task: Task[Any, Any], examples: Sequence[Any], seed: int
) -> tuple[list[Any], dict[str, int]]:
    """As many copies of the examples as the settings ask for, one after the other.

    Args:
        examples: to train on.
        seed: of the run; that of each copy is derived from it.

    Returns:
        the examples of all copies, and the counts of words for `results.json`.
    """
    if not settings.augmentation:
        return [], {}
    noised: list[Any] = []
    found: list[AttackCounts] = []
    # A word that is split may get a tag that does not occur in the data; its example is not copied.
    unknown = BadRows(skip=True)
    attack = make_attack(settings)
    for number in range(settings.augmentation):
        attack = replace(attack, seed=int(derive_keys(seed, number)[0]))
        copy, counts = attack_examples(examples, attack, settings.augmentation_contexts)
        noised += task.usable(copy, unknown)
        found.append(counts)
    total = AttackCounts(*map(sum, zip(*found, strict=True)))
    logger.info(
        "augmentation: %d examples with noise beside %d; %d of %d words changed, %d could be; "
        "%d examples have none that could",
        *(len(noised), len(examples), total.changed, total.words, total.eligible, total.untouched),
    )
    if unknown:
        logger.warning("augmentation: %s", unknown.summary())
    numbers = {f"augmentation_{name}": count for name, count in total._asdict().items()}
    return noised, {"augmentation_examples": len(noised), **numbers}
