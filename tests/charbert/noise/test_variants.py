from string import ascii_lowercase

import numpy as np
import pytest

from charbert.errors import CharBertError
from charbert.noise import EDITS, noise_words, variants_of

WORDS = ("", "a", "Å", "the", "word", "AbcD", "aaaa", "naïve", "слово", "Straße", "B2b-x", "🙂🙃🙂🙃")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("edits", [*((edit,) for edit in EDITS), EDITS])
def test_variants_are_what_noise_could_make(word: str, edits: tuple[str, ...]) -> None:
    draws = np.random.default_rng(0).random((8000, 3))
    variants = variants_of(word, edits)
    assert set(variants) == set(noise_words([word] * 8000, draws, edits)) - {word}
    assert len(set(variants)) == len(variants)


def test_each_edit_has_its_variants() -> None:
    assert variants_of("Abcd", ["drop"]) == ["Acd", "Abd"]
    assert variants_of("Abcd", ["swap"]) == ["Acbd"]
    assert variants_of("xyz", ["add"])[:2] == ["xayz", "xbyz"]
    assert set(variants_of("AbcD", ["keyboard"])) == {
        *("AgcD", "AhcD", "AvcD", "AncD"),
        *("AbdD", "AbfD", "AbxD", "AbvD"),
    }


def test_added_letters_are_of_the_case_before_them() -> None:
    assert set(variants_of("Ab", ["add"])) == {f"A{letter.upper()}b" for letter in ascii_lowercase}


def test_variants_are_of_the_keyboard_of_a_language() -> None:
    assert "wыord" not in variants_of("word", language="ru")
    assert set(variants_of("ффыы", ["keyboard"], "ru")) == {
        *(f"ф{key}ыы" for key in "йцыя"),
        *(f"фф{key}ы" for key in "фвцуяч"),
    }


def test_a_language_without_a_keyboard_is_an_error() -> None:
    with pytest.raises(CharBertError, match="no keyboard for the language 'xx'"):
        variants_of("word", language="xx")
