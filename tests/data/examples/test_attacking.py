"""Examples with typos: what changes in them, and what does not."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from charbert.noise import KINDS, Attack
from data.examples.tags import can_join, carry_tags, to_iob2
from data.examples.types import (
    Answer,
    AttackCounts,
    QuestionExample,
    TaggedExample,
    TextExample,
    attack_examples,
)

MISSPELLINGS = {"paris": ("pariss",), "large": ("larg",), "france": ("farnce",)}
NATURAL = Attack("natural", misspellings=MISSPELLINGS)
CONTEXT = "Paris is in France. Paris is large."
WORDS = (
    "Paris",
    "lies",
    "in",
    "France",
    ",",
    "which",
    "has",
    "twenty",
    "thousand",
    "bakeries",
    "(",
    "1999",
    ")",
)
TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def text(first: str, second: str | None = None) -> TextExample:
    return TextExample("t", first, second, "yes", "file: row 2")


def question(asked: str, context: str = CONTEXT, *answers: Answer) -> QuestionExample:
    return QuestionExample("q", asked, context, answers, bool(answers), "title", "file: question q")


def tagged(words: Sequence[str], tags: Sequence[str] | None) -> TaggedExample:
    return TaggedExample("s", tuple(words), None if tags is None else tuple(tags), 1, "file: row 1")


def random_sentences(count: int, tags: Sequence[str]) -> list[TaggedExample]:
    random = Random(0)
    lengths = [random.randint(1, 30) for _ in range(count)]
    return [tagged(random.choices(WORDS, k=length), random.choices(tags, k=length)) for length in lengths]


def tags_of_letters(example: TaggedExample) -> list[str]:
    """As if every letter were a word of its own: a word of `S-X` begins with `B-X`, and ends with `E-X`."""
    found = []
    for word, tag in zip(example.words, example.tags or (), strict=True):
        first = {"E": "I", "S": "B"}.get(tag[0], tag[0])
        last = {"B": "I", "S": "E"}.get(tag[0], tag[0])
        inside = {"B": "I", "S": "I", "E": "I"}.get(tag[0], tag[0])
        places = [first, *[inside] * (len(word) - 2), last] if len(word) > 1 else [tag[0]]
        found += [place + tag[1:] for place in places]
    return found


def test_both_texts_of_a_pair_change_and_nothing_else_does() -> None:
    changed, _ = attack_examples([text("Paris is large", "In PARIS?")], NATURAL)
    assert changed == [text("Pariss is larg", "In PARISS?")]


def test_a_text_without_another_gets_none() -> None:
    assert attack_examples([text("In Paris")], NATURAL)[0] == [text("In Pariss")]


def test_words_are_counted_and_examples_that_nothing_can_change() -> None:
    examples = [text("Paris is large", "in it"), text("nothing", "here"), text("")]
    assert attack_examples(examples, NATURAL)[1] == AttackCounts(words=7, eligible=2, changed=2, untouched=2)


def test_words_that_the_kind_cannot_change_are_not_counted_as_eligible() -> None:
    examples = [text("week feed"), text("weak week", "слово")]
    for kind, eligible in (("swap", 2), ("keyboard", 4), ("paper", 5)):
        counts = attack_examples(examples, Attack(kind))[1]
        assert counts == AttackCounts(5, eligible, changed=eligible, untouched=int(kind == "swap"))


def test_no_examples_give_none() -> None:
    assert attack_examples([], NATURAL) == ([], AttackCounts(0, 0, 0, 0))


def test_a_rate_of_zero_changes_nothing_and_counts_all_the_same() -> None:
    examples = [text("Paris is large")]
    attack = Attack("natural", rate=0, misspellings=MISSPELLINGS)
    assert attack_examples(examples, attack) == (
        examples,
        AttackCounts(words=3, eligible=2, changed=0, untouched=0),
    )


def test_of_questions_the_contexts_stay_if_not_wanted() -> None:
    example = question("Is Paris large?", CONTEXT, Answer("France", 12))
    changed, counts = attack_examples([example], NATURAL)
    assert changed == [example._replace(question="Is Pariss larg?")]
    assert counts == AttackCounts(words=3, eligible=2, changed=2, untouched=0)


def test_answers_are_what_then_stands_in_their_places() -> None:
    example = question("Where?", CONTEXT, Answer("France", 12), Answer("Paris is large.", 20))
    (changed,), _ = attack_examples([example], NATURAL, contexts=True)
    assert changed.context == "Pariss is in Farnce. Pariss is larg."
    assert changed.answers == (Answer("Farnce", 13), Answer("Pariss is larg.", 21))


def test_a_word_that_an_answer_ends_in_stays_in_all_questions_of_its_context() -> None:
    examples = [question("1?", CONTEXT, Answer("Franc", 12)), question("2?", CONTEXT, Answer("France", 12))]
    changed, _ = attack_examples(examples, NATURAL, contexts=True)
    assert {example.context for example in changed} == {"Pariss is in France. Pariss is larg."}
    assert [example.answers for example in changed] == [(Answer("Franc", 13),), (Answer("France", 13),)]


def test_a_context_counts_once_however_many_ask() -> None:
    counts = attack_examples(
        [question("1?"), question("Paris?"), question("3?", "nothing")], NATURAL, contexts=True
    )[1]
    assert counts == AttackCounts(words=3 + 7 + 1, eligible=1 + 4, changed=5, untouched=1)


def test_a_question_without_an_answer_goes_on_having_none() -> None:
    example = question("Paris?")
    (changed,), _ = attack_examples([example], NATURAL, contexts=True)
    assert (changed.answers, changed.answerable) == ((), False)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "space"])
def test_words_keep_their_number_and_their_tags(kind: str) -> None:
    examples = random_sentences(50, TAGS)
    changed, counts = attack_examples(examples, Attack(kind, misspellings=MISSPELLINGS))
    assert [example._replace(words=()) for example in changed] == [
        example._replace(words=()) for example in examples
    ]
    different = [
        before != after
        for old, new in zip(examples, changed, strict=True)
        for before, after in zip(old.words, new.words, strict=True)
    ]
    assert 0 < sum(different) == counts.changed <= counts.eligible < counts.words == len(different)


@pytest.mark.parametrize("tags", (TAGS, ("NN", "VBZ", "-LRB-"), ("S-X", "B-X", "I-X", "E-X", "O")))
def test_every_letter_keeps_its_tag_where_words_are_split_and_joined(tags: Sequence[str]) -> None:
    examples = random_sentences(200, tags)
    changed, _ = attack_examples(examples, Attack("space"))
    assert list(map(tags_of_letters, changed)) == list(map(tags_of_letters, examples))
    new_words = {word for example in changed for word in example.words}
    assert any(word not in WORDS and any(word in old for old in WORDS) for word in new_words)
    assert any(all(word not in old for old in WORDS) for word in new_words)


def test_words_with_other_tags_are_not_joined() -> None:
    words = ("thousand",) * 300
    (changed,), _ = attack_examples([tagged(words, ("NN", "VB") * 150)], Attack("space"))
    assert len(changed.words) == 600


def test_without_tags_any_words_are_joined() -> None:
    words = ("thousand",) * 300
    (changed,), _ = attack_examples([tagged(words, None)], Attack("space"))
    assert changed.tags is None
    assert any(len(word) > len("thousand") for word in changed.words)


def test_where_words_are_split_does_not_depend_on_how_entities_are_marked() -> None:
    examples = random_sentences(200, ("I-LOC", "I-PER", "O"))
    in_iob2 = [example._replace(tags=to_iob2(example.tags or ())) for example in examples]
    for old_way, new_way in zip(
        *(attack_examples(each, Attack("space"))[0] for each in (examples, in_iob2)), strict=True
    ):
        assert old_way._replace(tags=to_iob2(old_way.tags or ())) == new_way


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    (
        ("O", "O", True),
        ("NN", "NN", True),
        ("NN", "NNS", False),
        ("B-X", "I-X", True),
        ("I-X", "I-X", True),
        ("B-X", "B-X", False),
        ("I-X", "B-X", False),
        ("B-X", "I-Y", False),
        ("O", "I-X", False),
        ("I-X", "O", False),
        ("S-X", "S-X", False),
        ("I-X", "E-X", False),
        ("-LRB-", "-LRB-", True),
    ),
)
def test_tags_say_whether_words_may_be_joined(first: str, second: str, expected: bool) -> None:
    assert can_join(first, second) is expected


@pytest.mark.parametrize(
    ("tags", "sources", "expected"),
    (
        ("B-X O NN", (0, 0, 1, 1, 2, 2), "B-X I-X O O NN NN"),
        ("I-X S-X E-X", (0, 0, 1, 1, 2, 2), "I-X I-X B-X E-X I-X E-X"),
        ("U-X L-X", (0, 0, 1, 1), "B-X L-X I-X L-X"),
        ("B-X I-X O", (0, 1, 1, 2), "B-X I-X I-X O"),
        ("S-X E-X", (0, 1), "S-X E-X"),
        ("B-X I-X O", (0, 2), "B-X O"),
        ("O O O", (0, 1, 1, 2), "O O O O"),
    ),
)
def test_the_parts_of_a_word_make_the_entity_that_it_was_in(
    tags: str, sources: tuple[int, ...], expected: str
) -> None:
    assert carry_tags(tags.split(), sources) == expected.split()


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_changes_alike_whatever_stands_beside_it(kind: str) -> None:
    attack = Attack(kind, rate=0.5, misspellings=MISSPELLINGS)
    families: list[list[Any]] = [
        [text(f"Paris is large in number {number}", CONTEXT) for number in range(1100)],
        random_sentences(1100, TAGS),
        [question(f"Is Paris number {number}?", f"{CONTEXT} {number}") for number in range(1100)],
    ]
    for examples in families:
        together, _ = attack_examples(examples, attack, contexts=True)
        for number in (0, 999, 1000, 1099):
            assert attack_examples(examples[number : number + 1], attack, contexts=True)[0] == [
                together[number]
            ]
