"""Intervals over seeds and over examples."""

from collections.abc import Sequence
from statistics import mean, variance

import numpy as np
import pytest
from scipy import stats

from finetune.robustness.intervals import (
    GROUPS,
    difference_interval,
    jackknife_interval,
    scores_without_groups,
    seed_interval,
)


def test_one_training_and_one_attack_have_no_interval() -> None:
    assert seed_interval([[50.0]]) == {"mean": 50.0}


def test_of_one_training_the_interval_is_over_attacks() -> None:
    found = seed_interval([[50.0, 52.0, 54.0]])
    half = stats.t.ppf(0.975, 2) * 2 / 3**0.5
    assert found["over"] == "seeds of the attack"
    assert [found["low"], found["mean"], found["high"]] == pytest.approx([52 - half, 52, 52 + half])


def test_of_several_trainings_the_interval_is_over_their_means() -> None:
    found = seed_interval([[50.0, 54.0], [60.0, 60.0]])
    assert found["over"] == "seeds of the model"
    assert found["mean"] == 56.0
    assert found["std"] == pytest.approx(8 / 2**0.5)


def test_each_example_is_left_out_once() -> None:
    kept: list[Sequence[int]] = []
    scores_without_groups(50, lambda numbers: float(kept.append(numbers) or 0))
    left_out = [set(range(50)) - set(numbers) for numbers in kept]
    assert len(kept) == GROUPS
    assert sorted(number for group in left_out for number in group) == list(range(50))
    assert {len(group) for group in left_out} == {2, 3}


def test_the_groups_are_the_same_each_time() -> None:
    once, again = ([*scores_without_groups(50, lambda numbers: float(sum(numbers)))] for _ in range(2))
    assert once == again


def test_few_examples_make_fewer_groups() -> None:
    assert len(scores_without_groups(3, lambda numbers: 0.0)) == 3
    assert scores_without_groups(1, lambda numbers: 0.0) == []


def test_of_a_mean_the_jackknife_gives_the_known_interval() -> None:
    values = [3.0, 5.0, 4.0, 8.0, 1.0]
    without = scores_without_groups(5, lambda numbers: mean(values[number] for number in numbers))
    found = jackknife_interval(mean(values), without)
    half = stats.t.ppf(0.975, 4) * (variance(values) / 5) ** 0.5
    assert found == pytest.approx({"low": 4.2 - half, "high": 4.2 + half})


def test_without_groups_there_is_no_interval() -> None:
    assert jackknife_interval(1.0, []) == {}


def test_over_several_trainings_the_interval_of_a_difference_is_that_of_welch() -> None:
    one, other = np.array([[57.0, 59], [60, 60], [62, 64]]), np.array([[50.0, 50], [55, 55], [54, 54]])
    test = stats.ttest_ind(one.mean(axis=1), other.mean(axis=1), equal_var=False).confidence_interval()
    assert difference_interval(one, other) == pytest.approx({"low": test.low, "high": test.high})
    assert difference_interval(one, one[:1]) == {}
    assert difference_interval(one[:1, :1], other[:1, :1]) == {}
