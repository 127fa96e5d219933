"""What the worst edits of characters cost a model: robust accuracy by the number of edits."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, NamedTuple

from charbert.noise import EDITS
from finetune.adversary.goal import Judge
from finetune.adversary.kept import KeptCases
from finetune.adversary.search import WorstCase, search
from finetune.adversary.transformations import EditableWords
from finetune.tasks.base import Task

Scores = dict[str, float]


class Searched(NamedTuple):
    """What a search has found."""

    scores: list[Scores]
    """Of budget 0 and of each other one, as `worst_case_scores` gives them."""
    cases: list[list[WorstCase]]
    """Of each example, the worst with 0, 1, ... edits."""


def worst_case_scores(
    task: Task[Any, Any], model: Any, tokenizer: Any, examples: Sequence[Any], **settings: Any
) -> list[Scores]:
    """What the worst edits cost a model; arguments as of `searched`.

    Returns:
        for budget 0 and each other one in ascending order
        `budget`, edits of an example at most;
        `robust_accuracy`, the share of examples that stay right (of all their tags; by exact match), 0 to 1;
        the task's metric, by its name and in its scale, on the worst examples that were found;
        `queries` and `seconds`, means of an example; the seconds by the share of the queries.
    """
    return searched(task, model, tokenizer, examples, **settings).scores


def searched(
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
    batch_size: int = 512,
    bf16: bool = False,
    reader: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
    seed: int = 0,
    kept: KeptCases | None = None,
) -> Searched:
    """Search for the worst of each example, once for all budgets.

    Args:
        task: what the model was trained for.
        model: in evaluation mode, on its device.
        tokenizer: the model's.
        examples: at least one; all with labels that the task knows.
        budgets: edits of an example at most, each at least 1.
        beam_size: as in `search`.
        edits, language, variants: as `edits`, `language` and `most` of `EditableWords`.
        batch_size: rows that the model computes at once.
        bf16: compute in mixed precision.
        reader: makes of examples what the model reads in their place, such as a recogniser of words, which
            is attacked with the model then.
        seed: of what is drawn.
        kept: what an earlier search with the same settings has found, and where this one keeps what it finds.

    Raises:
        CharBertError: the task is to predict numbers; an edit or a language does not exist.
    """
    judge = Judge(task, model, tokenizer, batch_size=batch_size, bf16=bf16, reader=reader)
    spots_of = EditableWords(edits, language, variants, seed)
    before = 0.0 if kept is None else kept.seconds
    found = {} if kept is None else kept.found(judge, examples)
    left = [number for number in range(len(examples)) if number not in found]
    started = monotonic()

    def done(number: int, cases: list[WorstCase]) -> None:
        found[left[number]] = cases
        if kept is not None:
            kept.add(left[number], cases, before + monotonic() - started)

    unsearched = [examples[number] for number in left]
    search(judge, unsearched, spots_of, budget=max(budgets), beam_size=beam_size, seed=seed, done=done)
    seconds = before + monotonic() - started
    cases = [found[number] for number in range(len(examples))]
    per_query = seconds / sum(each[-1].queries for each in cases)
    scores = []
    for budget in sorted({0, *budgets}):
        worst = [each[budget] for each in cases]
        measures = task.score([case.example for case in worst], [case.verdict.prediction for case in worst])
        queries = sum(case.queries for case in worst) / len(worst)
        scores.append(
            {
                "budget": budget,
                "robust_accuracy": sum(case.verdict.right for case in worst) / len(worst),
                task.metric: measures[task.metric],
                "queries": queries,
                "seconds": per_query * queries,
            }
        )
    return Searched(scores, cases)
