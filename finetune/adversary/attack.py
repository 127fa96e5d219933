"""Adversarial attack on a fine-tuned model: robust accuracy by the number of edited words."""

from collections.abc import Mapping, Sequence
from random import Random
from time import monotonic
from typing import Any, NamedTuple

from charbert.commands.cache import ResultCache
from charbert.commands.progress import progress_bar
from charbert.noise import EDITS
from finetune.adversary.goal_function import GoalFunction, Reader
from finetune.adversary.search_method import AttackResult, find_worst, search
from finetune.adversary.transformation import CharacterEdits, list_texts, replace_texts
from finetune.tasks.base import Task


class AttackOutcome(NamedTuple):
    """The outcome of an attack."""

    scores: list[dict[str, float]]
    """For budget 0 and each other one in ascending order:
    `budget`, edited words of an example at most;
    `robust_accuracy`, the share of examples that stay right (of all their tags; by exact match), 0 to 1;
    the task's metric, by its name and in its scale, on the worst cases that were found;
    `queries` and `seconds`, means of an example; the seconds by the share of the queries."""
    results: list[list[AttackResult]]
    """Of each example, the worst case with 0, 1, ... edits, for `find_worst`."""


def attack_model(
    task: Task[Any, Any],
    model: Any,
    tokenizer: Any,
    examples: Sequence[Any],
    *,
    budgets: Sequence[int] = (1, 2),
    beam_size: int = 1,
    edits: Sequence[str] = EDITS,
    language: str = "en",
    variants: int | None = None,
    batch_tokens: int = 0,
    bf16: bool = False,
    reader: Reader | None = None,
    seed: int = 0,
    cache: ResultCache | None = None,
    key: Mapping[str, Any] | None = None,
) -> AttackOutcome:
    """Search for the worst case of each example, once for all budgets.

    Args:
        task, model, tokenizer, batch_tokens, bf16, reader: as of `GoalFunction`.
        examples: at least one; all with labels that the task knows.
        budgets: edited words of an example at most, each at least 1.
        beam_size: as of `search`.
        edits, language, variants: as of `CharacterEdits`.
        seed: of what is drawn.
        cache: keeps the results of each example as soon as they are known; holds those of an earlier call.
        key: everything that these results depend on, for the cache.

    Raises:
        CharBertError: the task is to predict numbers; an edit or a language does not exist.
    """
    goal_function = GoalFunction(task, model, tokenizer, batch_tokens=batch_tokens, bf16=bf16, reader=reader)
    transformation = CharacterEdits(edits, language, variants, seed)
    keys = [{**(key or {}), "example": index} for index in range(len(examples))]
    cached = {} if cache is None else {i: cache[each] for i, each in enumerate(keys) if each in cache}
    found = {index: _restore(each, examples[index], goal_function) for index, each in cached.items()}
    left = [index for index in range(len(examples)) if index not in found]
    # A resumed search adds to the seconds up to the last example of the one before.
    started = monotonic() - max((each["seconds"] for each in cached.values()), default=0.0)
    searches = search(
        goal_function,
        transformation,
        [examples[index] for index in left],
        budget=max(budgets),
        beam_size=beam_size,
        seed=seed,
    )
    with progress_bar(searches, total=len(left), desc="attacking", unit=" examples") as bar:
        for index, results in bar:
            found[left[index]] = results
            if cache is not None:
                cache.add(keys[left[index]], _to_json(results, monotonic() - started))
    seconds = monotonic() - started
    results = [found[index] for index in range(len(examples))]
    per_query = seconds / sum(each[-1].queries for each in results)
    return AttackOutcome([_score(task, results, each, per_query) for each in sorted({0, *budgets})], results)


def draw_examples(examples: Sequence[Any], count: int, seed: int) -> list[Any]:
    """So many of the examples at most, in their order."""
    numbers = Random(seed).sample(range(len(examples)), min(count, len(examples)))
    return [examples[number] for number in sorted(numbers)]


def _score(
    task: Task[Any, Any], results: Sequence[Sequence[AttackResult]], budget: int, per_query: float
) -> dict[str, float]:
    worst = [find_worst(each, budget) for each in results]
    measures = task.score([each.example for each in worst], [each.goal.prediction for each in worst])
    queries = sum(each.queries for each in worst) / len(worst)
    return {
        "budget": budget,
        "robust_accuracy": sum(each.goal.is_correct for each in worst) / len(worst),
        task.metric: measures[task.metric],
        "queries": queries,
        "seconds": per_query * queries,
    }


def _to_json(results: Sequence[AttackResult], seconds: float) -> dict[str, Any]:
    """What is kept of an example; its predictions are computed again, which takes little time."""
    worst = [
        {"texts": list_texts(each.example), "edits": each.edits, "queries": each.queries} for each in results
    ]
    return {"seconds": seconds, "worst": worst}


def _restore(kept: Mapping[str, Any], example: Any, goal_function: GoalFunction) -> list[AttackResult]:
    examples = [replace_texts(example, each["texts"]) for each in kept["worst"]]
    return [
        AttackResult(attacked, tuple((old, new) for old, new in each["edits"]), goal, each["queries"])
        for attacked, goal, each in zip(examples, goal_function(examples), kept["worst"], strict=True)
    ]
