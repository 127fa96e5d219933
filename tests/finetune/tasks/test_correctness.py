"""Which predictions are right, and how a person reads them."""

import pytest
from small_tasks import tag_task, tagged, text_task

from data.examples.types import Answer, QuestionExample, TextExample
from finetune.tasks.answers import AnswerPrediction, AnswerTask
from finetune.tasks.tags import TagPrediction
from finetune.tasks.texts import TextPrediction

LOC = tagged("in Rome now", "O B-LOC O")
TAGS = tag_task("B-LOC", "O")
CONTEXT = "x " * 100 + "the lazy dog" + " y" * 100


def question(*answers: str) -> QuestionExample:
    given = tuple(Answer(text, CONTEXT.index(text)) for text in answers)
    return QuestionExample("q", "Who?", CONTEXT, given, bool(answers), "", "file: row 1")


def answer(text: str) -> AnswerPrediction:
    return AnswerPrediction("q", text, 0, 0, 1.0, 0.0, ())


def label(value: object) -> TextPrediction:
    return TextPrediction("0", value, {})  # type: ignore[arg-type]


def text(value: object, pair: str | None = None) -> TextExample:
    return TextExample("0", "a text", pair, value, "file: row 1")  # type: ignore[arg-type]


def test_tags_are_right_if_each_is() -> None:
    assert TAGS.is_correct(LOC, TagPrediction("0", ("O", "B-LOC", "O"), ()))
    assert not TAGS.is_correct(LOC, TagPrediction("0", ("O", "B-LOC", "B-LOC"), ()))


def test_wrong_tags_are_shown_with_their_words() -> None:
    assert (
        TAGS.show_prediction(LOC, TagPrediction("0", ("O", "O", "B-LOC"), ()))
        == "Rome: O, not B-LOC; now: B-LOC, not O"
    )
    assert TAGS.show_gold(LOC) == "Rome: B-LOC"


def test_of_many_wrong_tags_some_are_shown() -> None:
    words = tagged(" ".join("abcdefghij"), " ".join("OOOOOOOOOO"))
    shown = TAGS.show_prediction(words, TagPrediction("0", ("B-LOC",) * 10, ()))
    assert shown.count("B-LOC") == 8
    assert shown.endswith("; and 2 more")


def test_several_labels_are_right_in_any_order() -> None:
    task = text_task("a", "b", kind="multi_label")
    assert task.is_correct(text(("a", "b")), label(("b", "a")))
    assert not task.is_correct(text(("a", "b")), label(("a",)))
    assert task.show_prediction(text(()), label(())) == "(none)"


def test_numbers_are_never_right_or_wrong() -> None:
    assert not text_task(kind="regression").has_right_answers


@pytest.mark.parametrize(("given", "right"), [("The lazy dog!", True), ("lazy", False), ("", False)])
def test_an_answer_is_right_as_squad_compares_it(given: str, right: bool) -> None:
    assert AnswerTask(unanswerable=True).is_correct(question("the lazy dog"), answer(given)) is right


def test_of_a_question_without_answer_only_none_is_right() -> None:
    task = AnswerTask(unanswerable=True)
    assert task.is_correct(question(), answer(""))
    assert not task.is_correct(question(), answer("dog"))
    assert task.show_gold(question()) == task.show_prediction(question(), answer("")) == "(no answer)"
