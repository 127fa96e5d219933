from collections.abc import Sequence
from itertools import pairwise

import pytest

from charbert.errors import CharBertError
from charbert.noise import KINDS, Attack, AttackedText, Edit, list_variants

TEXT = 'As of that day, the "new constitution" heralding (the Second) Republic came into force: 1804, don\'t!'
MISSPELLINGS = {"that": ["taht"], "second": ["secound", "secnd"], "into": ["inot"], "the": ["teh"]}


def attack(kind: str = "paper", rate: float = 1.0, seed: int = 0) -> Attack:
    return Attack(kind, rate, seed, misspellings=MISSPELLINGS)


def text_of(text: str, of: Attack, fixed: Sequence[int] = ()) -> AttackedText:
    return of.texts([text], [fixed])[0]


def test_the_paper_changes_each_word_of_four_letters_or_more_inside() -> None:
    text = "Wait, the (quick) fox's 1804th jump-start is naïve!"
    attacked = text_of(text, attack())
    new = attacked.text.split(" ")
    changed = [word for word, old in zip(new, text.split(" "), strict=True) if word != old]
    assert [new[number] for number in (1, 3, 4, 5, 6)] == ["the", "fox's", "1804th", "jump-start", "is"]
    assert len(changed) == 3
    assert new[0].removesuffix(",") in list_variants("Wait")
    assert new[2].removeprefix("(").removesuffix(")") in list_variants("quick")
    assert new[7].removesuffix("!") in list_variants("naïve")


def test_words_are_counted() -> None:
    attacked = text_of("The words that count are four: (here) they stand.", attack())
    assert (attacked.words, attacked.eligible, attacked.changed) == (9, 7, 7)


def test_edits_say_where_each_core_went() -> None:
    attacked = text_of("to (drop) it  now, again", attack("drop"))
    assert attacked.edits == (Edit(4, 8, 4, 7), Edit(19, 24, 18, 22))
    assert attacked.text[4:7] in list_variants("drop", ["drop"])
    assert attacked.text[18:] in list_variants("again", ["drop"])


def test_positions_move_with_the_text() -> None:
    attacked = AttackedText("ab-longer-ef", 3, 1, 1, (Edit(3, 5, 3, 9),))  # of "ab-cd-ef"
    assert [attacked.map_position(position) for position in range(9)] == [0, 1, 2, 3, 4, 9, 10, 11, 12]


def test_positions_inside_a_shorter_word_stay_in_it() -> None:
    attacked = AttackedText("a b c", 3, 1, 1, (Edit(2, 6, 2, 3),))  # of "a bbbb c"
    assert [attacked.map_position(position) for position in range(9)] == [0, 1, 2, 3, 3, 3, 3, 4, 5]


def test_text_without_an_eligible_word_stays() -> None:
    texts = ["", " \t", "a b c", "1804: 3.14 (!)", "🙂🙃🙂🙃", "x-y-z"]
    attacked = attack().texts(texts)
    assert [each.text for each in attacked] == texts
    assert {(each.eligible, each.changed, each.edits) for each in attacked} == {(0, 0, ())}


@pytest.mark.parametrize("kind", KINDS)
def test_no_texts_give_no_texts(kind: str) -> None:
    assert attack(kind).texts([]) == []
    assert attack(kind).sentences([]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_attacked_alike_alone_and_among_others(kind: str) -> None:
    texts = [TEXT, "", "another text, with words", TEXT.upper()]
    assert attack(kind).texts(texts) == [text_of(text, attack(kind)) for text in texts]
    sentences = [text.split() for text in texts]
    alone = [attack(kind).sentences([sentence])[0] for sentence in sentences]
    assert attack(kind).sentences(sentences) == alone


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_text_and_another_seed_another(kind: str) -> None:
    texts = [f"{TEXT} {number}" for number in range(30)]
    assert attack(kind, seed=7).texts(texts) == attack(kind, seed=7).texts(texts)
    assert attack(kind, seed=7).texts(texts) != attack(kind, seed=8).texts(texts)


def test_negative_and_huge_seeds_are_seeds_too() -> None:
    assert len({text_of(TEXT, attack(seed=seed)).text for seed in (-1, 2**63, 0)}) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_changed_at_a_rate_is_changed_alike_at_higher_rates(kind: str) -> None:
    texts = [f"{TEXT} {number}" for number in range(30)]
    found: list[set[tuple[int, int, int, str]]] = []
    for rate in (0.0, 0.2, 0.5, 0.9, 1.0):
        attacked = attack(kind, rate).texts(texts)
        found.append(
            {
                (number, edit.start, edit.end, each.text[edit.new_start : edit.new_end])
                for number, each in enumerate(attacked)
                for edit in each.edits
            }
        )
    assert found[0] == set()
    assert all(few < many for few, many in pairwise(found))


def test_the_rate_is_the_share_of_eligible_words_that_change() -> None:
    words = [[f"word{letter}" for letter in "abcdefghij"] + [str(number)] for number in range(2000)]
    attacked = attack(rate=0.3).sentences(words)
    assert {each.eligible for each in attacked} == {10}
    assert sum(each.changed for each in attacked) / 20_000 == pytest.approx(0.3, abs=0.015)


def test_a_word_that_holds_a_fixed_position_stays() -> None:
    text = "some words stand here"
    attacked = text_of(text, attack(), [7])
    assert attacked.text.split()[1] == "words"
    assert (attacked.eligible, attacked.changed) == (3, 3)


def test_a_position_fixed_at_the_end_of_a_word_or_in_its_punctuation_lets_it_change() -> None:
    text = 'some "words," stand'
    attacked = text_of(text, attack(), [0, 5, 6, 11, 12, 13, 14])
    assert attacked.changed == 3
    assert attacked.text[attacked.map_position(6) : attacked.map_position(11)] in list_variants("words")


def test_a_fixed_position_belongs_to_its_own_text() -> None:
    changed = [each.changed for each in attack().texts(["word", "word", "word"], [[4], [2], [0]])]
    assert changed == [1, 0, 1]


def test_fixed_positions_are_given_for_each_text() -> None:
    with pytest.raises(CharBertError, match="fixed: 1 lists of positions for 2 texts"):
        attack().texts(["a", "b"], [[0]])


@pytest.mark.parametrize("position", (-1, 5))
def test_fixed_positions_lie_in_their_text(position: int) -> None:
    with pytest.raises(CharBertError, match=f"fixed: position {position} in a text of 4 characters"):
        attack().texts(["word", "word"], [[4], [0, position]])


def test_one_text_is_no_list_of_texts() -> None:
    with pytest.raises(CharBertError, match="texts: give a list of texts"):
        attack().texts(TEXT)
    for sentences in (TEXT, [TEXT]):
        with pytest.raises(CharBertError, match="sentences: give a list of words for each"):
            attack().sentences(sentences)


def test_words_of_a_sentence_are_changed_in_their_places() -> None:
    attacked = attack().sentences([["The", '"quick"', "fox", "jumped", "."], []])
    assert attacked[0].sources == (0, 1, 2, 3, 4)
    assert [attacked[0].words[place] for place in (0, 2, 4)] == ["The", "fox", "."]
    assert attacked[0].words[1].strip('"') in list_variants("quick")
    assert attacked[0].words[3] in list_variants("jumped")
    assert (attacked[0].eligible, attacked[0].changed) == (2, 2)
    assert attacked[1] == ((), (), 0, 0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "space"])
def test_a_sentence_is_attacked_as_the_text_of_its_words(kind: str) -> None:
    words = attack(kind).sentences([TEXT.split()])[0].words
    assert " ".join(words) == text_of(TEXT, attack(kind)).text


def test_a_word_of_a_sentence_may_hold_white_space() -> None:
    attacked = attack("drop").sentences([["3 1/2", " word ", ""]])[0]
    assert attacked.words in {("3 1/2", " wrd ", ""), ("3 1/2", " wod ", "")}


@pytest.mark.parametrize("rate", (-0.1, 1.5, float("nan")))
def test_a_rate_outside_0_to_1_is_an_error(rate: float) -> None:
    with pytest.raises(CharBertError, match="rate of an attack is from 0 to 1, not"):
        Attack(rate=rate)


def test_an_unknown_kind_is_an_error_that_names_the_kinds() -> None:
    with pytest.raises(CharBertError, match=r"'typo'.*paper, drop, add, swap, keyboard, natural, ocr, case"):
        Attack("typo")


def test_a_language_without_a_keyboard_is_an_error_that_names_those_that_have_one() -> None:
    with pytest.raises(CharBertError, match=r"keyboard for the language 'tlh': there are .*de, .*en, .*fr"):
        Attack(language="tlh")


def test_a_seed_goes_on_giving_the_same_text() -> None:
    # Attacked sets are named by their seeds: what one gives is no detail.
    text = "The quick (brown) fox jumped over 2 lazy dogs."
    assert text_of(text, attack(seed=1)).text == "The qzuick (borwn) fox jumepd oevr 2 lazvy dgos."
