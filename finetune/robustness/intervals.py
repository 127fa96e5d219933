"""Confidence intervals of scores: over seeds, and over test sets by the delete-a-group jackknife."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.metrics.seeds import summarize, t_quantile

GROUPS = 20
_GROUPING_SEED = 0
MODEL_SEEDS, NOISE_SEEDS = "seeds of the model", "seeds of the attack"


def seed_interval(values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Mean, deviation and 95% interval of a score, and what was drawn anew (`over`).

    With several seeds of the model the interval is over these, each the mean over its attacks: attacks on
    one model say nothing of how another training would end. Else it is over the seeds of the attack.

    Args:
        values: of each seed of the model, a score under each seed of the attack.
    """
    if len(values) > 1:
        return {**summarize([float(np.mean(row)) for row in values]), "over": MODEL_SEEDS}
    found: dict[str, Any] = summarize(values[0])
    return {**found, "over": NOISE_SEEDS} if "low" in found else found


def difference_interval(one: NDArray[Any], other: NDArray[Any]) -> dict[str, float]:
    """The 95% interval over seeds of how far the mean score of one model is above that of another.

    Of models with several trainings it is that of Welch's t-test, each score the mean over the attacks; of
    two that were trained once it is over the seeds of the attack, in pairs. Else there is none.

    Args:
        one, other: (trainings, attacks) scores, under the same attacks.
    """
    if len(one) == len(other) == 1:
        found = summarize((one - other)[0].tolist())
        return {end: found[end] for end in ("low", "high") if end in found}
    if len(one) == 1 or len(other) == 1:
        return {}
    sides = one.mean(axis=1), other.mean(axis=1)
    more = float(sides[0].mean() - sides[1].mean())
    variances = [float(side.var(ddof=1)) / len(side) for side in sides]
    half = 0.0
    if total := sum(variances):
        freedom = total**2 / sum(
            variance**2 / (len(side) - 1) for variance, side in zip(variances, sides, strict=True)
        )
        half = t_quantile(freedom) * sqrt(total)
    return {"low": more - half, "high": more + half}


def scores_without_groups(count: int, score: Callable[[Sequence[int]], float | None]) -> list[float | None]:
    """The score of all examples but those of a group, for each of `GROUPS` random groups of equal size.

    Args:
        count: how many examples there are; the same number is divided in the same way each time.
        score: of the examples with these indices.
    """
    order = np.random.default_rng(_GROUPING_SEED).permutation(count)
    groups = min(GROUPS, count)
    return [
        score(sorted(np.delete(order, np.s_[group::groups]).tolist()))
        for group in range(groups if count > 1 else 0)
    ]


def jackknife_interval(whole: float, without: Sequence[float] | NDArray[Any]) -> dict[str, float]:
    """The 95% interval of a score, or of a difference of scores, over test sets like this one.

    The delete-a-group jackknife: from the scores s_g without each of G groups, the variance is
    (G - 1) / G * sum (s_g - mean s)^2, and the interval s +- t sqrt(variance), with t the 97.5% quantile of
    Student's t with G - 1 degrees of freedom. It works for F1 and for correlations alike, and of a difference
    it is a paired one.

    Args:
        whole: the score of all examples.
        without: those of `scores_without_groups`; none, or one that is not finite, give no interval.
    """
    groups = len(without)
    if groups < 2 or not np.isfinite(without).all():
        return {}
    deviations = np.asarray(without, dtype=float) - np.mean(without)
    variance = (groups - 1) / groups * float((deviations**2).sum())
    half = t_quantile(groups - 1) * sqrt(variance)
    return {"low": whole - half, "high": whole + half}
