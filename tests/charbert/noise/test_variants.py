from string import ascii_lowercase

import numpy as np
import pytest

from charbert.errors import CharBertError
from charbert.noise import EDITS, list_variants, noise_words

WORDS = ("", "a", "Å", "the", "word", "AbcD", "aaaa", "naïve", "слово", "Straße", "B2b-x", "🙂🙃🙂🙃")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("edits", [*((edit,) for edit in EDITS), EDITS])
def test_variants_are_what_noise_could_make(word: str, edits: tuple[str, ...]) -> None:
    draws = np.random.default_rng(0).random((8000, 3))
    variants = list_variants(word, edits)
    assert set(variants) == set(noise_words([word] * 8000, draws, edits)) - {word}
    assert len(set(variants)) == len(variants)


def test_each_edit_has_its_variants() -> None:
    assert list_variants("Abcd", ["drop"]) == ["Acd", "Abd"]
    assert list_variants("Abcd", ["swap"]) == ["Acbd"]
    assert list_variants("xyz", ["add"])[:2] == ["xayz", "xbyz"]
    assert set(list_variants("AbcD", ["keyboard"])) == {
        *("AgcD", "AhcD", "AvcD", "AncD"),
        *("AbdD", "AbfD", "AbxD", "AbvD"),
    }


def test_added_letters_are_of_the_case_before_them() -> None:
    assert set(list_variants("Ab", ["add"])) == {f"A{letter.upper()}b" for letter in ascii_lowercase}


def test_variants_are_of_the_keyboard_of_a_language() -> None:
    assert "wыord" not in list_variants("word", language="ru")
    assert set(list_variants("ффыы", ["keyboard"], "ru")) == {
        *(f"ф{key}ыы" for key in "йцыя"),
        *(f"фф{key}ы" for key in "фвцуяч"),
    }


def test_a_language_without_a_keyboard_is_an_error() -> None:
    with pytest.raises(CharBertError, match="no keyboard for the language 'xx'"):
        list_variants("word", language="xx")
