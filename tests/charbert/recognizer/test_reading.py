"""Inputs of a word recogniser: units of words, sentences, letters."""

from collections import Counter
from itertools import pairwise

import pytest

from charbert.recognizer.reading import (
    LONGEST_SENTENCE,
    LetterBags,
    make_inputs,
    match_case,
    sentence_lengths,
    split_units,
)


def core_of(word: str) -> str | None:
    units = split_units(word)
    return None if units.core is None else word[units.start : units.end]


@pytest.mark.parametrize(
    ("word", "core"),
    (
        ("word", "word"),
        ("(France),", "France"),
        ("“quoted”", "quoted"),
        ("--well--", "well"),
        ("€uro😀", "uro"),
        ("Šárka", "Šárka"),
        ("नमस्ते।", "नमस्ते"),
        ("a", "a"),
    ),
)
def test_the_core_of_a_word_is_between_its_punctuation(word: str, core: str) -> None:
    assert core_of(word) == core
    units = split_units(word)
    assert units.core is not None and units.texts[units.core] == core


@pytest.mark.parametrize(
    "word", ("don't", "U.S.", "1990s", "well-known", "New York", "--", "3", "😀", "", " ")
)
def test_a_word_with_more_than_letters_in_its_core_is_not_read(word: str) -> None:
    assert core_of(word) is None


@pytest.mark.parametrize(
    ("word", "texts"), (("don't", ("don", "'", "t")), ("(so)...", ("(", "so", ")", ".", ".", ".")), ("", ()))
)
def test_a_word_is_cut_as_wordpiece_cuts_it(word: str, texts: tuple[str, ...]) -> None:
    assert split_units(word).texts == texts


def test_a_sentence_ends_after_its_mark_or_at_its_greatest_length() -> None:
    assert sentence_lengths("It is . Is it ? Yes".split()) == [3, 3, 1]
    assert sentence_lengths(["word"] * (LONGEST_SENTENCE + 1)) == [LONGEST_SENTENCE, 1]
    assert sentence_lengths([]) == []


@pytest.mark.parametrize(
    ("model", "written"),
    (
        ("wrod", "word"),
        ("Wrod", "Word"),
        ("WROD", "WORD"),
        ("WRoD", "WORD"),
        ("WrOd", "Word"),
        ("wroD", "word"),
        ("wROD", "WORD"),
        ("W", "Word"),
    ),
)
def test_what_is_read_takes_over_the_case(model: str, written: str) -> None:
    assert match_case("word", model) == written


def test_letters_are_counted_at_their_places() -> None:
    bags = LetterBags("abnz")
    # First letters have the numbers 0 to 4, inner ones 5 to 9, last ones 10 to 14; the fifth is any other.
    expected = [Counter([1, 5, 7, 5, 7, 10]), Counter([0, 10]), Counter([4, 5, 14])]
    found = bags(["Banana", "a", "qa!"])
    rows = [found.values[start:end] for start, end in pairwise(found.offsets)]
    assert [Counter(row.tolist()) for row in rows] == expected
    assert bags.size == 15


def test_inputs_have_the_starts_of_words_and_the_lengths_of_sentences() -> None:
    inputs = make_inputs(LetterBags("ab")(["ab", "bab", "a"]), [2, 1])
    assert inputs["word_starts"].tolist() == [0, 2, 5]
    assert inputs["sentence_lengths"].tolist() == [2, 1]
    assert len(inputs["letter_ids"]) == 7
