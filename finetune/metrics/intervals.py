"""A score over several seeds: its mean, and how far from it the next seeds may lie."""

from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev

from scipy import stats

CONFIDENCE = 0.95


def summary(values: Sequence[float]) -> dict[str, float]:
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
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, df=len(values) - 1))
    half = quantile * deviation / sqrt(len(values))
    return {"mean": middle, "std": deviation, "low": middle - half, "high": middle + half}
