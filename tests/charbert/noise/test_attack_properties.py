"""Properties of every attack on every text, tested on generated texts."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from charbert.noise import EDITS, KINDS, Attack, AttackedText, list_variants

SCRIPTS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "äöüßéèçñøåıİŉſ",
    "абвгдежзийклмноπρσςΩάώ",
    "אבגדהוזابتثجحقक्किीेतไทยเขียน日本語学習한국어",
    "0123456789½²Ⅷ",
    ".,;:!?\"'()[]{}-–—“”«»$€%&@#*/\\_|<>^~`",
    "🙂🙃👩\u200d🚀👍🏽\ufe0f\u200b\u2060\ufeff\u00ad",
    "\u0301\u0308\u0327\u0345\u20dd",
    "\0\x07\U0001d400\U000e0101\U0010ffff",
)
SPACES = (" ", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85")
MISSPELLINGS = {"a": ["e", "aa"], "ab": ["abb", "b"], "ß": ["ss"], "don't": ["dont"], "İ": ["i"]}


def generated_text(random: Random) -> str:
    pieces = [random.choice(["", *SPACES])]
    for _ in range(random.randrange(12)):
        letters = random.choice(SCRIPTS) + random.choice(SCRIPTS) * random.randrange(2)
        pieces.append("".join(random.choices(letters, k=random.randrange(10))))
        pieces.append(random.choice(["", ".", "», ", *SPACES]))
    return "".join([*pieces, random.choice(["", "a", "don't", "Committee"])])


RANDOM = Random(0)
TEXTS = ["", " ", "a", "\u0301", *(generated_text(RANDOM) for _ in range(400))]
FIXED = [sorted(RANDOM.choices(range(len(text) + 1), k=RANDOM.randrange(4))) for text in TEXTS]


def attacked(kind: str, rate: float = 1.0, with_fixed: bool = True) -> list[AttackedText]:
    attack = Attack(kind, rate, seed=5, misspellings=MISSPELLINGS)
    return attack.texts(TEXTS, FIXED if with_fixed else None)


def pieces_between(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    bounds = [0, *(place for span in spans for place in span), len(text)]
    return [text[start:end] for start, end in list(pairwise(bounds))[::2]]


def core_of(word: str) -> str:
    def is_one(character: str, classes: str) -> bool:
        return unicodedata.category(character)[0] in classes

    while word and not is_one(word[0], "LN"):
        word = word[1:]
    while word and not is_one(word[-1], "LNM"):
        word = word[:-1]
    return word


@pytest.mark.parametrize("kind", KINDS)
def test_the_edits_make_the_new_text_and_leave_the_rest(kind: str) -> None:
    changed = 0
    for text, made in zip(TEXTS, attacked(kind), strict=True):
        old_spans = [(edit.start, edit.end) for edit in made.edits]
        new_spans = [(edit.new_start, edit.new_end) for edit in made.edits]
        assert pieces_between(text, old_spans) == pieces_between(made.text, new_spans)
        assert all(
            text[old[0] : old[1]] != made.text[new[0] : new[1]]
            for old, new in zip(old_spans, new_spans, strict=True)
        )
        assert len(made.edits) == made.changed == made.eligible <= made.words == len(text.split())
        changed += made.changed
    assert changed > 100


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_between_two_edits_moves_as_it_is(kind: str) -> None:
    for text, made in zip(TEXTS, attacked(kind), strict=True):
        inside = {place for edit in made.edits for place in range(edit.start, edit.end)}
        for place in set(range(len(text))) - inside - {edit.start for edit in made.edits}:
            assert made.text[made.map_position(place)] == text[place]
        for edit in made.edits:
            assert made.map_position(edit.start) == edit.new_start
            assert edit.start == edit.end or made.map_position(edit.end) == edit.new_end
        assert made.map_position(len(text)) == len(made.text)


@pytest.mark.parametrize("kind", KINDS)
def test_no_edit_crosses_a_fixed_position(kind: str) -> None:
    for text, fixed, made in zip(TEXTS, FIXED, attacked(kind), strict=True):
        for edit in made.edits:
            is_gap = text[edit.start : edit.end].isspace()
            first, last = (edit.start, edit.end) if is_gap else (edit.start + 1, edit.end - 1)
            assert not any(first <= position <= last for position in fixed)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "space"])
def test_each_word_goes_to_one_word_with_its_punctuation(kind: str) -> None:
    for text, made in zip(TEXTS, attacked(kind), strict=True):
        for old, new in zip(text.split(), made.text.split(), strict=True):
            before, core, behind = old.partition(core_of(old)) if core_of(old) else (old, "", "")
            assert new.startswith(before)
            assert new.endswith(behind)
            assert core or new == old


@pytest.mark.parametrize("kind", ("paper", *EDITS, "space"))
def test_eligible_for_typos_are_cores_of_four_letters_or_more_that_the_kind_can_change(kind: str) -> None:
    edits = {"paper": EDITS, "space": ["drop"]}.get(kind, [kind])
    for text, made in zip(TEXTS, attacked(kind, with_fixed=False), strict=True):
        cores = [core_of(word) for word in text.split()]
        classes = ["".join(unicodedata.category(character)[0] for character in core) for core in cores]
        plain = [each.count("L") >= 4 and set(each) <= {"L", "M"} for each in classes]
        changeable = [bool(list_variants(core, edits)) for core in cores]
        assert made.eligible == sum(map(all, zip(plain, changeable, strict=True)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_lower_rate_makes_some_of_the_same_edits(kind: str) -> None:
    for whole, part in zip(attacked(kind), attacked(kind, 0.5), strict=True):
        made = {edit[:2]: whole.text[edit.new_start : edit.new_end] for edit in whole.edits}
        assert {
            edit[:2]: part.text[edit.new_start : edit.new_end] for edit in part.edits
        }.items() <= made.items()


@pytest.mark.parametrize("kind", KINDS)
def test_sentences_keep_their_characters_and_count_their_words(kind: str) -> None:
    sentences = [text.split() for text in TEXTS]
    attack = Attack(kind, seed=5, misspellings=MISSPELLINGS)
    for sentence, made in zip(sentences, attack.sentences(sentences), strict=True):
        assert len(made.words) == len(made.sources)
        if kind == "space":
            assert "".join(made.words) == "".join(sentence)
            assert all(made.words)
            starts = {place: "".join(sentence[:place]) for place in made.sources}
            so_far = ""
            for word, source in zip(made.words, made.sources, strict=True):
                assert starts[source] == so_far[: len(starts[source])]
                assert len(so_far) < len(starts[source]) + len(sentence[source])
                so_far += word
        else:
            assert made.sources == tuple(range(len(sentence)))
            assert made.changed == sum(old != new for old, new in zip(sentence, made.words, strict=True))
