"""Data sets of a run: what is held out where there is no dev set, and test sets without labels."""

import csv
import json
import logging
from pathlib import Path
from random import Random
from typing import Any

import pytest

from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample, TaggedExample, TextExample
from finetune.datasets import Sets, _divide, read_sets
from finetune.settings import FinetuneSettings


def sets(task: str, train: Path, **settings: Any) -> Sets:
    given = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
    return read_sets(FinetuneSettings(output="out", model="m", task=task, train=str(train), **given))[1]


def question(number: int, context: str, title: str = "") -> QuestionExample:
    return QuestionExample(str(number), "q", context, (Answer("a", 0),), True, title, "x: row 1")


def pair(number: int, text: str, other: str | None) -> TextExample:
    return TextExample(str(number), text, other, "x", "x: row 1")


def sentence(number: int, document: int, words: str = "") -> TaggedExample:
    return TaggedExample(str(number), (words or f"w{number}",), ("O",), document, "x: row 1")


def ids(examples: list[Any]) -> set[str]:
    return {example.id for example in examples}


def test_where_nothing_is_shared_examples_are_drawn_as_they_always_were() -> None:
    examples = [pair(number, f"t{number}", None) for number in range(57)]
    train, dev = _divide(examples, 0.1)
    assert ids(dev) == {str(number) for number in Random(0).sample(range(57), 6)}
    assert ids(train) | ids(dev) == ids(examples) and len(train) == 51


def test_questions_are_divided_by_title() -> None:
    examples = [question(number, f"c{number // 5}", f"t{number // 10}") for number in range(400)]
    train, dev = _divide(examples, 0.1)
    assert len(dev) == 40
    assert not {each.title for each in train} & {each.title for each in dev}


@pytest.mark.parametrize("title", ("", "large"))
def test_without_titles_or_with_one_that_is_too_large_questions_are_divided_by_context(title: str) -> None:
    examples = [question(number, f"c{number // 5}", title or f"t{number}") for number in range(397)]
    examples = [each._replace(title=title if int(each.id) < 300 else each.title) for each in examples]
    train, dev = _divide(examples, 0.1)
    assert 36 <= len(dev) <= 40
    assert not {each.context for each in train} & {each.context for each in dev}


@pytest.mark.parametrize(("contexts", "expected"), ((4, 3), (2, 6), (1, 1)))
def test_of_contexts_larger_than_the_share_one_is_held_out(contexts: int, expected: int) -> None:
    examples = [question(number, f"c{number % contexts}") for number in range(12)]
    train, dev = _divide(examples, 0.1)
    assert (len(train), len(dev)) == (12 - expected, expected)


def texts_of(examples: list[TextExample]) -> set[str]:
    return {text for example in examples for text in example.texts}


@pytest.mark.parametrize("seed", range(5))
def test_no_text_of_a_pair_is_on_both_sides(seed: int) -> None:
    draws = Random(seed)
    examples = [
        pair(number, f"a{draws.randrange(300)}", f"{draws.choice('ab')}{draws.randrange(600)}")
        for number in range(300)
    ]
    train, dev = _divide(examples, 0.2)
    assert 30 <= len(dev) <= 60 and len(train) + len(dev) == 300
    assert not texts_of(train) & texts_of(dev)


def test_pairs_that_all_hang_together_are_divided_by_their_first_texts_and_it_is_said(caplog: Any) -> None:
    examples = [pair(number, f"premise {number // 3}", "the same") for number in range(300)]
    with caplog.at_level(logging.INFO):
        train, dev = _divide(examples, 0.1)
    assert len(dev) == 30
    assert texts_of(train) & texts_of(dev) == {"the same"}
    assert "divided by first texts; of 101 texts, 1 are on both sides" in caplog.text


def test_pairs_of_one_first_text_are_divided_one_by_one() -> None:
    train, dev = _divide([pair(number, "a", f"b{number}") for number in range(50)], 0.1)
    assert (len(train), len(dev)) == (45, 5)


def test_a_text_that_comes_twice_is_on_one_side() -> None:
    examples = [pair(number, f"t{number // 2}", None) for number in range(100)]
    train, dev = _divide(examples, 0.1)
    assert len(dev) == 10 and not texts_of(train) & texts_of(dev)


def test_tagged_sentences_are_divided_by_documents_where_they_have_them(tmp_path: Path) -> None:
    blocks = [f"w{number} O\nx B-X\n" for number in range(200)]
    for number in range(0, 200, 4):
        blocks[number] = f"-DOCSTART- O\n\n{blocks[number]}"
    (tmp_path / "train.conll").write_text("\n".join(blocks))
    found = sets("tagging", tmp_path / "train.conll")
    train, dev = found.train, found.dev[""]
    assert (len(train), len(dev)) == (180, 20)
    assert not {each.document for each in train} & {each.document for each in dev}


def test_without_documents_no_sentence_is_on_both_sides() -> None:
    train, dev = _divide([sentence(number, 0, f"w{number // 4}") for number in range(200)], 0.1)
    assert len(dev) == 20
    assert not {each.words for each in train} & {each.words for each in dev}


def write_csv(path: Path, *rows: tuple[Any, ...]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows((("text", "label"), *rows))
    return path


TRAIN = tuple((f"text {number}", number % 2) for number in range(20))


@pytest.mark.parametrize("label", ("-1", "", "-1.0"))
def test_a_test_set_without_a_single_label_is_predicted_and_it_is_said(
    tmp_path: Path, label: str, caplog: Any
) -> None:
    train, test = (
        write_csv(tmp_path / "train.csv", *TRAIN),
        write_csv(tmp_path / "t.csv", *[("a", label)] * 3),
    )
    with caplog.at_level(logging.INFO):
        found = sets("text", train, test=test)
    assert [example.label for example in found.test[""]] == [None] * 3
    assert "t.csv, without labels: they are predicted, and not scored" in caplog.text


def test_a_single_row_without_its_label_is_a_bad_row_of_a_test_set(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", *TRAIN)
    for label, fault in (("", "has no label"), ("-1", "label '-1' is not among those of training")):
        test = write_csv(tmp_path / "t.csv", ("a", 1), ("b", label), ("c", 0))
        with pytest.raises(CharBertError, match=rf"t\.csv: row 3: .*{fault}"):
            sets("text", train, test=test)
        assert [each.text for each in sets("text", train, test=test, skip_bad_rows=True).test[""]] == [
            "a",
            "c",
        ]


@pytest.mark.parametrize("label", ("", "-1"))
def test_an_official_test_set_may_have_a_column_without_labels(tmp_path: Path, label: str) -> None:
    for name, labels in (("train", "01" * 10), ("test", [label] * 2), ("mixed", ["1", label])):
        rows = "".join(f"text {number}\t{each}\n" for number, each in enumerate(labels))
        (tmp_path / f"{name}.tsv").write_text(f"sentence\tlabel\n{rows}")
    train = tmp_path / "train.tsv"
    assert [each.label for each in sets("sst2", train, test=tmp_path / "test.tsv").test[""]] == [None, None]
    with pytest.raises(CharBertError, match=r"mixed\.tsv: row 3: has no label"):
        sets("sst2", train, test=tmp_path / "mixed.tsv")
    with pytest.raises(CharBertError, match=r"test\.tsv: row 2: has no label"):
        sets("sst2", train, dev=tmp_path / "test.tsv")


def test_a_bad_question_of_dev_costs_no_other(tmp_path: Path) -> None:
    rows = [
        {"question": "q?", "context": f"The answer is a{number}.", "answers": f"a{number}"}
        for number in range(6)
    ]
    for name, change in (("train", 0), ("dev", 1)):
        some = [
            {**row, "answers": "none"} if change and number == 1 else row for number, row in enumerate(rows)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, some)))
    found = sets("qa", tmp_path / "train.jsonl", dev=tmp_path / "dev.jsonl", skip_bad_rows=True)
    assert [each.gold for each in found.dev[""]] == [["a0"], ["a2"], ["a3"], ["a4"], ["a5"]]
