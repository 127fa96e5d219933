"""The language of a text beside that of a vocabulary."""

import pytest
from small_correction import WORDS

from charbert import Vocabulary
from charbert.correction.language import Language

# The hundred most frequent words end before those of the tests, whose letters are all known.
MANY = [f"word{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}" for n in range(99)]
LANGUAGE = Language(Vocabulary(["the", *MANY, *WORDS[1:-1], "abcdefghijklmnopqrstuvwxyz", "<unk>"]))


@pytest.mark.parametrize(
    "text",
    (
        "die Stadt liegt an der Elbe und hat eine Million Einwohner",
        "die Stadt liegt an der Elbe",
        "Nous allons au cinéma demain",
        "Los niños juegan mucho",
        "Suomessa on kylmää tänään",
        "Talossa asuu vanha mies jonka koira on hyvin iso eikä se nuku koskaan",
    ),
)
def test_a_text_of_another_language_is_recognized_by_its_words_and_letters(text: str) -> None:
    assert LANGUAGE.is_foreign(text)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "the Stadt liegt an der Elbe und hat eine Million Einwohner",
        "quick brown fox jumps lazy dog from form over Elbe",
        "quick brown fox jumps der",
        "qiuck brwon fxo",
        "La Qiuck, Der Brwon",
        "Müller jmups",
        "quick crêpes, brown gelées",
    ),
)
def test_a_text_of_its_own_is_not(text: str) -> None:
    assert not LANGUAGE.is_foreign(text)


@pytest.mark.parametrize("comma", (", ", "\n", "; "))
def test_a_list_of_many_misspellings_is_not(comma: str) -> None:
    words = "qiuck brwon jmups ovre lzay dgo form fxo laazy brownn qick jumsp".split()
    assert not LANGUAGE.is_foreign(comma.join(words))
    assert LANGUAGE.is_foreign(comma.join(word.title() for word in words))  # they may be names
    assert LANGUAGE.is_foreign(" ".join(words))


def test_the_words_of_a_vocabulary_tell_of_no_other_language() -> None:
    text = "die Stadt liegt an der Elbe"
    assert not Language(Vocabulary([*"ab", "der", "die", "an", "<unk>"])).is_foreign(text)
