"""What a model makes of examples, against the losses that `transformers` computes."""

from typing import Any

import pytest
import tiny
import torch
from small_tasks import tag_task, tagged, text_task

import charbert
from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample, TextExample
from finetune.adversary.goal import Judge
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
    verdicts = Judge(task, model, tiny.tokenizer("bert"), batch_size=2)(examples)
    for example, verdict in zip(examples, verdicts, strict=True):
        assert verdict.loss == pytest.approx(loss_of(task, model, example), rel=1e-4)
        probabilities = verdict.prediction.probabilities
        assert verdict.right == (max(probabilities, key=probabilities.get) == example.label)


def test_the_loss_of_several_labels_is_the_mean_over_them() -> None:
    task = text_task("a", "b", "c", kind="multi_label")
    model = built("SequenceClassification", task)
    judge = Judge(task, model, tiny.tokenizer("bert"))
    example = text(TEXTS[0], ("a", "c"))
    (verdict,) = judge([example])
    assert verdict.loss == pytest.approx(loss_of(task, model, example), rel=1e-4)
    found = tuple(name for name, share in verdict.prediction.probabilities.items() if share >= 0.5)
    assert judge([example._replace(label=found[::-1])])[0].right
    assert not judge([example._replace(label=("a", "b", "c") if found != ("a", "b", "c") else ())])[0].right


def test_the_loss_of_tags_is_the_mean_over_the_words() -> None:
    task = tag_task("O", "B-LOC", "I-LOC")
    model = built("TokenClassification", task)
    judge = Judge(task, model, tiny.tokenizer("bert"))
    example = tagged("the foxes jumping over", "O B-LOC I-LOC O")
    (verdict,) = judge([example])
    assert verdict.loss == pytest.approx(loss_of(task, model, example), rel=1e-4)
    right = example._replace(tags=verdict.prediction.tags)
    wrong = right._replace(tags=(*right.tags[:3], "O" if right.tags[3] != "O" else "B-LOC"))
    assert [each.right for each in judge([right, wrong])] == [True, False]


@pytest.mark.parametrize("answers", [(Answer("quick fox", 4),), ()])
def test_the_loss_of_an_answer_is_that_of_where_it_starts_and_ends(answers: tuple[Answer, ...]) -> None:
    task = AnswerTask(max_length=32, stride=4, unanswerable=True)
    model = built("QuestionAnswering", task)
    (verdict,) = Judge(task, model, tiny.tokenizer("bert"))([question(answers)])
    assert verdict.loss == pytest.approx(loss_of(task, model, question(answers)), rel=1e-4)


def test_an_answer_is_right_where_it_matches_one_exactly() -> None:
    task = AnswerTask(max_length=32, stride=4, unanswerable=False)
    judge = Judge(task, built("QuestionAnswering", task), tiny.tokenizer("bert"))
    (verdict,) = judge([question((Answer("quick", 4),))])
    found = Answer(f"The {verdict.prediction.text}!", 0)
    other = Answer(f"{verdict.prediction.text} more", 0)
    assert judge([question((other, found))])[0].right
    assert not judge([question((other,))])[0].right


def test_no_answer_is_right_where_there_is_none() -> None:
    for threshold, right in ((-1e9, True), (1e9, False)):
        task = AnswerTask(max_length=32, stride=4, unanswerable=True, threshold=threshold)
        judge = Judge(task, built("QuestionAnswering", task), tiny.tokenizer("bert"))
        assert judge([question(())])[0].right == right


def test_a_long_sentence_has_one_verdict() -> None:
    task = tag_task("O", "B-LOC", "I-LOC")
    task.max_length = 16
    judge = Judge(task, built("TokenClassification", task), tiny.tokenizer("bert"))
    words = ["dog"] * 40
    long = tagged(" ".join(words), " ".join("O" for _ in words))
    short = tagged("a dog", "O O")
    verdicts = judge([long, short])
    assert [len(verdict.prediction.tags) for verdict in verdicts] == [40, 2]
    assert verdicts[1].loss == pytest.approx(judge([short])[0].loss, rel=1e-4)


def test_mixed_precision_computes_nearly_the_same() -> None:
    task = text_task("a", "b", "c")
    model = built("SequenceClassification", task)
    losses = [
        Judge(task, model, tiny.tokenizer("bert"), bf16=bf16)([text(TEXTS[0])])[0].loss
        for bf16 in (False, True)
    ]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], abs=0.2)


def test_a_reader_stands_before_the_model() -> None:
    task = text_task("a", "b", "c")
    model = built("SequenceClassification", task)
    plain = Judge(task, model, tiny.tokenizer("bert"))
    reading = Judge(
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
        Judge(task, None, tiny.tokenizer("bert"))
