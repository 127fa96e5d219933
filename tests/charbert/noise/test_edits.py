from random import Random
from string import ascii_lowercase
from unicodedata import normalize

import numpy as np
import pytest

from charbert.errors import CharBertError
from charbert.noise import EDITS, list_variants, noise_word, noise_words
from charbert.noise.keyboards import find_neighbours

WORDS = ("word", "CharBERT", "committee", "naïve", "Wikipedia", "ключевой")


def edits_of(word: str, kind: str, count: int = 200) -> set[str]:
    return {noise_word(word, Random(seed), [kind]) for seed in range(count)}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", EDITS)
def test_first_and_last_character_stay(word: str, kind: str) -> None:
    assert {(edited[0], edited[-1]) for edited in edits_of(word, kind)} == {(word[0], word[-1])}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", ("drop", "add", "swap"))
def test_an_edit_changes_the_word(word: str, kind: str) -> None:
    assert word not in edits_of(word, kind)


def test_drop_takes_each_internal_character() -> None:
    assert edits_of("abcde", "drop") == {"acde", "abde", "abce"}


def test_swap_takes_each_pair_of_internal_characters() -> None:
    assert edits_of("abcde", "swap") == {"acbde", "abdce"}


def test_swap_never_draws_equal_characters() -> None:
    assert edits_of("abbcd", "swap") == {"abcbd"}


def test_add_makes_the_word_one_longer() -> None:
    assert {len(edited) for edited in edits_of("word", "add")} == {5}


def test_added_letters_take_the_case_of_their_neighbour() -> None:
    assert all(edited.isupper() for edited in edits_of("WORD", "add"))


def test_keyboard_takes_a_neighbouring_key() -> None:
    assert edits_of("xgyy", "keyboard", 400) >= {f"x{letter}yy" for letter in find_neighbours("en")["g"]}


@pytest.mark.parametrize("word", ("a", "an", "the"))
def test_a_short_word_gets_a_character_added(word: str) -> None:
    assert {len(noise_word(word, Random(seed))) for seed in range(50)} == {len(word) + 1}


def test_a_short_word_stays_where_adding_is_no_choice() -> None:
    assert noise_word("the", Random(0), ["drop", "swap"]) == "the"


def test_a_word_that_no_edit_can_change_comes_back() -> None:
    assert noise_word("aaaa", Random(0), ["swap"]) == "aaaa"


def test_an_impossible_edit_leaves_the_others() -> None:
    assert noise_word("aaaa", Random(0), ["swap", "drop"]) == "aaa"


def test_kinds_are_drawn_evenly() -> None:
    lengths = [len(noise_word("abcdefgh", Random(seed))) for seed in range(6000)]
    shares = [lengths.count(length) / len(lengths) for length in (7, 8, 9)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


def test_the_same_seed_gives_the_same_typo() -> None:
    assert noise_word("reproducible", Random(5)) == noise_word("reproducible", Random(5))


MANY = ["a", "the", "word", "", "CharBERT", "aaaa", "ключевой", "naïve", "🙂🙃🙂🙃", "don't"] * 20


@pytest.mark.parametrize("edits", (("drop", "add", "swap"), ("keyboard",), ("swap", "keyboard"), EDITS))
def test_a_word_is_edited_alike_alone_and_among_others(edits: tuple[str, ...]) -> None:
    draws = np.random.default_rng(1).random((len(MANY), 3))
    alone = [noise_words([word], draws[[index]], edits)[0] for index, word in enumerate(MANY)]
    assert noise_words(MANY, draws, edits) == alone


def test_no_words_give_no_words() -> None:
    assert noise_words([], np.zeros((0, 3))) == []


@pytest.mark.parametrize("draw", (0.0, np.nextafter(1.0, 0.0)))
def test_the_ends_of_the_range_of_a_draw_are_edits_too(draw: float) -> None:
    words = [word for word in MANY if word not in ("", "aaaa")]
    edited = noise_words(words, np.full((len(words), 3), draw), EDITS)
    assert all(ours != theirs for ours, theirs in zip(edited, words, strict=True))


def test_places_are_drawn_evenly() -> None:
    draws = np.random.default_rng(2).random((6000, 3))
    dropped = noise_words(["abcdef"] * 6000, draws, ["drop"])
    shares = [dropped.count("abcdef".replace(letter, "")) / 6000 for letter in "bcde"]
    assert shares == pytest.approx([1 / 4] * 4, abs=0.03)


def test_added_letters_are_drawn_evenly() -> None:
    draws = np.random.default_rng(3).random((26_000, 3))
    added = noise_words(["."] * 26_000, draws, ["add"])
    counts = [added.count(f".{letter}") for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert sum(counts) == 26_000
    assert max(counts) - min(counts) < 250


@pytest.mark.parametrize("word", ("ключевой", "日本語学", "שלום"))
def test_letters_added_to_another_script_are_the_words_own(word: str) -> None:
    assert {letter for edited in edits_of(word, "add") for letter in edited} == set(word)


@pytest.mark.parametrize("edit", ("drop", "add", "swap"))
def test_a_letter_in_parts_is_edited_as_the_same_letter_in_one(edit: str) -> None:
    words = ["été", "hôtel", "crème", "Đặng", "naïveté", "é", "ôé", "plain", ""] * 50
    draws = np.random.default_rng(4).random((len(words), 3))
    parts = noise_words([normalize("NFD", word) for word in words], draws, [edit])
    assert parts == [normalize("NFD", word) for word in noise_words(words, draws, [edit])]


def test_a_mark_that_begins_a_word_is_on_no_letter_of_another_word() -> None:
    draws = np.full((3, 3), 0.5)
    assert noise_words(["word", "\u0301bcde", ""], draws, ["drop"]) == ["wod", "\u0301bde", ""]


VARIED = (
    *("", "a", "Å", "the", "word", "AbcD", "aaaa", "naïve", "слово", "Straße", "B2b-x", "🙂🙃🙂🙃"),
    *("e\u0301te\u0301", "ho\u0302tel", "हिन्दी", "\u0301abc", "na\u0308\u0308nx"),
)


@pytest.mark.parametrize("word", VARIED)
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


def test_variants_of_a_language_without_a_keyboard_are_an_error() -> None:
    with pytest.raises(CharBertError, match="no keyboard for the language 'xx'"):
        list_variants("word", language="xx")
