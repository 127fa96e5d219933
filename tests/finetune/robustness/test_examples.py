"""Texts of examples as a report shows them."""

from small_tasks import text_task

from data.examples.types import Answer, QuestionExample, TextExample
from finetune.robustness.examples import mark_changes
from finetune.tasks.answers import AnswerTask

CONTEXT = "x " * 100 + "the lazy dog" + " y" * 100


def test_a_long_context_is_shown_around_its_answer() -> None:
    answers = (Answer("the lazy dog", CONTEXT.index("the lazy dog")),)
    question = QuestionExample("q", "Who?", CONTEXT, answers, True, "", "file: row 1")
    _, excerpt = AnswerTask(unanswerable=False).show_texts(question)
    assert excerpt.startswith("… ")
    assert excerpt.endswith(" …")
    assert "the lazy dog" in excerpt
    assert len(excerpt) < 250


def test_both_texts_of_a_pair_are_shown() -> None:
    example = TextExample("0", "a text", "another", "a", "file: row 1")
    assert text_task("a", "b").show_texts(example) == ["a text", "another"]


def pieces(*texts: str, changed: int) -> list[dict[str, object]]:
    return [{"text": text, "changed": index == changed} for index, text in enumerate(texts)]


def test_changed_words_are_marked_on_both_sides() -> None:
    clean, noised = mark_changes("the lazy dog sleeps", "the lzay dog sleeps")
    assert clean == pieces("the", "lazy", "dog sleeps", changed=1)
    assert noised == pieces("the", "lzay", "dog sleeps", changed=1)


def test_joined_words_are_marked_as_one() -> None:
    clean, noised = mark_changes("the lazy dog", "thelazy dog")
    assert clean == pieces("the lazy", "dog", changed=0)
    assert noised == pieces("thelazy", "dog", changed=0)
