"""Scores over several seeds: mean, standard deviation and 95% confidence interval."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import Any

from scipy import stats

CONFIDENCE = 0.95


def t_quantile(freedom: float) -> float:
    """Half of a 95% interval in standard errors, by Student's t with so many degrees of freedom."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, df=freedom))


def summarize(values: Sequence[float]) -> dict[str, float]:
    """`mean`, `std`, and the 95% confidence interval of the mean from `low` to `high`.

    For n values with mean m, `std` is s = sqrt(sum (v - m)^2 / (n - 1)), and the interval is
    m +- t s / sqrt(n), with t the 97.5% quantile of Student's t with n - 1 degrees of freedom.

    Args:
        values: a score of each seed. Of a single one nothing is known but the `mean`.
    """
    middle = float(mean(values))
    if len(values) == 1:
        return {"mean": middle}
    deviation = float(stdev(values))
    half = t_quantile(len(values) - 1) * deviation / sqrt(len(values))
    return {"mean": middle, "std": deviation, "low": middle - half, "high": middle + half}


def summarize_runs(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of each number under its name, and `_std`, `_low` and `_high` of the scores beside it.

    What one of the runs has no number for, such as a correlation of constants, has none.
    """
    numbers: dict[str, Any] = {}
    for name in runs[0]:
        if any(run[name] is None for run in runs):
            numbers[name] = None
            continue
        found = summarize([run[name] for run in runs])
        numbers[name] = found.pop("mean")
        if name.startswith(("dev_", "test_")):
            numbers |= {f"{name}_{measure}": value for measure, value in found.items()}
    return numbers
