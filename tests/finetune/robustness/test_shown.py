"""Examples as a person reads them."""

from data.examples.types import Answer, QuestionExample, TextExample
from finetune.robustness.shown import Piece, attacked_texts, compared

CONTEXT = "x " * 100 + "the lazy dog" + " y" * 100


def test_a_long_context_is_shown_around_its_answer() -> None:
    answers = (Answer("the lazy dog", CONTEXT.index("the lazy dog")),)
    question = QuestionExample("q", "Who?", CONTEXT, answers, True, "", "file: row 1")
    _, excerpt = attacked_texts(question)
    assert excerpt.startswith("… ")
    assert excerpt.endswith(" …")
    assert "the lazy dog" in excerpt
    assert len(excerpt) < 250


def test_both_texts_of_a_pair_are_shown() -> None:
    assert attacked_texts(TextExample("0", "a text", "another", "a", "file: row 1")) == ["a text", "another"]


def test_changed_words_are_marked_on_both_sides() -> None:
    clean, noised = compared("the lazy dog sleeps", "the lzay dog sleeps")
    assert clean == [Piece("the", False), Piece("lazy", True), Piece("dog sleeps", False)]
    assert noised == [Piece("the", False), Piece("lzay", True), Piece("dog sleeps", False)]


def test_joined_words_are_marked_as_one() -> None:
    clean, noised = compared("the lazy dog", "thelazy dog")
    assert clean == [Piece("the lazy", True), Piece("dog", False)]
    assert noised == [Piece("thelazy", True), Piece("dog", False)]
