"""Which words a search may edit, and what it may make of them."""

import pytest

from charbert.errors import CharBertError
from charbert.noise import list_variants
from data.examples.types import QuestionExample, TaggedExample, TextExample
from finetune.adversary.transformation import CharacterEdits, apply_edits, list_texts

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
def test_words_of_four_letters_and_more_are_editable_without_their_punctuation(
    example: TextExample | TaggedExample | QuestionExample, words: list[str]
) -> None:
    editable = CharacterEdits()(example)
    assert [word.word for word in editable] == words
    for word in editable:
        assert list_texts(example)[word.text][word.start :].startswith(word.word)
        assert sorted(word.variants) == sorted(list_variants(word.word))


def test_edits_change_their_words_and_nothing_else() -> None:
    editable = CharacterEdits()(TEXT)
    changed = apply_edits(TEXT, editable, ((0, "qick"), (2, "ovver"), (3, "fooxes")))
    text = '  The "qick" fox,  jumped\n2nd-best ovver 1234 fooxes.'
    assert changed == TEXT._replace(text=text)


def test_both_texts_of_a_pair_are_edited() -> None:
    changed = apply_edits(PAIR, CharacterEdits()(PAIR), ((1, "jmup"), (2, "layz")))
    assert changed == PAIR._replace(text="the dogs jmup", pair="A layz day")


def test_tags_stay() -> None:
    changed = apply_edits(TAGGED, CharacterEdits()(TAGGED), ((0, "Pairs"),))
    assert changed == TAGGED._replace(words=("(Pairs)", "is", "nice"))


def test_the_context_of_a_question_stays() -> None:
    changed = apply_edits(QUESTION, CharacterEdits()(QUESTION), ((0, "Whcih"), (1, "jmups")))
    assert changed == QUESTION._replace(question="Whcih fox jmups?")


def test_only_the_wanted_edits_are_made() -> None:
    (word,) = CharacterEdits(edits=("drop",))(PAIR._replace(text="jumps", pair="a"))
    assert sorted(word.variants) == ["jmps", "jums", "jups"]


def test_a_word_that_no_edit_changes_is_not_editable() -> None:
    assert CharacterEdits(edits=("swap",))(PAIR._replace(text="boom", pair="a")) == []


def test_variants_beyond_the_limit_are_drawn_alike_wherever_the_word_stands() -> None:
    def variants(text: str, seed: int) -> list[list[str]]:
        editable = CharacterEdits(variants=5, seed=seed)(PAIR._replace(text=text, pair="a"))
        return [list(word.variants) for word in editable if word.word == "jumps"]

    ((*five,),) = variants("it jumps", 1)
    assert len(set(five)) == 5 and set(five) <= set(list_variants("jumps"))
    assert variants("jumps and other jumps", 1) == [five, five]
    assert variants("it jumps", 2) != [five]


def test_a_language_without_a_keyboard_is_told() -> None:
    with pytest.raises(CharBertError, match="keyboard"):
        CharacterEdits(language="xx")(PAIR)
