from pathlib import Path

import pytest

from charbert.errors import CharBertError
from data.examples.rows import BadRows, Row
from data.examples.types import TaggedExample, TextExample
from finetune.metrics.prediction_files import (
    PREDICTION,
    align_rows,
    align_tags,
    read_answers,
    read_label_rows,
    read_na_probs,
)

GIVEN = Path("given.tsv")


@pytest.fixture
def write(tmp_path):
    def file(content: str, name: str = "given.tsv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return file


def texts(*names: str) -> list[TextExample]:
    return [TextExample(name, "", None, "1", f"gold: row {row}") for row, name in enumerate(names, start=1)]


def rows(predictions: str, **names: list[str]) -> list[Row]:
    """A row for each letter, with a cell of each column."""
    return [
        Row(
            f"given: row {number + 1}",
            {PREDICTION: letter} | {key: value[number] for key, value in names.items()},
        )
        for number, letter in enumerate(predictions)
    ]


def aligned(examples: list[TextExample], given: list[Row], complete: bool = True) -> str:
    return "".join(row.cells[PREDICTION] for row in align_rows(examples, given, GIVEN, complete=complete))


def sentences(file: str, *given: str, tagged: bool = True) -> list[TaggedExample]:
    """A sentence of each text, its words tagged by their numbers."""
    return [
        TaggedExample(
            str(number),
            tuple(text.split()),
            tuple(map(str, range(len(text.split())))) if tagged else None,
            0,
            f"{file}: sentence {number}",
        )
        for number, text in enumerate(given, start=1)
    ]


def test_answers_stand_by_id(write):
    assert read_answers(write('{"p": "Oslo", "q": ""}')) == {"p": "Oslo", "q": ""}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "given.tsv: is empty"),
        ("{", "given.tsv: is not JSON"),
        ("[]", "given.tsv: is no JSON object"),
        ('{"p": 3}', "given.tsv: the answer to 'p' is no text"),
    ],
)
def test_answers_in_another_form_are_refused(write, content, message):
    with pytest.raises(CharBertError, match=message):
        read_answers(write(content))


def test_bytes_that_are_not_utf8_are_named_with_their_row(tmp_path):
    path = tmp_path / "given.json"
    path.write_bytes(b'{"p":\n"\xff"}')
    with pytest.raises(CharBertError, match=r"given.json: row 2: is not UTF-8"):
        read_answers(path)


def test_probabilities_may_be_any_numbers(write):
    assert read_na_probs(write('{"p": 1, "q": -3.5}')) == {"p": 1, "q": -3.5}


@pytest.mark.parametrize("value", ["NaN", '"0.3"', "true", "null"])
def test_what_is_no_number_is_no_probability(write, value):
    with pytest.raises(CharBertError, match="the probability of 'p' is no number"):
        read_na_probs(write(f'{{"p": {value}}}'))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.txt", "a\nb\n"),
        ("lines.tsv", "\ufeffa\r\nb\r\n"),
        ("column.tsv", "prediction\na\nb\n"),
        ("table.tsv", "index\tprediction\n0\ta\n1\tb\n"),
        ("table.csv", "prediction,id\na,0\nb,1\n"),
        ("table.jsonl", '{"prediction": "a"}\n{"prediction": "b"}\n'),
    ],
)
def test_labels_are_lines_or_a_column(write, name, content):
    found = read_label_rows(write(content, name), BadRows())
    assert [row.cells[PREDICTION] for row in found] == ["a", "b"]


def test_table_without_predictions_is_refused(write):
    with pytest.raises(CharBertError, match="has no column 'prediction'; its columns: '0', 'a'"):
        read_label_rows(write("0\ta\n1\tb\n"), BadRows())


def test_rows_without_names_stand_in_the_order_of_the_examples():
    assert aligned(texts("8", "5"), rows("ab")) == "ab"


@pytest.mark.parametrize("column", ["id", "index"])
def test_rows_with_names_may_stand_in_any_order(column):
    assert aligned(texts("8", "5", "7"), rows("abc", **{column: ["5", "7", "8"]})) == "cab"


def test_an_index_that_counts_is_the_order_where_examples_have_names():
    assert aligned(texts("8", "5"), rows("ab", index=["0", "1"])) == "ab"


def test_an_index_that_counts_may_be_the_name():
    assert aligned(texts("1", "0"), rows("ab", index=["0", "1"])) == "ba"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (rows("a"), "given.tsv: 1 predictions for 2 examples"),
        (rows("abc"), "given.tsv: 3 predictions for 2 examples"),
        (rows("ab", id=["8", "8"]), "given: row 2: the id '8' is in an earlier row too"),
        (rows("ab", id=["8", "6"]), r"gold: row 2: given.tsv has no prediction of the example '5'"),
        (rows("abc", id=["8", "5", "6"]), "given: row 3: the right answers have no example '6'"),
    ],
)
def test_rows_that_do_not_fit_are_refused(given, message):
    with pytest.raises(CharBertError, match=message):
        aligned(texts("8", "5"), given)


def test_rows_of_examples_that_were_left_out_are_passed_over():
    assert aligned(texts("8", "5"), rows("abc", id=["5", "6", "8"]), complete=False) == "ca"


def test_examples_that_are_only_counted_are_not_matched_once_one_is_left_out():
    with pytest.raises(CharBertError, match="have no example '2'"):
        aligned(texts("0", "1"), rows("abc", index=["2", "1", "0"]), complete=False)


def test_tags_are_those_of_the_same_words():
    gold = sentences("gold", "a b", "c")
    assert align_tags(gold, gold) == [("0", "1"), ("0",)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("a b", "d"), "given: sentence 2: sentence 2 .* gold: sentence 2: word 1 is 'd' and not 'c'"),
        (("a b", "c d"), "word 2 is 'd' and not missing"),
        (("a", "c"), "given: sentence 1: .* word 2 is missing and not 'b'"),
        (("a b",), "gold: sentence 2: sentence 2 is in one file alone, of 2 with right tags and 1"),
        (("a b", "c", "d"), "given: sentence 3: sentence 3 is in one file alone"),
    ],
)
def test_files_of_other_words_are_refused(given, message):
    with pytest.raises(CharBertError, match=message):
        align_tags(sentences("gold", "a b", "c"), sentences("given", *given))


def test_words_without_predicted_tags_are_refused():
    with pytest.raises(CharBertError, match="given: sentence 1: has no predicted tags"):
        align_tags(sentences("gold", "a"), sentences("given", "a", tagged=False))
