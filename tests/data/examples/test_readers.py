"""Examples out of tables of one's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from charbert.errors import CharBertError
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.types import Answer, Label, QuestionExample, TaggedExample, TextExample

CONTEXT = "Paris is in France. Paris is large."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.jsonl"


def write_json(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def write_text(path: Path, content: str) -> str:
    path.write_text(content, encoding="utf-8")
    return str(path)


def texts(
    source: str, bad: BadRows | None = None, label: str | None = "label", **columns: Any
) -> Iterator[Any]:
    columns = {f"{name}_column" if name in ("text", "pair") else name: each for name, each in columns.items()}
    given = Columns(task="text", label_column=label or "label", **columns)
    return read_examples(given, source, BadRows() if bad is None else bad, labelled=label is not None)


def labels(source: str, kind: str, **changes: Any) -> list[Label | None]:
    return [example.label for example in texts(source, label_kind=kind, **changes)]


def sentences(source: str, labelled: bool = True, **columns: str) -> list[Any]:
    return list(read_examples(Columns(task="tagging", **columns), source, BadRows(), labelled))


def questions(source: str, labelled: bool = True, skip: bool = False) -> list[Any]:
    return list(read_examples(Columns(task="qa"), source, BadRows(skip), labelled))


def test_columns_become_a_text_example(tmp_path: Path) -> None:
    source = write_text(tmp_path / "own.csv", "review,verdict,other\nfine,good,x\nawful,bad,y\n")
    assert list(texts(source, text="review", pair="other", label="verdict")) == [
        TextExample("0", "fine", "x", "good", f"{source}: row 2"),
        TextExample("1", "awful", "y", "bad", f"{source}: row 3"),
    ]


def test_a_column_id_names_the_examples(path: Path) -> None:
    source = write_json(path, {"id": "q7", "text": "a"}, {"id": 12, "text": "b"}, {"id": None, "text": "c"})
    assert [example.id for example in texts(source, label=None)] == ["q7", "12", "2"]


def test_without_a_label_column_examples_have_no_label(tmp_path: Path) -> None:
    source = write_text(tmp_path / "own.csv", "text\nfine\n")
    assert next(texts(source, label=None)).label is None


@pytest.mark.parametrize(
    ("value", "expected"), ((1, "1"), (1.5, "1.5"), (True, "true"), ("1", "1"), ("a b", "a b"))
)
def test_numbers_and_truth_values_become_texts_as_json_shows_them(
    path: Path, value: Any, expected: str
) -> None:
    example = next(texts(write_json(path, {"text": value, "label": value})))
    assert (example.text, example.label) == (expected, expected)


def test_an_empty_text_is_none(path: Path) -> None:
    with pytest.raises(CharBertError, match="row 1: has an empty text in column 'text'"):
        next(texts(write_json(path, {"text": "", "label": "a"})))


@pytest.mark.parametrize(
    ("row", "fault"),
    (
        ({"text": None, "label": "a"}, "has nothing in column 'text'"),
        ({"label": "a"}, "has nothing in column 'text'"),
        ({"text": ["a"], "label": "a"}, "column 'text' holds no text"),
        ({"text": "\ud83d", "label": "a"}, "column 'text' has an escape .* half a character"),
        ({"text": "a", "label": None}, "has nothing in column 'label'"),
        ({"text": "a", "label": float("nan")}, "has nothing in column 'label'"),
        ({"text": "a", "label": " "}, "column 'label' has no label"),
    ),
)
def test_a_row_without_its_text_or_label_is_bad(path: Path, row: dict[str, Any], fault: str) -> None:
    source = write_json(path, {"text": "a", "label": "a"}, row)
    with pytest.raises(CharBertError, match=rf"own\.jsonl: row 2: {fault}"):
        list(texts(source))


def test_bad_rows_can_be_left_out_and_are_named(path: Path) -> None:
    bad = BadRows(skip=True)
    source = write_json(
        path, {"text": "a", "label": "x"}, {"text": "b", "label": ""}, {"text": "c", "label": "y"}
    )
    assert [(example.id, example.text) for example in texts(source, bad=bad)] == [("0", "a"), ("1", "c")]
    assert bad.summary() == f"1 row left out:\n  {path}: row 2: column 'label' has no label"


@pytest.mark.parametrize("column", ("text", "pair", "label"))
@pytest.mark.parametrize("skip", (False, True))
def test_a_missing_column_is_named_with_those_that_exist(tmp_path: Path, column: str, skip: bool) -> None:
    source = write_text(tmp_path / "own.csv", "text,pair,label\na,b,c\n")
    columns = {"text": "text", "pair": "pair", "label": "label", column: "other"}
    with pytest.raises(
        CharBertError, match=r"own\.csv: has no column 'other'; its columns: 'text', 'pair', 'label'"
    ):
        list(texts(source, bad=BadRows(skip), **columns))


@pytest.mark.parametrize(("value", "expected"), ((3, 3.0), (0.25, 0.25), ("-1e-3", -0.001), (" 2 ", 2.0)))
def test_a_label_of_regression_is_a_number(path: Path, value: Any, expected: float) -> None:
    assert labels(write_json(path, {"text": "a", "label": value}), "regression") == [expected]


@pytest.mark.parametrize("value", ("much", "", "nan", "inf", float("inf"), True, [1], "1,5", 10**400))
def test_what_is_no_finite_number_is_a_bad_row_of_regression(path: Path, value: Any) -> None:
    with pytest.raises(CharBertError, match=r"own\.jsonl: row 1: column 'label' holds no number"):
        labels(write_json(path, {"text": "a", "label": value}), "regression")


@pytest.mark.parametrize(
    ("value", "expected"),
    (
        (["x", " y "], ("x", "y")),
        ("x, y,,x ", ("x", "y")),
        ([1, 2], ("1", "2")),
        (7, ("7",)),
        ([], ()),
        ("", ()),
    ),
)
def test_labels_that_hold_at_once_are_a_list_or_a_text(
    path: Path, value: Any, expected: tuple[str, ...]
) -> None:
    assert labels(write_json(path, {"text": "a", "label": value}), "multi_label") == [expected]


def test_the_separator_of_labels_can_be_chosen(tmp_path: Path) -> None:
    source = write_text(tmp_path / "own.tsv", "text\tlabel\na\tx, y | z\n")
    assert labels(source, "multi_label", separator="|") == [("x, y", "z")]


def test_an_empty_separator_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match="separator: is empty"):
        texts(str(path), label_kind="multi_label", separator="")


@pytest.mark.parametrize("value", (None, ["x", None], [["x"]]))
def test_labels_that_are_unknown_are_a_bad_row(path: Path, value: Any) -> None:
    with pytest.raises(CharBertError, match=r"own\.jsonl: row 1: .*column 'label'"):
        labels(write_json(path, {"text": "a", "label": value}), "multi_label")


def test_a_header_alone_holds_no_examples(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"own\.csv: holds no examples"):
        list(texts(write_text(tmp_path / "own.csv", "text,label\n")))


def test_parquet_goes_through_as_other_tables(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), tmp_path / "own.parquet")
    assert labels(str(tmp_path / "own.parquet"), "classification") == ["0", "1"]


def test_words_and_tags_are_lists(path: Path) -> None:
    source = write_json(path, {"id": "s", "tokens": ["New York", "!"], "ner": ["B-LOC", "O"]})
    expected = TaggedExample("s", ("New York", "!"), ("B-LOC", "O"), 0, f"{source}: row 1")
    assert sentences(source, words_column="tokens", tags_column="ner") == [expected]


def test_words_and_tags_may_be_texts(tmp_path: Path) -> None:
    source = write_text(tmp_path / "own.csv", "words,tags\n  In  Paris ,O B-LOC\n")
    example = sentences(source)[0]
    assert (example.words, example.tags) == (("In", "Paris"), ("O", "B-LOC"))


def test_sentences_may_have_no_tags(tmp_path: Path) -> None:
    source = write_text(tmp_path / "own.csv", "words\nIn Paris\n")
    assert sentences(source, labelled=False)[0].tags is None


@pytest.mark.parametrize(
    ("row", "fault"),
    (
        ({"words": ["In", "Paris"], "tags": ["O"]}, "has 2 words, but 1 tags"),
        ({"words": [], "tags": []}, "has no words"),
        ({"words": " ", "tags": ""}, "has no words"),
        ({"words": ["In", None], "tags": ["O", "O"]}, "column 'words' holds no text"),
        ({"words": ["In"], "tags": None}, "has nothing in column 'tags'"),
    ),
)
def test_a_sentence_whose_tags_do_not_fit_is_bad(path: Path, row: dict[str, Any], fault: str) -> None:
    source = write_json(path, {"words": ["a"], "tags": ["O"]}, row)
    with pytest.raises(CharBertError, match=rf"own\.jsonl: row 2: {fault}"):
        sentences(source)


def test_a_missing_column_of_tags_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"own\.jsonl: has no column 'tags'; its columns: 'words'"):
        sentences(write_json(path, {"words": ["a"]}))


@pytest.mark.parametrize(
    "answers",
    (
        {"text": ["Paris", "France"], "answer_start": [20, 12]},
        [{"text": "Paris", "answer_start": 20}, {"text": "France", "answer_start": 12}],
    ),
)
def test_answers_stand_where_they_say(path: Path, answers: Any) -> None:
    row = {"id": "q1", "title": "Cities", "question": "Which?", "context": CONTEXT, "answers": answers}
    source = write_json(path, row)
    found = (Answer("Paris", 20), Answer("France", 12))
    place = f"{source}: row 1"
    assert questions(source) == [QuestionExample("q1", "Which?", CONTEXT, found, True, "Cities", place)]


def test_an_answer_that_is_a_text_starts_where_it_first_stands(tmp_path: Path) -> None:
    source = write_text(tmp_path / "own.csv", f"question,context,answers\nWhich?,{CONTEXT}, Paris \n")
    assert [(example.id, example.title, example.answers) for example in questions(source)] == [
        ("0", "", (Answer("Paris", 0),))
    ]


@pytest.mark.parametrize("answers", ({"text": [], "answer_start": []}, [], "", " ", None))
def test_an_empty_answer_says_that_there_is_none(path: Path, answers: Any) -> None:
    source = write_json(path, {"question": "Which?", "context": CONTEXT, "answers": answers})
    assert [(example.answers, example.answerable) for example in questions(source)] == [((), False)]


def test_without_a_column_of_answers_nobody_says_whether_there_is_one(path: Path) -> None:
    source = write_json(path, {"question": "Which?", "context": CONTEXT})
    assert [(example.answers, example.answerable) for example in questions(source, labelled=False)] == [
        ((), None)
    ]


@pytest.mark.parametrize(
    ("answers", "fault"),
    (
        ("Berlin", "the answer 'Berlin' is not in its context"),
        ({"text": ["Paris"], "answer_start": [1]}, "the answer 'Paris' is not at character 1"),
        ({"text": ["."], "answer_start": [-1]}, "the answer '.' is not at character -1"),
        ({"text": ["Paris"], "answer_start": []}, "has answers that are not pairs"),
        ({"text": ["Paris"]}, "has answers that are not pairs"),
        (["Paris"], "has answers that are not pairs"),
        ({"text": ["Paris"], "answer_start": ["0"]}, "an answer is no text with the number"),
        ({"text": [""], "answer_start": [0]}, "an answer is no text with the number"),
        (7, "the answer '7' is not in its context"),
    ),
)
def test_an_answer_that_is_not_in_its_context_is_bad(path: Path, answers: Any, fault: str) -> None:
    source = write_json(path, {"question": "Which?", "context": CONTEXT, "answers": answers})
    with pytest.raises(CharBertError, match=rf"own\.jsonl: row 1: {fault}"):
        questions(source)


def test_a_row_that_lacks_its_answers_is_not_taken_for_one_without(path: Path) -> None:
    row = {"question": "Which?", "context": CONTEXT}
    source = write_json(path, {**row, "answers": "Paris"}, row)
    with pytest.raises(CharBertError, match=r"own\.jsonl: row 2: has no column 'answers'"):
        questions(source)


def test_an_id_that_a_bad_row_has_is_taken_too(path: Path) -> None:
    row = {"id": "a", "question": "Which?", "context": CONTEXT, "answers": "Paris"}
    source = write_json(path, {**row, "answers": "Rom"}, row, {**row, "id": "b"})
    assert [example.id for example in questions(source, skip=True)] == ["b"]


def test_an_id_that_comes_twice_is_bad(path: Path) -> None:
    row = {"question": "Which?", "context": CONTEXT, "answers": "Paris"}
    source = write_json(path, {"id": "a", **row}, {"id": "b", **row}, {"id": "a", **row})
    assert [example.id for example in questions(source, skip=True)] == ["a", "b"]
    with pytest.raises(CharBertError, match=r"own\.jsonl: row 3: an earlier question has the id 'a' too"):
        questions(source)


@pytest.mark.parametrize(
    ("ids", "expected"),
    (
        ((None, None, None, None), ("0", "1", "2")),
        (("", "", "", ""), ("0", "1", "2")),
        ((float("nan"), "x", None, "y"), ("0", "1", "y")),
        (("1", "b", None, None), ("1", "2", "3")),
        (("0", None, None, "7"), ("0", "1", "7")),
    ),
)
def test_a_bad_question_drops_no_later_one(path: Path, ids: tuple[Any, ...], expected: tuple[str]) -> None:
    answers = ("Paris", "Rom", "France", "large")
    rows = [
        {"id": name, "question": "Which?", "context": CONTEXT, "answers": answer}
        for name, answer in zip(ids, answers, strict=True)
    ]
    found = questions(write_json(path, *rows), skip=True)
    assert [example.answers[0].text for example in found] == ["Paris", "France", "large"]
    assert tuple(example.id for example in found) == expected
