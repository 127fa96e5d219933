import json
from pathlib import Path
from typing import Any

import pytest

from charbert.errors import CharBertError
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.types import Answer, QuestionExample

CONTEXT = "Paris is in France.\nParis is large."
PARIS = [{"text": "Paris", "answer_start": 20}, {"text": "Paris", "answer_start": 0}]
QUESTION = {"id": "q1", "question": "Which?", "answers": PARIS}


def squad(*questions: dict[str, Any]) -> dict[str, Any]:
    paragraph = {"context": CONTEXT, "qas": list(questions)}
    return {"version": "1.1", "data": [{"title": "Cities", "paragraphs": [paragraph]}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dev.json"


def read(path: Path, content: Any, skip: bool = False) -> list[Any]:
    path.write_text(json.dumps(content), encoding="utf-8")
    return questions_of(path, skip)


def questions_of(path: Path, skip: bool = False) -> list[Any]:
    return list(read_examples(Columns(task="squad"), str(path), BadRows(skip)))


def test_a_question_of_version_1_has_its_answers(path: Path) -> None:
    answers = (Answer("Paris", 20), Answer("Paris", 0))
    assert read(path, squad(QUESTION)) == [
        QuestionExample("q1", "Which?", CONTEXT, answers, True, "Cities", f"{path}: question q1")
    ]


def test_version_2_says_which_questions_have_no_answer(path: Path) -> None:
    examples = read(
        path,
        squad(
            {**QUESTION, "is_impossible": False},
            {
                "id": "q2",
                "question": "Why?",
                "answers": [],
                "plausible_answers": PARIS,
                "is_impossible": True,
            },
        ),
    )
    assert [(example.id, len(example.answers), example.answerable) for example in examples] == [
        ("q1", 2, True),
        ("q2", 0, False),
    ]


@pytest.mark.parametrize(
    ("question", "expected"),
    (
        ({"id": "q", "question": "Why?"}, None),
        ({"id": "q", "question": "Why?", "is_impossible": False}, None),
        ({"id": "q", "question": "Why?", "is_impossible": True}, False),
        ({"id": "q", "question": "Why?", "answers": []}, False),
    ),
)
def test_a_question_without_answers_has_one_only_if_the_file_says_so(
    path: Path, question: dict[str, Any], expected: bool | None
) -> None:
    assert [(example.answers, example.answerable) for example in read(path, squad(question))] == [
        ((), expected)
    ]


def test_questions_come_in_the_order_of_their_articles(path: Path) -> None:
    articles = [
        {"paragraphs": [{"context": f"{name}{number}", "qas": [{"id": f"{name}{number}", "question": "?"}]}]}
        for name in "ba"
        for number in (2, 1)
    ]
    examples = read(path, {"data": articles})
    assert [(example.id, example.context, example.title) for example in examples] == [
        (name, name, "") for name in ("b2", "b1", "a2", "a1")
    ]


def test_a_title_that_is_null_is_none(path: Path) -> None:
    content = squad(QUESTION)
    content["data"][0]["title"] = None
    assert [example.title for example in read(path, content)] == [""]


def test_a_byte_order_mark_and_windows_lines_are_simply_read(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(squad(QUESTION), indent=1).replace("\n", "\r\n").encode())
    assert next(iter(questions_of(path))).context == CONTEXT


@pytest.mark.parametrize(
    ("changes", "fault"),
    (
        (
            {"answers": [{"text": "Paris", "answer_start": 21}]},
            "the answer 'Paris' is not at character 21",
        ),
        ({"answers": [{"text": "paris", "answer_start": 0}]}, "the answer 'paris' is not at character"),
        ({"answers": [{"text": "Paris"}]}, "has answers that are not pairs of text and answer_start"),
        ({"answers": None}, "has answers that are not pairs of text and answer_start"),
        ({"is_impossible": True}, "has 2 answers, but is_impossible is true"),
        ({"answers": [], "is_impossible": False}, "has 0 answers, but is_impossible is false"),
        ({"question": None}, "has nothing in column 'question'"),
        ({"id": "q0"}, "an earlier question has the id 'q0' too"),
    ),
)
def test_a_question_that_cannot_be_used_is_named(path: Path, changes: dict[str, Any], fault: str) -> None:
    broken = {**QUESTION, **changes}
    content = squad({**QUESTION, "id": "q0"}, broken, {**QUESTION, "id": "q2"})
    with pytest.raises(CharBertError, match=rf"dev\.json: question {broken['id']}: {fault}"):
        read(path, content)
    assert [example.id for example in read(path, content, skip=True)] == ["q0", "q2"]


@pytest.mark.parametrize(
    "content",
    (
        [],
        {},
        {"data": 7},
        {"data": [{}]},
        {"data": [{"paragraphs": [{"qas": []}]}]},
        squad({"question": "?"}),
    ),
)
def test_other_json_is_told_in_one_line(path: Path, content: Any) -> None:
    with pytest.raises(CharBertError, match=r"dev\.json: not in SQuAD's form, data > paragraphs > "):
        read(path, content)


@pytest.mark.parametrize(
    ("content", "fault"),
    (
        (b"", "is empty"),
        (b'{"data": [', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"data":\n"caf\xe9"}', "row 2 is not UTF-8; convert the file to UTF-8 first"),
        (b'{"data": []}', "holds no examples"),
    ),
    ids=("empty", "cut", "deep", "not-utf8", "no-questions"),
)
def test_a_file_that_cannot_be_read_is_told_in_one_line(path: Path, content: bytes, fault: str) -> None:
    path.write_bytes(content)
    with pytest.raises(CharBertError, match=rf"dev\.json: {fault}"):
        questions_of(path, skip=True)


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"dev\.json: no such file"):
        list(read_examples(Columns(task="squad"), str(path), BadRows()))
