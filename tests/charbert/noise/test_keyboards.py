import numpy as np
import pytest

from charbert.errors import CharBertError
from charbert.noise import KEYBOARDS, noise_words
from charbert.noise.keyboards import find_neighbours


@pytest.mark.parametrize("language", KEYBOARDS)
def test_neighbours_are_mutual_and_each_letter_has_some(language: str) -> None:
    neighbours = find_neighbours(language)
    small = "".join(KEYBOARDS[language]).replace(" ", "")
    assert all(letter in neighbours[other] for letter in small for other in neighbours[letter])
    assert all(others and letter not in others for letter, others in neighbours.items())


@pytest.mark.parametrize("language", KEYBOARDS)
def test_a_letter_is_on_one_key(language: str) -> None:
    letters = "".join(KEYBOARDS[language]).replace(" ", "")
    assert letters.isalpha()
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize(
    "language,letter,others",
    [
        ("en", "g", "ftyhvb"),
        ("de", "z", "tugh"),
        ("de", "ö", "lpäü"),
        ("de", "y", "asx"),
        ("fr", "a", "zqé"),
        ("fr", "m", "lùp"),
        ("es", "ñ", "lp"),
        ("it", "à", "òùè"),
        ("pt", "ç", "lp"),
        ("cs", "ě", "qwš"),
        ("sv", "å", "pöä"),
        ("ru", "ж", "дэзхю"),
        ("uk", "і", "фвуцчя"),
        ("el", "σ", "αδςεζχ"),
    ],
)
def test_keys_that_touch_are_neighbours(language: str, letter: str, others: str) -> None:
    assert sorted(find_neighbours(language)[letter]) == sorted(others)


def test_capitals_have_capitals_beside_them() -> None:
    cased = find_neighbours("de")
    assert set(cased["Ä"]) == set("ÖÜ")
    # ß has no capital that is one letter and its own.
    assert set(cased["P"]) == set("ßOÜLÖ")
    assert "SS" not in cased


@pytest.mark.parametrize("language,word", [("ru", "слово"), ("el", "ΛΟΓΟΣ"), ("sv", "åååå"), ("uk", "їїїї")])
def test_words_are_edited_on_the_keyboard_of_their_language(language: str, word: str) -> None:
    draws = np.random.default_rng(0).random((300, 3))
    made = set(noise_words([word] * 300, draws, ["keyboard"], language))
    cased = find_neighbours(language)
    inside = range(1, len(word) - 1)
    assert made == {word[:at] + key + word[at + 1 :] for at in inside for key in cased[word[at]]}


def test_letters_that_a_keyboard_lacks_stay() -> None:
    assert noise_words(["слово"], np.zeros((1, 3)), ["keyboard"], "en") == ["слово"]


def test_a_language_without_a_keyboard_is_an_error() -> None:
    with pytest.raises(CharBertError, match="no keyboard for the language 'xx': there are cs, da, de"):
        noise_words(["word"], np.zeros((1, 3)), ["keyboard"], "xx")
