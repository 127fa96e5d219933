from collections.abc import Iterator

import pytest

from charbert.errors import CharBertError
from data.examples.rows import BadRows, Row, RowError, make_examples, require_columns, require_one

ROWS = [Row(f"f: row {number}", {"value": number}) for number in range(1, 5)]


def odd(row: Row, number: int) -> tuple[int, int]:
    if row.cells["value"] % 2 == 0:
        raise RowError("is even")
    return number, row.cells["value"]


def test_the_first_bad_row_ends_the_command() -> None:
    examples = make_examples(ROWS, odd, "f", BadRows())
    assert next(examples) == (0, 1)
    with pytest.raises(CharBertError, match="f: row 2: is even; fix it, or leave such rows out with --skip"):
        next(examples)


def test_examples_are_numbered_without_the_rows_left_out() -> None:
    bad = BadRows(skip=True)
    assert list(make_examples(ROWS, odd, "f", bad)) == [(0, 1), (1, 3)]
    assert bad.summary() == "2 rows left out:\n  f: row 2: is even\n  f: row 4: is even"


def test_where_all_can_be_used_there_is_no_summary() -> None:
    assert BadRows(skip=True).summary() is None


def test_a_summary_names_the_first_ten_and_counts_the_rest() -> None:
    bad = BadRows(skip=True)
    for number in range(13):
        bad.add(f"f: row {number}", "is bad")
    assert len(bad) == 13
    assert (bad.summary() or "").splitlines()[-2:] == ["  f: row 9: is bad", "  and 3 more"]


def test_examples_pass_as_they_are() -> None:
    assert list(require_one(iter([1, 2, 3]), "f", BadRows())) == [1, 2, 3]


def test_no_example_at_all_is_an_error() -> None:
    bad = BadRows(skip=True)
    bad.add("another file: row 1", "is bad")
    with pytest.raises(CharBertError, match=r"^f: holds no examples that can be used$"):
        list(require_one(iter([]), "f", bad))


def test_where_every_row_was_left_out_the_error_says_how_to_see_why() -> None:
    def none(bad: BadRows) -> Iterator[int]:
        bad.add("f: row 1", "is bad")
        yield from ()

    bad = BadRows(skip=True)
    with pytest.raises(CharBertError, match=r"f: holds no examples .* without --skip-bad-rows"):
        list(require_one(none(bad), "f", bad))


def test_rows_with_the_columns_pass_as_they_are() -> None:
    assert list(require_columns(iter(ROWS), "f", ("value", None))) == ROWS


def test_a_missing_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(CharBertError, match="f: has no column 'text'; its columns: 'value'"):
        list(require_columns(iter(ROWS), "f", ("text",)))
