"""Measures of classes, numbers and sets of labels, in the scale of GLUE: from 0 (or -1) to 1."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from sklearn import metrics
from sklearn.preprocessing import MultiLabelBinarizer

LABEL_SCORES = ("precision", "recall", "f1", "support")
POSITIVE = "1"
"""The class that F1 is of in MRPC and QQP: a paraphrase."""


class Measures(NamedTuple):
    """How the predictions of a task are scored, and the score by which models are compared."""

    scores: Callable[[Sequence[Any], Sequence[Any]], dict[str, Any]]
    """Of the gold labels and the predicted ones, in the same order; None is one that there is not."""
    metric: str


def accuracy(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """`accuracy`, the share of examples with the right class."""
    return {"accuracy": float(metrics.accuracy_score(gold, predicted))}


def paraphrase_scores(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """`accuracy`, and `f1` of the class "1"; 0.0 where nobody names it."""
    f1 = metrics.f1_score(gold, predicted, labels=[POSITIVE], average="macro", zero_division=0)
    return {**accuracy(gold, predicted), "f1": float(f1)}


def matthews_correlation(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """`matthews_correlation` of classes; 0.0 where one side is always the same."""
    return {"matthews_correlation": float(metrics.matthews_corrcoef(gold, predicted))}


def correlations(gold: Sequence[float], predicted: Sequence[float]) -> dict[str, float | None]:
    """`pearson` and `spearman` of numbers; None where one side is always the same: there is none then."""
    if np.ptp(gold) == 0 or np.ptp(predicted) == 0:
        return {"pearson": None, "spearmanr": None}
    return {
        "pearson": float(stats.pearsonr(gold, predicted).statistic),
        "spearmanr": float(stats.spearmanr(gold, predicted).statistic),
    }


def class_scores(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """`accuracy`, and `f1_macro`: the mean F1 of all classes that occur on either side."""
    f1 = metrics.f1_score(gold, predicted, average="macro", zero_division=0)
    return {**accuracy(gold, predicted), "f1_macro": float(f1)}


def label_set_scores(
    gold: Sequence[tuple[str, ...]], predicted: Sequence[tuple[str, ...]]
) -> dict[str, float]:
    """Measures of several labels at once.

    `accuracy` is the share of examples with exactly the right labels, `f1_micro` the F1 of all
    decisions together, `f1_macro` the mean F1 of all labels that occur on either side. Where no label
    occurs at all, both are 0.0.
    """
    right = [set(one) == set(other) for one, other in zip(gold, predicted, strict=True)]
    scores = {"accuracy": sum(right) / len(right), "f1_micro": 0.0, "f1_macro": 0.0}
    table = MultiLabelBinarizer().fit([*gold, *predicted])
    if len(table.classes_):
        sides = table.transform(gold), table.transform(predicted)
        for average in ("micro", "macro"):
            scores[f"f1_{average}"] = float(metrics.f1_score(*sides, average=average, zero_division=0))
    return scores


def best_threshold(right: Sequence[bool], shares: Sequence[float], default: float) -> float:
    """The least probability of what counts as predicted that gives decisions the best F1.

    Args:
        right: of D decisions, whether each should be "yes".
        shares: the probability of "yes" of each.
        default: taken where none is better; of equally good ones the nearest to it counts.
    """
    order = np.argsort(shares)[::-1]
    levels = np.asarray(shares, dtype=float)[order]
    # Between two neighbours that differ; of k decisions for "yes", F1 is 2 TP / (k + all that are right).
    counts = np.flatnonzero(np.diff(levels, append=0.0)) + 1
    thresholds = np.append((levels[counts - 1] + np.append(levels, 0.0)[counts]) / 2, default)
    counts = np.append(counts, np.count_nonzero(levels >= default))
    hits = np.append(0, np.cumsum(np.asarray(right)[order]))
    scores = 2 * hits[counts] / np.maximum(counts + hits[-1], 1)
    best = np.flatnonzero(scores == scores.max())
    return float(thresholds[best[np.argmin(np.abs(thresholds[best] - default))]])


def scores_by_label(
    gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """`precision`, `recall`, `f1` and `support` of each label that occurs on either side."""
    known = occurring(labels, gold, predicted)
    return _by_label(
        known, metrics.precision_recall_fscore_support(gold, predicted, labels=known, zero_division=0)
    )


def scores_by_label_of_sets(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """The same where several labels hold at once."""
    known = occurring(labels, chain(*gold), chain(*predicted))
    if not known:
        return {}
    sides = [MultiLabelBinarizer(classes=known).fit_transform(side) for side in (gold, predicted)]
    return _by_label(known, metrics.precision_recall_fscore_support(*sides, zero_division=0))


def occurring(labels: Iterable[str], *sides: Iterable[str]) -> list[str]:
    """The labels that occur on any side, in their order."""
    found = set().union(*sides)
    return [label for label in dict.fromkeys(labels) if label in found]


def _by_label(labels: Sequence[str], columns: Iterable[Any]) -> dict[str, dict[str, float]]:
    rows = zip(labels, *columns, strict=True)
    return {label: dict(zip(LABEL_SCORES, values, strict=True)) for label, *values in rows}


GLUE_METRICS = {
    "cola": Measures(matthews_correlation, "matthews_correlation"),
    "sst2": Measures(accuracy, "accuracy"),
    "mrpc": Measures(paraphrase_scores, "accuracy"),
    "qqp": Measures(paraphrase_scores, "accuracy"),
    "stsb": Measures(correlations, "pearson"),
    "mnli": Measures(accuracy, "accuracy"),
    "qnli": Measures(accuracy, "accuracy"),
    "rte": Measures(accuracy, "accuracy"),
    "wnli": Measures(accuracy, "accuracy"),
}
"""Of the tasks of GLUE."""
TEXT_METRICS = {
    "classification": Measures(class_scores, "accuracy"),
    "regression": Measures(correlations, "pearson"),
    "multi_label": Measures(label_set_scores, "f1_micro"),
}
"""Of texts of one's own, by the kind of their labels."""
