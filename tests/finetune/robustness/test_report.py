"""From measurements to a report's numbers and examples."""

from typing import Any

import pytest
from small_robustness import SmallTest, cell, measured_model, measured_run
from small_tasks import tag_task, tagged, text_task

from finetune.robustness.examples import choose_examples
from finetune.robustness.measure import MeasuredModel
from finetune.robustness.report import flatten_numbers, make_report

CLEAN = [tagged(f"in Rome {number}", "O B-LOC O") for number in range(4)]
NOISED = [tagged(f"in Rmoe {number}", "O B-LOC O") for number in range(4)]
TEST: Any = SmallTest(CLEAN, NOISED)
TASK = tag_task("B-LOC", "O")


def report(*models: MeasuredModel, task: Any = TASK) -> dict[str, Any]:
    return make_report(TEST, task, models, shown=3)


ROBUST = measured_model("robust", measured_run(cell(0.9), drop_1=cell(0.8, "1100"), drop_2=cell(0.7, "1101")))
FRAIL = measured_model("frail", measured_run(cell(0.95), drop_1=cell(0.4, "1010"), drop_2=cell(0.3, "0000")))


def test_scores_are_means_in_points() -> None:
    [found] = report(ROBUST)["models"]
    assert found["clean"]["mean"] == pytest.approx(90)
    assert found["attacked"]["mean"] == pytest.approx(75)
    assert found["drop"]["mean"] == pytest.approx(15)
    assert found["share_kept"] == pytest.approx(75 / 90)
    assert found["kinds"]["drop"]["score"]["mean"] == pytest.approx(75)


def test_a_curve_starts_at_the_clean_score() -> None:
    [found] = report(ROBUST)["models"]
    assert [point["rate"] for point in found["curve"]] == [0.0, 1.0]
    assert [point["score"]["mean"] for point in found["curve"]] == pytest.approx([90, 75])
    assert [point["words_changed"] for point in found["curve"]] == [0.0, 0.5]


def test_models_are_compared_with_that_of_the_highest_attacked_score() -> None:
    [found] = report(FRAIL, ROBUST)["comparisons"]
    assert (found["model"], found["than"]) == ("robust", "frail")
    assert found["scores_more"] == pytest.approx(75 - 35)
    assert found["is_clear"]


def test_the_interval_of_a_difference_is_a_paired_one() -> None:
    # Both differ by the same on any part of the examples, however much that varies.
    parts = [0.2, 0.5, 0.6, 0.9]
    better = cell(0.5) | {"without": [part - 0.1 for part in parts]}
    worse = cell(0.4) | {"without": [part - 0.2 for part in parts]}
    models = [
        measured_model(name, measured_run(cell(0.6), drop_1=each, drop_2=each))
        for name, each in (("a", better), ("b", worse))
    ]
    [found] = report(*models)["comparisons"]
    assert found["examples_interval"] == pytest.approx({"low": 10, "high": 10})
    assert found["seeds_interval"] == pytest.approx({"low": 10, "high": 10})


def test_a_difference_is_not_clear_where_seeds_or_examples_say_other_things() -> None:
    same = cell(0.5)
    noisy = [measured_run(cell(0.9), drop_1=cell(each), drop_2=cell(each)) for each in (0.5, 0.9)]
    steady = [measured_run(cell(0.9), drop_1=same, drop_2=same) for _ in range(2)]
    [found] = report(measured_model("a", *noisy), measured_model("b", *steady))["comparisons"]
    assert found["examples_interval"]["low"] > 0 > found["seeds_interval"]["low"]
    assert not found["is_clear"]
    unsure = cell(0.9) | {"without": [0.1, 0.5, 0.9, 1.0]}
    models = [
        measured_model(name, measured_run(cell(0.9), drop_1=each, drop_2=each))
        for name, each in (("a", unsure), ("b", same))
    ]
    [found] = report(*models)["comparisons"]
    assert found["seeds_interval"]["low"] > 0 > found["examples_interval"]["low"]
    assert not found["is_clear"]


def test_several_trainings_are_one_model() -> None:
    runs = [measured_run(cell(clean), drop_1=cell(0.5), drop_2=cell(0.7)) for clean in (0.8, 0.9)]
    [found] = report(measured_model("both", *runs))["models"]
    assert len(found["folders"]) == 2
    assert found["clean"]["mean"] == pytest.approx(85)
    assert found["clean"]["over"] == found["drop"]["over"] == "seeds of the model"
    assert found["attacked"]["std"] == pytest.approx(0)


def test_flips_are_counted_among_those_right_before() -> None:
    run = measured_run(cell(0.9, "1110"), drop_1=cell(0.5, "0101"), drop_2=cell(0.5))
    [found] = report(measured_model("m", run))["models"]
    assert found["flips"] == {"right_when_clean": 3, "of_these_wrong_when_attacked": 2}


def test_the_main_numbers_have_flat_names() -> None:
    numbers = flatten_numbers(report(ROBUST, FRAIL))
    assert numbers["robust_lost_f1"] == pytest.approx(15)
    assert numbers["frail_attacked_f1"] == pytest.approx(35)
    assert numbers["robust_lost_f1_low"] < 15 < numbers["robust_lost_f1_high"]
    assert all(isinstance(value, int | float) for value in numbers.values())


def chosen(*models: MeasuredModel, examples: int) -> list[dict[str, Any]]:
    return choose_examples(TEST, TASK, models, examples)


def test_examples_are_shown_where_models_differ_and_where_each_flips() -> None:
    found = chosen(ROBUST, FRAIL, examples=4)
    assert [example["why"] for example in found] == [
        "The models differ",
        "The models differ",
        "robust: right while clean, wrong when attacked",
    ]
    verdicts = [
        [example["models"][name]["attacked"]["is_right"] for name in ("robust", "frail")] for example in found
    ]
    assert verdicts == [[True, False], [False, True], [False, False]]
    assert all(example["models"]["robust"]["clean"]["is_right"] for example in found)


def test_their_changed_words_are_marked() -> None:
    [found] = chosen(ROBUST, examples=1)
    assert [piece["text"] for piece in found["texts"][0]["attacked"] if piece["changed"]] == ["Rmoe"]
    assert found["right"] == "Rome: B-LOC"


def test_as_many_are_shown_as_asked_for_by_the_seed() -> None:
    assert chosen(ROBUST, FRAIL, examples=0) == []
    assert len(chosen(FRAIL, examples=1)) == 1
    assert chosen(FRAIL, examples=1) == chosen(FRAIL, examples=1)


def test_of_numbers_no_example_flips() -> None:
    unknown = cell(0.9) | {"right": [None] * 4}
    model = measured_model("m", measured_run(unknown, drop_1=unknown, drop_2=unknown))
    found = report(model, task=text_task(kind="regression", metric="f1"))
    assert found["shown_examples"] == []
    assert found["models"][0]["flips"] is None
