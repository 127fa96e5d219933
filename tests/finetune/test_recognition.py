"""A word recogniser before a model: labelled examples with what it reads in place of their words."""

from functools import partial
from pathlib import Path

import pytest
from small_correction import saved_model
from small_recognition import OTHERS, WORDS, small_recognizer

import charbert
from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample, TaggedExample, TextExample
from finetune.adversary.settings import WorstCaseSettings
from finetune.recognition import load_recognizer, recognize_words
from finetune.robustness.settings import split_model
from finetune.settings import FinetuneSettings


def text_example(text: str, pair: str | None = None) -> TextExample:
    return TextExample("7", text, pair, "good", "file: row 3")


def test_words_are_read_where_tags_stand() -> None:
    words = ("The", "teachr", "ovr", "Qaurtz", ",", "Borwn", "borwn lazzy")
    example = TaggedExample("7", words, ("O", "O", "O", "B-LOC", "O", "B-PER", "O"), 2, "file: row 3")
    [read] = recognize_words([example], small_recognizer().correct)
    assert read == example._replace(words=("The", "teacher", "over", "Qaurtz", ",", "Brown", "borwn lazzy"))


def test_texts_keep_their_white_space_to_the_character() -> None:
    example = text_example("\t The  borwn\u00a0foxxes,\n\n(lazzy) ")
    [read] = recognize_words([example], small_recognizer().correct)
    assert read == example._replace(text="\t The  brown\u00a0foxes,\n\n(lazy) ")


@pytest.mark.parametrize("text", ("", " ", "\n brown"))
def test_texts_without_typos_stay(text: str) -> None:
    assert recognize_words([text_example(text)], small_recognizer().correct) == [text_example(text)]


def test_both_texts_of_a_pair_are_read() -> None:
    [read, alone] = recognize_words(
        [text_example("lazzy foxxes", "the gadren"), text_example("widnow")], small_recognizer().correct
    )
    assert (read.text, read.pair) == ("lazy foxes", "the garden")
    assert (alone.text, alone.pair) == ("window", None)


def test_questions_are_read_and_contexts_stay() -> None:
    context = "the borwn foxxes"
    example = QuestionExample(
        "7", "the  lazzy teahcer?", context, (Answer("foxxes", 10),), True, "", "file: row 3"
    )
    [read] = recognize_words([example], small_recognizer().correct)
    assert read == example._replace(question="the  lazy teacher?")


def test_unknown_words_become_what_is_asked_for() -> None:
    other = small_recognizer(OTHERS[:2], (*OTHERS[2:], *WORDS))
    example = text_example("qaurtz borwn")
    assert (
        recognize_words([example], partial(small_recognizer().correct, unknown="neutral"))[0].text
        == "a brown"
    )
    assert (
        recognize_words([example], partial(small_recognizer().correct, unknown="backoff", backoff=other))[
            0
        ].text
        == "quartz brown"
    )


def test_many_examples_come_back_in_their_order() -> None:
    examples = [text_example("lazzy " * (number % 3), str(number)) for number in range(2003)]
    read = recognize_words(examples, partial(small_recognizer().correct, batch_size=64))
    assert read == [text_example("lazy " * (number % 3), str(number)) for number in range(len(examples))]


def test_no_examples_give_none() -> None:
    assert recognize_words([], small_recognizer().correct) == []


def test_a_way_with_unknown_words_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CharBertError, match="choose one of pass, neutral, backoff"):
        recognize_words([text_example("brown")], partial(small_recognizer().correct, unknown="skip"))


def test_a_noisy_lm_corrects_words_in_a_recognizers_place(tmp_path: Path) -> None:
    folder = saved_model(tmp_path / "model", "bert", {"brown": 0.9, "lazy": 0.9})
    [model], correct = load_recognizer([folder], "0.1")
    words = ("Borwn", "(lzay),", "a borwn\tlzay", "", "borwn")
    example = TaggedExample("7", words, ("B-PER", "O", "O", "O", "O"), 2, "file: row 3")
    [read] = recognize_words([example], correct)
    assert read == example._replace(words=("Brown", "(lazy),", "a brown\tlazy", "", "brown"))
    [read] = recognize_words([text_example(" a  lzay\u00a0borwn\n")], correct)
    assert read.text == " a  lazy\u00a0brown\n"
    assert model.num_parameters() > 0
    _, hesitant = load_recognizer([folder], "1")
    assert hesitant([words]) == [list(words)]
    for text in ("neutral", "1.5"):
        with pytest.raises(CharBertError, match=f"model::{text}: a noisy LM takes a threshold from 0 to 1"):
            load_recognizer([folder], text)


def test_the_packages_model_is_given_by_its_name() -> None:
    folder = str(charbert.path("mini"))
    assert split_model("a=runs/ner::mini::0.2") == ("a", "runs/ner", [folder, "0.2"])
    assert FinetuneSettings(task="ner", model="mini", output="new").model == folder
    given = WorstCaseSettings(model="runs/ner", file="x.conll", output="y.json", recognizer="mini")
    assert given.recognizer == folder


def test_no_other_option_takes_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = FinetuneSettings(task="ner", model="mini", data="mini", output="new")
    with pytest.raises(CharBertError, match="--data: mini: no such folder"):
        given.check_paths()
