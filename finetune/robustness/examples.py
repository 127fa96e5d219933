"""Examples that a report shows: right while clean and wrong when attacked, and where models differ."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from random import Random
from typing import Any

from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.measure import MeasuredModel, MeasuredRun
from finetune.tasks.base import Task

DIFFERENT = "The models differ"
ATTACKED = "attacked"
Piece = dict[str, Any]
"""Some words as `text`, and whether they are `changed`, other than on the other side."""


def find_flips(run: MeasuredRun, condition: Condition) -> list[int]:
    """The indices of the examples that a run gets right while clean and wrong under a condition."""
    pairs = zip(run.clean["right"], run.under[condition]["right"], strict=True)
    return [index for index, (before, after) in enumerate(pairs) if before and not after]


def choose_examples(
    test: TestSet, task: Task[Any, Any], models: Sequence[MeasuredModel], count: int
) -> list[dict[str, Any]]:
    """Some examples that flip, each with the predictions of every model before and after.

    So many are drawn for each model, and as many of those that all models get right while clean and as evenly
    as can be right and wrong when attacked. Models are represented by their first run, attacks by their first
    seed. Numbers are never right or wrong, so there are no such examples.
    """
    if not task.has_right_answers:
        return []
    main, random = test.main(test.seeds[0]), Random(test.seeds[0])
    runs = {measured.model.name: measured.runs[0] for measured in models}
    reasons = dict.fromkeys(_draw(_find_differences(list(runs.values()), main), count, random), DIFFERENT)
    for name, run in runs.items():
        new = [index for index in find_flips(run, main) if index not in reasons]
        for index in _draw(new, count, random):
            reasons[index] = f"{name}: right while clean, wrong when attacked"
    noised, _ = test.under(main)
    return [
        {
            "id": test.examples[index].id,
            "why": why,
            "right": task.show_gold(test.examples[index]),
            "texts": [
                dict(zip((CLEAN, ATTACKED), mark_changes(*texts), strict=True))
                for texts in zip(
                    task.show_texts(test.examples[index]), task.show_texts(noised[index]), strict=True
                )
            ],
            "models": {
                name: {
                    side: {"says": result["said"][index], "is_right": result["right"][index]}
                    for side, result in ((CLEAN, run.clean), (ATTACKED, run.under[main]))
                }
                for name, run in runs.items()
            },
        }
        for index, why in reasons.items()
    ]


def mark_changes(clean: str, noised: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, in which changed and unchanged words alternate."""
    sides = clean.split(), noised.split()
    pieces: tuple[list[Piece], list[Piece]] = [], []
    for operation, *bounds in SequenceMatcher(None, *sides, autojunk=False).get_opcodes():
        for side, words, (start, end) in zip(pieces, sides, (bounds[:2], bounds[2:]), strict=True):
            if end > start:
                side.append({"text": " ".join(words[start:end]), "changed": operation != "equal"})
    return pieces


def _find_differences(runs: Sequence[MeasuredRun], condition: Condition) -> list[int]:
    """The examples right while clean with as many wrong models as right ones, or as near to it as occurs."""
    if len(runs) < 2:
        return []
    clean = zip(*(run.clean["right"] for run in runs), strict=True)
    noised = zip(*(run.under[condition]["right"] for run in runs), strict=True)
    minorities = {
        index: min(sum(after), len(after) - sum(after))
        for index, (before, after) in enumerate(zip(clean, noised, strict=True))
        if all(before)
    }
    most = max(minorities.values(), default=0)
    return [index for index, size in minorities.items() if size == most > 0]


def _draw(indices: Sequence[int], count: int, random: Random) -> list[int]:
    return sorted(random.sample(indices, min(count, len(indices))))
