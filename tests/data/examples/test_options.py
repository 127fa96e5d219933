"""Columns as options of commands."""

import argparse
from dataclasses import fields

import pytest

from data.examples.options import add_column_options, given_columns
from data.examples.readers import Columns

EVERY_OPTION = [
    *("--text-column", "a", "--pair-column", "b", "--label-column", "c", "--label-kind", "regression"),
    *("--separator", ";", "--words-column", "d", "--tags-column", "e", "--word-number", "2"),
    *("--tag-number", "-2", "--conllu-column", "upos", "--question-column", "f"),
    *("--context-column", "g", "--answers-column", "h"),
]


def parser(leave_out: tuple[str, ...] = (), of_run: bool = False) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--other")
    add_column_options(made, leave_out, of_run)
    return made


def test_options_that_are_not_given_have_the_defaults_of_the_columns() -> None:
    assert Columns(task="text", **given_columns(parser().parse_args([]))) == Columns(task="text")


def test_every_column_is_an_option_and_none_is_anything_else() -> None:
    given = given_columns(parser().parse_args([*EVERY_OPTION, "--other", "x"]))
    values = ("text", "a", "b", "c", "regression", ";", "d", "e", 2, -2, "upos", "f", "g", "h")
    assert tuple(vars(Columns(task="text", **given)).values()) == values


def test_beside_a_run_only_what_is_given_counts() -> None:
    beside = parser(of_run=True)
    assert given_columns(beside.parse_args([])) == {}
    assert given_columns(beside.parse_args(["--word-number", "0"])) == {"word_number": 0}
    assert "(default: that of the run, else text)" in " ".join(beside.format_help().split())


def test_what_is_left_out_is_no_option_and_may_be_one_of_another_meaning() -> None:
    left_out = ("label_kind", "text_column")
    made = parser(left_out)
    made.add_argument("--kind", default="paper")
    given = given_columns(made.parse_args([]), left_out)
    assert "label_kind" not in given
    assert "text_column" not in given
    assert len(given) == len(fields(Columns)) - len(left_out) - 2  # the task, and the pair that there is not


def test_a_tag_column_that_conllu_has_not_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--conllu-column", "feats"])
    assert "choose from" in capsys.readouterr().err
