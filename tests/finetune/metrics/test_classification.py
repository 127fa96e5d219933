from random import Random

import numpy as np
import pytest
from sklearn import metrics

from finetune.metrics.classification import (
    GLUE_METRICS,
    TEXT_METRICS,
    accuracy,
    best_threshold,
    class_scores,
    correlations,
    label_set_scores,
    matthews_correlation,
    paraphrase_scores,
)


def test_accuracy_is_the_share_of_right_classes():
    assert accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"]) == {"accuracy": 0.75}


def test_f1_of_paraphrases_is_of_class_1():
    gold, predicted = list("1110000"), list("1001110")
    # One right of four called "1", of three that are.
    precision, recall = 1 / 4, 1 / 3
    f1 = 2 * precision * recall / (precision + recall)
    assert paraphrase_scores(gold, predicted) == pytest.approx({"accuracy": 2 / 7, "f1": f1})


@pytest.mark.parametrize("predicted", ["0000", "1111", "0110"])
def test_f1_of_paraphrases_is_scikit_learns_binary_f1(predicted):
    gold = list("0101")
    theirs = metrics.f1_score(gold, list(predicted), pos_label="1", zero_division=0)
    assert paraphrase_scores(gold, list(predicted))["f1"] == theirs


def test_f1_where_nobody_says_1_is_zero():
    assert paraphrase_scores(["0", "0"], ["0", "0"]) == {"accuracy": 1.0, "f1": 0.0}


def test_matthews_correlation_by_hand():
    gold, predicted = list("11110000"), list("11100001")
    # Three true positives, three true negatives, one false of each.
    expected = (3 * 3 - 1 * 1) / 4**2
    assert matthews_correlation(gold, predicted)["matthews_correlation"] == pytest.approx(expected)


def test_matthews_correlation_of_a_constant_is_zero():
    assert matthews_correlation(list("0110"), list("1111")) == {"matthews_correlation": 0.0}


def test_correlations_of_values_and_of_ranks():
    gold, predicted = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 2.0]
    found = correlations(gold, predicted)
    assert found["pearson"] == pytest.approx(np.corrcoef(gold, predicted)[0, 1])
    assert found["spearmanr"] == pytest.approx(1 - 6 * (1 + 1) / (4 * 15))  # two ranks differ by one


def test_correlations_share_ranks_between_equal_values():
    found = correlations([1.0, 2.0, 3.0], [5.0, 5.0, 9.0])
    assert found["spearmanr"] == pytest.approx(np.corrcoef([1, 2, 3], [1.5, 1.5, 3])[0, 1])


@pytest.mark.parametrize("sides", [([1.0, 2.0], [3.0, 3.0]), ([3.0, 3.0], [1.0, 2.0]), ([1.0], [2.0])])
def test_a_constant_has_no_correlation(sides):
    assert correlations(*sides) == {"pearson": None, "spearmanr": None}


def test_f1_macro_is_the_mean_over_classes_of_either_side():
    # "a" has 2/3, "b" 1, and "c", which is only predicted, 0.
    found = class_scores(["a", "a", "b"], ["a", "c", "b"])
    assert found == pytest.approx({"accuracy": 2 / 3, "f1_macro": (2 / 3 + 1.0 + 0.0) / 3})


def test_label_sets_by_hand():
    gold = [("x", "y"), ("x",), ()]
    predicted = [("y", "x"), ("x", "z"), ()]
    # Right decisions: x twice, y once; wrong: z once.
    found = label_set_scores(gold, predicted)
    assert found == pytest.approx(
        {"accuracy": 2 / 3, "f1_micro": 2 * 3 / (4 + 3), "f1_macro": (1 + 1 + 0) / 3}
    )


def test_label_sets_equal_scikit_learn_on_indicator_rows():
    random, names = Random(3), "pqrs"
    rows = [np.array([[random.random() < 0.4 for _ in names] for _ in range(50)]) for _ in range(2)]
    gold, predicted = (
        [tuple(name for name, holds in zip(names, row, strict=True) if holds) for row in side]
        for side in rows
    )
    found = label_set_scores(gold, predicted)
    assert found["accuracy"] == metrics.accuracy_score(*rows)
    assert found["f1_micro"] == metrics.f1_score(*rows, average="micro")
    assert found["f1_macro"] == metrics.f1_score(*rows, average="macro")


def test_label_sets_without_any_label():
    assert label_set_scores([(), ()], [(), ()]) == {"accuracy": 1.0, "f1_micro": 0.0, "f1_macro": 0.0}


@pytest.mark.parametrize("task", GLUE_METRICS)
def test_tasks_of_glue_name_a_measure_that_they_give(task):
    labels = [0.0, 1.0, 2.0] if task == "stsb" else ["1", "0", "1"]
    assert GLUE_METRICS[task].scores(labels, labels)[GLUE_METRICS[task].metric] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("classification", ["a", "b"]), ("regression", [0.5, 2.0]), ("multi_label", [("a",), ("a", "b")])],
)
def test_kinds_of_text_name_a_measure_that_they_give(kind, labels):
    assert TEXT_METRICS[kind].scores(labels, labels)[TEXT_METRICS[kind].metric] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("right", "shares", "expected"),
    (
        ([True, True, False, False], [0.3, 0.2, 0.1, 0.05], 0.15),
        ([True, False, True, False], [0.4, 0.3, 0.2, 0.1], 0.15),
        ([True, True, False], [0.9, 0.8, 0.2], 0.5),
        ([False, False], [0.9, 0.8], 0.5),
        ([True, True], [0.4, 0.4], 0.2),
        ([], [], 0.5),
    ),
)
def test_the_best_threshold_of_probabilities(right: list[bool], shares: list[float], expected: float) -> None:
    assert best_threshold(right, shares, default=0.5) == pytest.approx(expected)


def test_no_threshold_is_better_than_the_best() -> None:
    draws = np.random.default_rng(0)
    right, shares = draws.random(60) < 0.3, draws.random(60).round(1).clip(0.1)

    def score(threshold: float) -> float:
        said = shares >= threshold
        return 2 * (said & right).sum() / (said.sum() + right.sum())

    best = score(best_threshold(right.tolist(), shares.tolist(), default=0.5))
    assert best == pytest.approx(max(score(threshold) for threshold in np.linspace(0.01, 1, 991)))
