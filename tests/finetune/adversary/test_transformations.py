"""Which words a search may edit, and what it may make of them."""

import pytest

from charbert.errors import CharBertError
from charbert.noise import list_variants
from data.examples.types import QuestionExample, TaggedExample, TextExample
from finetune.adversary.transformations import EditableWords, edited, texts_of

TEXT = TextExample("1", '  The "quick" fox,  jumped\n2nd-best over 1234 foxes.', None, "yes", "file: row 1")
PAIR = TextExample("1", "the dogs jump", "A lazy day", "yes", "file: row 1")
TAGGED = TaggedExample("1", ("(Paris)", "is", "nice"), ("B-LOC", "O", "O"), 0, "file: row 1")
QUESTION = QuestionExample("1", "Which fox jumps?", "The quick fox.", (), False, "title", "file: row 1")


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (TEXT, ["quick", "jumped", "over", "foxes"]),
        (PAIR, ["dogs", "jump", "lazy"]),
        (TAGGED, ["Paris", "nice"]),
        (QUESTION, ["Which", "jumps"]),
    ],
)
def test_words_of_four_letters_and_more_are_spots_without_their_punctuation(
    example: TextExample | TaggedExample | QuestionExample, words: list[str]
) -> None:
    spots = EditableWords()(example)
    assert [spot.word for spot in spots] == words
    for spot in spots:
        assert texts_of(example)[spot.text][spot.start :].startswith(spot.word)
        assert sorted(spot.variants) == sorted(list_variants(spot.word))


def test_edits_change_their_words_and_nothing_else() -> None:
    spots = EditableWords()(TEXT)
    changed = edited(TEXT, spots, ((0, "qick"), (2, "ovver"), (3, "fooxes")))
    text = '  The "qick" fox,  jumped\n2nd-best ovver 1234 fooxes.'
    assert changed == TEXT._replace(text=text)


def test_both_texts_of_a_pair_are_edited() -> None:
    changed = edited(PAIR, EditableWords()(PAIR), ((1, "jmup"), (2, "layz")))
    assert changed == PAIR._replace(text="the dogs jmup", pair="A layz day")


def test_tags_stay() -> None:
    changed = edited(TAGGED, EditableWords()(TAGGED), ((0, "Pairs"),))
    assert changed == TAGGED._replace(words=("(Pairs)", "is", "nice"))


def test_the_context_of_a_question_stays() -> None:
    changed = edited(QUESTION, EditableWords()(QUESTION), ((0, "Whcih"), (1, "jmups")))
    assert changed == QUESTION._replace(question="Whcih fox jmups?")


def test_only_the_wanted_edits_are_made() -> None:
    (spot,) = EditableWords(edits=("drop",))(PAIR._replace(text="jumps", pair="a"))
    assert sorted(spot.variants) == ["jmps", "jums", "jups"]


def test_a_word_that_no_edit_changes_is_no_spot() -> None:
    assert EditableWords(edits=("swap",))(PAIR._replace(text="boom", pair="a")) == []


def test_variants_beyond_the_limit_are_drawn_alike_wherever_the_word_stands() -> None:
    def variants(text: str, seed: int) -> list[list[str]]:
        spots = EditableWords(most=5, seed=seed)(PAIR._replace(text=text, pair="a"))
        return [list(spot.variants) for spot in spots if spot.word == "jumps"]

    ((*five,),) = variants("it jumps", 1)
    assert len(set(five)) == 5 and set(five) <= set(list_variants("jumps"))
    assert variants("jumps and other jumps", 1) == [five, five]
    assert variants("it jumps", 2) != [five]


def test_a_language_without_a_keyboard_is_told() -> None:
    with pytest.raises(CharBertError, match="keyboard"):
        EditableWords(language="xx")(PAIR)
