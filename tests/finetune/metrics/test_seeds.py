from math import sqrt

import pytest

from finetune.metrics.seeds import summarize, summarize_runs

T_OF_TWO_DEGREES = 4.302652729911275  # 97.5% quantile, from a table
T_OF_ONE_DEGREE = 12.706204736432095


def test_interval_of_three_seeds_by_hand():
    found = summarize([1.0, 2.0, 6.0])
    deviation = sqrt((4 + 1 + 9) / 2)
    half = T_OF_TWO_DEGREES * deviation / sqrt(3)
    assert found == pytest.approx({"mean": 3.0, "std": deviation, "low": 3.0 - half, "high": 3.0 + half})


def test_interval_of_two_seeds_is_wide():
    found = summarize([0.0, 2.0])
    assert found["high"] - found["mean"] == pytest.approx(T_OF_ONE_DEGREE)


def test_equal_seeds_have_no_spread():
    assert summarize([0.1, 0.1, 0.1]) == {"mean": 0.1, "std": 0.0, "low": 0.1, "high": 0.1}


def test_single_seed_has_a_mean_alone():
    assert summarize([0.7]) == {"mean": 0.7}


def test_what_one_seed_has_no_score_for_has_none():
    runs = [{"dev_pearson": None, "steps": 2}, {"dev_pearson": 0.5, "steps": 4}]
    assert summarize_runs(runs) == {"dev_pearson": None, "steps": 3.0}
