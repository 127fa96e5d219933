"""The examples that a report shows: right while clean and wrong when attacked, and where models differ."""

from collections.abc import Sequence
from random import Random
from typing import Any

from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.measure import MeasuredModel, MeasuredRun
from finetune.robustness.settings import RobustnessSettings
from finetune.robustness.shown import attacked_texts, compared
from finetune.tasks.base import Task

DIFFERENT = "The models differ"


def flipped(run: MeasuredRun, condition: Condition) -> list[int]:
    """The numbers of the examples that a condition makes a run get wrong."""
    pairs = zip(run.clean["right"], run.under[condition]["right"], strict=True)
    return [number for number, (before, after) in enumerate(pairs) if before and not after]


def chosen_examples(
    settings: RobustnessSettings, test: TestSet, task: Task[Any, Any], models: Sequence[MeasuredModel]
) -> list[dict[str, Any]]:
    """Some examples that flip, each with what every model says of it before and after.

    Of each model `settings.examples` are drawn, and as many of those that all models get right while clean
    and as evenly as can be right and wrong when attacked. Models stand for themselves by their first run,
    attacks by their first seed. Numbers are never right or wrong: of them there are none.
    """
    main = test.main(settings.seeds[0])
    runs = {found.model.name: found.runs[0] for found in models}
    if next(iter(runs.values())).clean["right"][0] is None:
        return []
    random = Random(settings.seeds[0])
    reasons: dict[int, str] = {}
    for number in _drawn(_where_models_differ(list(runs.values()), main), settings.examples, random):
        reasons[number] = DIFFERENT
    for name, run in runs.items():
        new = [number for number in flipped(run, main) if number not in reasons]
        for number in _drawn(new, settings.examples, random):
            reasons[number] = f"{name}: right while clean, wrong when attacked"
    noised = test.under(main)[0]
    return [
        {
            "id": test.examples[number].id,
            "why": why,
            "right": task.show_gold(test.examples[number]),
            "texts": _texts(test.examples[number], noised[number]),
            "models": {name: _verdicts(run, main, number) for name, run in runs.items()},
        }
        for number, why in reasons.items()
    ]


def _where_models_differ(runs: Sequence[MeasuredRun], condition: Condition) -> list[int]:
    """The examples right while clean with as many wrong models as right ones, or as near to it as occurs."""
    if len(runs) < 2:
        return []
    clean = zip(*(run.clean["right"] for run in runs), strict=True)
    noised = zip(*(run.under[condition]["right"] for run in runs), strict=True)
    sizes = {
        number: min(sum(after), len(after) - sum(after))
        for number, (before, after) in enumerate(zip(clean, noised, strict=True))
        if all(before)
    }
    most = max(sizes.values(), default=0)
    return [number for number, size in sizes.items() if size == most > 0]


def _drawn(numbers: Sequence[int], count: int, random: Random) -> list[int]:
    return sorted(random.sample(numbers, min(count, len(numbers))))


def _texts(clean: Any, noised: Any) -> list[dict[str, Any]]:
    found = []
    for before, after in zip(attacked_texts(clean), attacked_texts(noised), strict=True):
        sides = compared(before, after)
        found.append(
            {
                name: [piece._asdict() for piece in side]
                for name, side in zip((CLEAN, "attacked"), sides, strict=True)
            }
        )
    return found


def _verdicts(run: MeasuredRun, condition: Condition, number: int) -> dict[str, Any]:
    return {
        name: {"says": cell["said"][number], "is_right": cell["right"][number]}
        for name, cell in ((CLEAN, run.clean), ("attacked", run.under[condition]))
    }
