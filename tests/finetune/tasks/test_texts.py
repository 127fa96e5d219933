"""Texts and pairs: classes, numbers, several labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from charbert.errors import CharBertError
from data.examples.rows import BadRows
from data.examples.types import Label, TextExample
from finetune.tasks.texts import CLASSIFICATION, MULTI_LABEL, REGRESSION, TextTask


def classes(max_length: int = 32) -> TextTask:
    return TextTask(
        labels=("bad", "good"),
        kind=CLASSIFICATION,
        max_length=max_length,
    )


def several() -> TextTask:
    return TextTask(
        labels=("cat", "dog", "fox"),
        kind=MULTI_LABEL,
        max_length=32,
    )


def numbers() -> TextTask:
    return TextTask(labels=(), kind=REGRESSION, max_length=32)


def example(text: str, label: Label | None = None, pair: str | None = None, number: int = 0) -> TextExample:
    return TextExample(str(number), text, pair, label, f"x.csv: row {number + 2}")


@pytest.mark.parametrize("spelling", [True, False])
def test_pairs_stand_in_one_row(kind: str, spelling: bool) -> None:
    tokens = tiny.tokenizer(kind) if spelling else tiny.stock_tokenizer(kind)
    encoded = classes().encode([example("the dog", "good", "a fox")], tokens)
    assert encoded.inputs[0]["input_ids"] == tokens("the dog", "a fox")["input_ids"]
    assert ("char_input_ids" in encoded.inputs[0]) == spelling
    assert encoded.inputs[0]["labels"] == 1


def test_what_does_not_fit_is_cut_off_the_longer_text() -> None:
    tokens = tiny.stock_tokenizer("bert")
    encoded = classes(max_length=9).encode([example("the dog", None, "fox " * 20)], tokens)
    assert encoded.inputs[0]["input_ids"] == tokens("the dog", "fox fox fox fox")["input_ids"]


def test_the_greatest_output_is_the_class(stock: Any) -> None:
    examples = [example("the", "bad"), example("dog", "good")]
    encoded = classes().encode(examples, stock)
    predictions = classes().decode(examples, encoded, [np.array([0.0, 2.0]), np.array([-1.0, 1.0])])
    assert [prediction.label for prediction in predictions] == ["good", "good"]
    assert predictions[0].probabilities["good"] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert classes().score(examples, predictions)["accuracy"] == 0.5


def test_each_of_several_labels_is_decided_alone(stock: Any) -> None:
    examples = [example("the", ("cat", "fox")), example("dog", ())]
    encoded = several().encode(examples, stock)
    assert [row["labels"] for row in encoded.inputs] == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    predictions = several().decode(examples, encoded, [np.array([3.0, -1.0, 0.0]), -np.ones(3)])
    assert [prediction.label for prediction in predictions] == [("cat", "fox"), ()]


def test_a_number_is_the_output_itself(stock: Any) -> None:
    examples = [example("the", 2.5), example("dog", 1.0)]
    encoded = numbers().encode(examples, stock)
    assert [row["labels"] for row in encoded.inputs] == [2.5, 1.0]
    predictions = numbers().decode(examples, encoded, [np.array([2.0]), np.array([1.5])])
    assert [prediction.label for prediction in predictions] == [2.0, 1.5]
    assert numbers().score(examples, predictions)["pearson"] == pytest.approx(1.0)


def test_the_model_is_told_names_and_kind_of_its_outputs() -> None:
    assert classes().model_settings["id2label"] == {0: "bad", 1: "good"}
    assert several().model_settings["problem_type"] == "multi_label_classification"
    assert numbers().model_settings == {
        "id2label": {0: "label"},
        "label2id": {"label": 0},
        "problem_type": "regression",
    }


def test_a_label_that_training_does_not_know_is_told_with_its_row() -> None:
    examples = [example("the", "good"), example("dog", "ugly", number=1)]
    with pytest.raises(CharBertError, match=r"x\.csv: row 3: label 'ugly' .* \(bad, good\)"):
        classes().usable(examples, BadRows())
    assert classes().usable(examples, BadRows(skip=True)) == examples[:1]


@pytest.mark.parametrize(("separator", "written"), (("|", "a,b|c"), (",", '["a,b", "c"]')))
def test_several_labels_are_written_as_they_are_read(
    stock: Any, tmp_path: Path, separator: str, written: str
) -> None:
    task = TextTask(labels=("a,b", "c"), kind=MULTI_LABEL, max_length=32, separator=separator)
    examples = [example("the")]
    task.write(examples, task.decode(examples, task.encode(examples, stock), [np.ones(2)]), tmp_path / "x")
    assert (tmp_path / "x").read_text().endswith(f"\t{written}\n")


@pytest.mark.parametrize(
    ("task", "output", "written"),
    [
        (classes(), np.array([1.0, 0.0]), "bad"),
        (several(), np.ones(3), "cat,dog,fox"),
        (numbers(), np.array([1.23456]), "1.23456"),
    ],
)
def test_predictions_are_written_as_glue_takes_them(
    task: TextTask, output: Any, written: str, tmp_path: Path, stock: Any
) -> None:
    examples = [example("the", number=7)]
    predictions = task.decode(examples, task.encode(examples, stock), [output])
    task.write(examples, predictions, tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text() == f"index\tprediction\n7\t{written}\n"
