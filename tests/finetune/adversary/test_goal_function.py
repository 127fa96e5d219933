"""What a model makes of examples, against the losses that `transformers` computes."""

from typing import Any

import pytest
import tiny
import torch
from small_tasks import tag_task, tagged, text_task

import charbert
from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample, TextExample
from finetune.adversary.goal_function import GoalFunction
from finetune.tasks.answers import AnswerTask
from finetune.tasks.base import Task

TEXTS = ("the lazy dog", "she jumps over the quick brown fox", "a word")


def text(words: str, label: Any = "b", pair: str | None = None) -> TextExample:
    return TextExample("0", words, pair, label, "file: row 1")


def question(answers: tuple[Answer, ...]) -> QuestionExample:
    return QuestionExample("0", "the fox", "the quick fox jumps", answers, bool(answers), "", "file: row 1")


def loss_of(task: Task[Any, Any], model: Any, example: Any) -> float:
    """The model's own loss of an example that makes one row."""
    (row,) = task.encode([example], tiny.tokenizer("bert")).inputs
    with torch.inference_mode():
        return float(model(**{name: torch.tensor([value]) for name, value in row.items()}).loss)


def built(head: str, task: Task[Any, Any]) -> Any:
    model = tiny.build(getattr(charbert, f"CharBertFor{head}"), "bert")
    model.config.problem_type = task.model_settings.get("problem_type")
    return model


def test_the_loss_of_a_class_is_its_negative_log_probability() -> None:
    task = text_task("a", "b", "c")
    model = built("SequenceClassification", task)
    examples = [text(words, label, "a dog") for words, label in zip(TEXTS, "abc", strict=True)]
    results = GoalFunction(task, model, tiny.tokenizer("bert"), batch_tokens=20)(examples)
    for example, result in zip(examples, results, strict=True):
        assert result.loss == pytest.approx(loss_of(task, model, example), rel=1e-4)
        probabilities = result.prediction.probabilities
        assert result.is_correct == (max(probabilities, key=probabilities.get) == example.label)


def test_the_loss_of_several_labels_is_the_mean_over_them() -> None:
    task = text_task("a", "b", "c", kind="multi_label")
    model = built("SequenceClassification", task)
    goal_function = GoalFunction(task, model, tiny.tokenizer("bert"))
    example = text(TEXTS[0], ("a", "c"))
    (result,) = goal_function([example])
    assert result.loss == pytest.approx(loss_of(task, model, example), rel=1e-4)
    found = tuple(name for name, share in result.prediction.probabilities.items() if share >= 0.5)
    assert goal_function([example._replace(label=found[::-1])])[0].is_correct
    assert not goal_function([example._replace(label=("a", "b", "c") if found != ("a", "b", "c") else ())])[
        0
    ].is_correct


def test_the_loss_of_tags_is_the_mean_over_the_words() -> None:
    task = tag_task("O", "B-LOC", "I-LOC")
    model = built("TokenClassification", task)
    goal_function = GoalFunction(task, model, tiny.tokenizer("bert"))
    example = tagged("the foxes jumping over", "O B-LOC I-LOC O")
    (result,) = goal_function([example])
    assert result.loss == pytest.approx(loss_of(task, model, example), rel=1e-4)
    right = example._replace(tags=result.prediction.tags)
    wrong = right._replace(tags=(*right.tags[:3], "O" if right.tags[3] != "O" else "B-LOC"))
    assert [each.is_correct for each in goal_function([right, wrong])] == [True, False]


@pytest.mark.parametrize("answers", [(Answer("quick fox", 4),), ()])
def test_the_loss_of_an_answer_is_that_of_where_it_starts_and_ends(answers: tuple[Answer, ...]) -> None:
    task = AnswerTask(max_length=32, stride=4, unanswerable=True)
    model = built("QuestionAnswering", task)
    (result,) = GoalFunction(task, model, tiny.tokenizer("bert"))([question(answers)])
    assert result.loss == pytest.approx(loss_of(task, model, question(answers)), rel=1e-4)


def test_an_answer_is_right_where_it_matches_one_exactly() -> None:
    task = AnswerTask(max_length=32, stride=4, unanswerable=False)
    goal_function = GoalFunction(task, built("QuestionAnswering", task), tiny.tokenizer("bert"))
    (result,) = goal_function([question((Answer("quick", 4),))])
    found = Answer(f"The {result.prediction.text}!", 0)
    other = Answer(f"{result.prediction.text} more", 0)
    assert goal_function([question((other, found))])[0].is_correct
    assert not goal_function([question((other,))])[0].is_correct


def test_no_answer_is_right_where_there_is_none() -> None:
    for threshold, right in ((-1e9, True), (1e9, False)):
        task = AnswerTask(max_length=32, stride=4, unanswerable=True, threshold=threshold)
        goal_function = GoalFunction(task, built("QuestionAnswering", task), tiny.tokenizer("bert"))
        assert goal_function([question(())])[0].is_correct == right


def test_a_long_sentence_has_one_verdict() -> None:
    task = tag_task("O", "B-LOC", "I-LOC")
    task.max_length = 16
    goal_function = GoalFunction(task, built("TokenClassification", task), tiny.tokenizer("bert"))
    words = ["dog"] * 40
    long = tagged(" ".join(words), " ".join("O" for _ in words))
    short = tagged("a dog", "O O")
    results = goal_function([long, short])
    assert [len(result.prediction.tags) for result in results] == [40, 2]
    assert results[1].loss == pytest.approx(goal_function([short])[0].loss, rel=1e-4)


def test_mixed_precision_computes_nearly_the_same() -> None:
    task = text_task("a", "b", "c")
    model = built("SequenceClassification", task)
    losses = [
        GoalFunction(task, model, tiny.tokenizer("bert"), bf16=bf16)([text(TEXTS[0])])[0].loss
        for bf16 in (False, True)
    ]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], abs=0.2)


def test_a_reader_stands_before_the_model() -> None:
    task = text_task("a", "b", "c")
    model = built("SequenceClassification", task)
    plain = GoalFunction(task, model, tiny.tokenizer("bert"))
    reading = GoalFunction(
        task,
        model,
        tiny.tokenizer("bert"),
        reader=lambda examples: [each._replace(text="the lazy dog") for each in examples],
    )
    (read,), (expected,) = reading([text("a word")]), plain([text("the lazy dog")])
    assert read == expected


def test_numbers_are_refused() -> None:
    task = text_task(kind="regression")
    with pytest.raises(CharBertError, match="never simply right or wrong"):
        GoalFunction(task, None, tiny.tokenizer("bert"))
