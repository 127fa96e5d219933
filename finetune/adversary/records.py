"""What a search for worst cases tells of each example, and of all."""

from collections.abc import Sequence
from typing import Any

from data.examples.types import QuestionExample, TaggedExample, TextExample
from finetune.adversary.attacks import Scores
from finetune.adversary.search import WorstCase

Example = TextExample | TaggedExample | QuestionExample


def record(cases: Sequence[WorstCase], budgets: Sequence[int]) -> dict[str, Any]:
    """An example as it is, and the worst of it with each budget."""
    clean, clean_verdict = cases[0].example, cases[0].verdict
    return {
        "id": clean.id,
        "place": clean.place,
        **_texts(clean),
        "label": _label(clean),
        "prediction": clean_verdict.prediction.value,
        "right": clean_verdict.right,
        "worst": [
            {
                "budget": budget,
                **_texts(cases[budget].example),
                "edits": cases[budget].edits,
                "prediction": cases[budget].verdict.prediction.value,
                "right": cases[budget].verdict.right,
                "queries": cases[budget].queries,
            }
            for budget in sorted(set(budgets))
        ],
    }


def _texts(example: Example) -> dict[str, Any]:
    if isinstance(example, TaggedExample):
        return {"words": example.words}
    if isinstance(example, QuestionExample):
        return {"question": example.question}
    return {"text": example.text} | ({} if example.pair is None else {"pair": example.pair})


def _label(example: Example) -> Any:
    if isinstance(example, TaggedExample):
        return example.tags
    if isinstance(example, QuestionExample):
        return [answer.text for answer in example.answers]
    return example.label


def table(scores: Sequence[Scores], metric: str) -> str:
    """A line for each budget."""
    lines = [f"{'edits':>5}  {'robust accuracy':>15}  {metric:>20}  {'queries':>9}  {'seconds':>9}"]
    for line in scores:
        lines.append(
            f"{line['budget']:5}  {line['robust_accuracy']:15.4f}  {line[metric]:20.4f}  "
            f"{line['queries']:9.1f}  {line['seconds']:9.3f}"
        )
    return "\n".join(lines)
