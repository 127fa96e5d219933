"""Cells of a row: lists that were saved as texts, labels and tags, and what stands for no label."""

import json
from pathlib import Path
from typing import Any

import pytest

from charbert.errors import CharBertError
from data.examples.cells import write_labels
from data.examples.readers import Columns, has_labels, read_examples
from data.examples.rows import BadRows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.jsonl"


def write(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def read(task: str, source: str, labelled: bool = True, **columns: str) -> list[Any]:
    return list(read_examples(Columns(task=task, **columns), source, BadRows(), labelled))


def labels(source: str, kind: str, **columns: str) -> list[Any]:
    return [example.label for example in read("text", source, label_kind=kind, **columns)]


def test_labels_that_differ_in_white_space_around_them_or_in_a_point_are_one(path: Path) -> None:
    values = ("pos", "pos ", "\tpos", "\u00a0pos", 1, 1.0, " 1")
    source = write(path, *({"text": " a ", "label": value} for value in values))
    assert labels(source, "classification") == ["pos"] * 4 + ["1"] * 3
    assert read("text", source)[0].text == " a "


LISTS = (
    ('["x", "y z"]', ["x", "y z"]),
    ("['x', 'y z']", ["x", "y z"]),
    (" ['x' 'y z']\n", ["x", "y z"]),
    ("['x'\n 'y z']", ["x", "y z"]),
    ("""["it's", 'a, "b"']""", ["it's", 'a, "b"']),
    (r"['\\', '\'é', '\u00e9']", ["\\", "'é", "é"]),
    (r'["\ud83d\ude42"]', ["🙂"]),
    ("('x', \"it's\", 'y, z')", ["x", "it's", "y, z"]),
    ("('x',)", ["x"]),
)


@pytest.mark.parametrize(("cell", "expected"), LISTS)
def test_a_list_that_was_saved_as_a_text_is_a_list(tmp_path: Path, cell: str, expected: list[str]) -> None:
    row = {"text": "a", "words": cell, "tags": cell, "label": cell}
    source = write(tmp_path / "own.jsonl", row)
    (example,) = read("tagging", source)
    assert (example.words, example.tags) == (tuple(expected), tuple(expected))
    assert labels(source, "multi_label") == [tuple(expected)]


@pytest.mark.parametrize(
    ("tags", "expected"), (("[3, -4]", ("3", "-4")), ("[3 0]", ("3", "0")), ([" B-X", "O "], ("B-X", "O")))
)
def test_tags_may_be_numbers_and_lose_white_space_around_them(
    path: Path, tags: Any, expected: tuple[str, str]
) -> None:
    assert read("tagging", write(path, {"words": "[1] x", "tags": tags}))[0].tags == expected


@pytest.mark.parametrize(
    "text", ("[ x ]", "[1, 2]", "[sic]", "]", "x ['y']", "[", "('x')", "('x' y)", "('tis")
)
def test_words_in_brackets_are_no_list(path: Path, text: str) -> None:
    assert read("tagging", write(path, {"words": text}), labelled=False)[0].words == tuple(text.split())


@pytest.mark.parametrize(
    "cell",
    ("['x', None]", "['x', ...]", "['x' ... 'y']", "['x'", "['x'y]", '["x", 1]', r"['\x4']", "['x', ['y']]"),
)
def test_what_begins_as_a_list_of_texts_and_is_none_is_bad(path: Path, cell: str) -> None:
    source = write(path, {"text": "a", "words": "x y", "tags": cell, "label": cell})
    with pytest.raises(CharBertError, match=r"own\.jsonl: row 1: holds no list of texts"):
        read("tagging", source)
    with pytest.raises(CharBertError, match=r"own\.jsonl: row 1: holds no list of texts"):
        labels(source, "multi_label")


@pytest.mark.parametrize(
    ("given", "expected"),
    (
        (("x", "y"), "x|y"),
        (("x|y", "z"), '["x|y", "z"]'),
        (("[x", "é|"), '["[x", "é|"]'),
        (("['",), '["[\'"]'),
        ((), ""),
    ),
)
def test_labels_are_written_so_that_they_are_read(
    tmp_path: Path, given: tuple[str, ...], expected: str
) -> None:
    assert write_labels(given, "|") == expected
    source = tmp_path / "own.tsv"
    source.write_text(f"text\tlabel\na\t{expected}\n", encoding="utf-8")
    assert labels(str(source), "multi_label", separator="|") == [given]


UNKNOWN = (-1, "-1", -1.0, "", " ", None, float("nan"))


@pytest.mark.parametrize(
    ("task", "column", "unknown", "known"),
    (
        ("text", "label", UNKNOWN, 0),
        ("text", "label", ([], [-1], "[]", "[-1, -1]"), ["x"]),
        ("tagging", "tags", (*UNKNOWN, [], [-1, -100], "[-1, -1]", "-1 -1", [None]), ["O", "O"]),
        ("tagging", "tags", UNKNOWN, "O B-X"),
        ("qa", "answers", (*UNKNOWN, [], {"text": [], "answer_start": []}), "a"),
        ("qa", "answers", UNKNOWN, {"text": ["a"], "answer_start": [0]}),
    ),
)
def test_a_column_without_a_single_label_is_one_of_data_without_labels(
    path: Path, task: str, column: str, unknown: tuple[Any, ...], known: Any
) -> None:
    rows = [{"text": "a", **({} if value is None else {column: value})} for value in unknown]
    assert not has_labels(Columns(task=task), write(path, *rows))
    assert has_labels(Columns(task=task), write(path, *rows, {"text": "a", column: known}))
