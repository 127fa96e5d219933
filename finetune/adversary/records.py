"""What a search for worst cases tells of each example, and of all."""

from collections.abc import Sequence
from typing import Any

from finetune.adversary.attacks import Scores
from finetune.adversary.search import WorstCase


def record(cases: Sequence[WorstCase], budgets: Sequence[int]) -> dict[str, Any]:
    """An example as it is, and the worst of it with each budget."""
    clean, clean_verdict = cases[0].example, cases[0].verdict
    return {
        "id": clean.id,
        "location": clean.location,
        **clean.readable,
        "label": clean.gold,
        "prediction": clean_verdict.prediction.value,
        "right": clean_verdict.right,
        "worst": [
            {
                "budget": budget,
                **cases[budget].example.readable,
                "edits": cases[budget].edits,
                "prediction": cases[budget].verdict.prediction.value,
                "right": cases[budget].verdict.right,
                "queries": cases[budget].queries,
            }
            for budget in sorted(set(budgets))
        ],
    }


def table(scores: Sequence[Scores], metric: str) -> str:
    """A line for each budget."""
    lines = [f"{'edits':>5}  {'robust accuracy':>15}  {metric:>20}  {'queries':>9}  {'seconds':>9}"]
    for line in scores:
        lines.append(
            f"{line['budget']:5}  {line['robust_accuracy']:15.4f}  {line[metric]:20.4f}  "
            f"{line['queries']:9.1f}  {line['seconds']:9.3f}"
        )
    return "\n".join(lines)
