"""Examples and predictions as a person reads them."""

import pytest
from small_tasks import tag_task, tagged, text_task

from data.examples.types import Answer, QuestionExample, TextExample
from finetune.robustness.shown import Piece, attacked_texts, compared, gold, is_right, said
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
    assert is_right(TAGS, LOC, TagPrediction("0", ("O", "B-LOC", "O"), ()))
    assert not is_right(TAGS, LOC, TagPrediction("0", ("O", "B-LOC", "B-LOC"), ()))


def test_wrong_tags_are_told_with_their_words() -> None:
    assert said(LOC, TagPrediction("0", ("O", "O", "B-LOC"), ())) == "Rome: O, not B-LOC; now: B-LOC, not O"
    assert gold(LOC) == "Rome: B-LOC"


def test_of_many_wrong_tags_some_are_told() -> None:
    words = tagged(" ".join("abcdefghij"), " ".join("OOOOOOOOOO"))
    told = said(words, TagPrediction("0", ("B-LOC",) * 10, ()))
    assert told.count("B-LOC") == 8
    assert told.endswith("; and 2 more")


def test_several_labels_are_right_in_any_order() -> None:
    task = text_task("a", "b", kind="multi_label")
    assert is_right(task, text(("a", "b")), label(("b", "a")))
    assert not is_right(task, text(("a", "b")), label(("a",)))
    assert said(text(()), label(())) == "(none)"


def test_numbers_are_never_right_or_wrong() -> None:
    assert is_right(text_task(kind="regression"), text(1.5), label(1.5)) is None


@pytest.mark.parametrize(("given", "right"), [("The lazy dog!", True), ("lazy", False), ("", False)])
def test_an_answer_is_right_as_squad_compares_it(given: str, right: bool) -> None:
    assert is_right(AnswerTask(unanswerable=True), question("the lazy dog"), answer(given)) is right


def test_of_a_question_without_answer_only_none_is_right() -> None:
    task = AnswerTask(unanswerable=True)
    assert is_right(task, question(), answer(""))
    assert not is_right(task, question(), answer("dog"))
    assert gold(question()) == said(question(), answer("")) == "(no answer)"


def test_a_long_context_is_shown_around_its_answer() -> None:
    _, excerpt = attacked_texts(question("the lazy dog"))
    assert excerpt.startswith("… ")
    assert excerpt.endswith(" …")
    assert "the lazy dog" in excerpt
    assert len(excerpt) < 250


def test_both_texts_of_a_pair_are_shown() -> None:
    assert attacked_texts(text("a", "another")) == ["a text", "another"]


def test_changed_words_are_marked_on_both_sides() -> None:
    clean, noised = compared("the lazy dog sleeps", "the lzay dog sleeps")
    assert clean == [Piece("the", False), Piece("lazy", True), Piece("dog sleeps", False)]
    assert noised == [Piece("the", False), Piece("lzay", True), Piece("dog sleeps", False)]


def test_joined_words_are_marked_as_one() -> None:
    clean, noised = compared("the lazy dog", "thelazy dog")
    assert clean == [Piece("the lazy", True), Piece("dog", False)]
    assert noised == [Piece("thelazy", True), Piece("dog", False)]
