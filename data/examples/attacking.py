"""Labelled examples with typos in their words, and with their labels kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from charbert.commands.progress import passing_bar
from charbert.noise import Attack, AttackedText, AttackedWords
from data.examples.types import Answer, QuestionExample, TaggedExample, TextExample

E = TypeVar("E", TextExample, TaggedExample, QuestionExample)
Attacked = TypeVar("Attacked", AttackedText, AttackedWords)
_AT_ONCE = 1000
_PLACED = re.compile(r"(?P<place>[BIESLUM])-(?P<type>.+)")  # a tag that says where in an entity its word is
_PLACES = {"B": "BI", "E": "IE", "L": "IL", "S": "BE", "U": "BL"}  # of the two parts of a word; else its own


class Counts(NamedTuple):
    """What an attack met, and what it did."""

    words: int
    eligible: int
    """Words that it may change."""
    changed: int
    untouched: int
    """Examples without an eligible word."""


class AttackedSet(NamedTuple):
    """Examples after an attack, and what a file of them needs besides."""

    examples: list[Any]
    counts: Counts
    sentences: Sequence[AttackedWords] = ()
    """Of each tagged example."""
    contexts: Mapping[str, AttackedText] = {}
    """Each context of the old questions -> what became of it; none if they were not attacked."""


def attacked(examples: Sequence[E], attack: Attack, contexts: bool = False) -> tuple[list[E], Counts]:
    """The same examples with typos, and how many.

    Attacked are texts and pairs of texts, the words of sentences, and questions. Under the kind "space" the
    two parts of a word have its tag, but where that says where in an entity the word is: then `B-X I-X` for
    `B-X`, `B-X E-X` for `S-X`, and so on. Words are joined only where `tags_allow` it.

    Args:
        examples: of one type.
        attack: what is done to their words.
        contexts: attack the contexts of questions too, each once for all of its questions. The answers are
            then what stands in their places.
    """
    made = attacked_set(examples, attack, contexts)
    return made.examples, made.counts


def attacked_set(examples: Sequence[Any], attack: Attack, contexts: bool = False) -> AttackedSet:
    """What `attacked` gives, and how it came to be."""
    if not examples:
        return AttackedSet([], Counts(0, 0, 0, 0))
    if isinstance(examples[0], TextExample):
        return _attacked_pairs(examples, attack)
    if isinstance(examples[0], TaggedExample):
        return _attacked_sentences(examples, attack)
    return _attacked_questions(examples, attack, contexts)


@cache
def tags_allow(first: str, second: str) -> bool:
    """Whether two words with these tags can become one: both within an entity, or both with the same tag."""
    placed = [_PLACED.fullmatch(tag) for tag in (first, second)]
    if placed[0] and placed[1]:
        goes_on = placed[1]["place"] == "I" and placed[0]["place"] in "BI"
        return goes_on and placed[0]["type"] == placed[1]["type"]
    return first == second


def tags_of(tags: Sequence[str], sources: Sequence[int]) -> list[str]:
    """The tags of words that come from the words of these numbers; two of one word are its parts."""
    around = zip((-1, *sources), sources, (*sources[1:], -1), strict=False)
    return [
        _tag_of_part(tags[source], int(source == before)) if source in (before, behind) else tags[source]
        for before, source, behind in around
    ]


def moved_answer(answer: Answer, context: AttackedText) -> Answer:
    """What stands where an answer stood before its context was attacked."""
    start, end = context.map_position(answer.start), context.map_position(answer.start + len(answer.text))
    return Answer(context.text[start:end], start)


def _attacked_pairs(examples: Sequence[TextExample], attack: Attack) -> AttackedSet:
    texts = [example.texts for example in examples]
    found = iter(_in_parts(attack.texts, [text for each in texts for text in each]))
    parts = [[next(found) for _ in each] for each in texts]
    changed = [
        example._replace(**dict(zip(("text", "pair"), (part.text for part in each), strict=False)))
        for example, each in zip(examples, parts, strict=True)
    ]
    return AttackedSet(changed, _counts([part for each in parts for part in each], parts))


def _attacked_sentences(examples: Sequence[TaggedExample], attack: Attack) -> AttackedSet:
    joinable = [_joinable(example) for example in examples] if attack.kind == "space" else None
    parts = _in_parts(attack.sentences, [example.words for example in examples], joinable)
    changed = [
        example._replace(
            words=part.words,
            tags=None if example.tags is None else tuple(tags_of(example.tags, part.sources)),
        )
        for example, part in zip(examples, parts, strict=True)
    ]
    counts = Counts(
        words=sum(len(example.words) for example in examples),
        eligible=sum(part.eligible for part in parts),
        changed=sum(part.changed for part in parts),
        untouched=sum(not part.eligible for part in parts),
    )
    return AttackedSet(changed, counts, sentences=parts)


def _attacked_questions(examples: Sequence[QuestionExample], attack: Attack, contexts: bool) -> AttackedSet:
    questions = _in_parts(attack.texts, [example.question for example in examples])
    changed = [
        example._replace(question=question.text)
        for example, question in zip(examples, questions, strict=True)
    ]
    if not contexts:
        return AttackedSet(changed, _counts(questions, [[question] for question in questions]))
    bodies = _attacked_contexts(examples, attack)
    parts = []
    for number, (example, question) in enumerate(zip(examples, questions, strict=True)):
        body = bodies[example.context]
        parts.append([question, body])
        changed[number] = changed[number]._replace(
            context=body.text, answers=tuple(moved_answer(answer, body) for answer in example.answers)
        )
    return AttackedSet(changed, _counts([*questions, *bodies.values()], parts), contexts=bodies)


def _attacked_contexts(examples: Sequence[QuestionExample], attack: Attack) -> dict[str, AttackedText]:
    """Each context -> what becomes of it; no edit crosses an end of an answer to any of its questions."""
    fixed: dict[str, set[int]] = {}
    for example in examples:
        ends = fixed.setdefault(example.context, set())
        for answer in example.answers:
            ends.update((answer.start, answer.start + len(answer.text)))
    found = _in_parts(attack.texts, list(fixed), [sorted(ends) for ends in fixed.values()])
    return dict(zip(fixed, found, strict=True))


def _counts(texts: Sequence[AttackedText], of_examples: Sequence[Sequence[AttackedText]]) -> Counts:
    return Counts(
        words=sum(text.words for text in texts),
        eligible=sum(text.eligible for text in texts),
        changed=sum(text.changed for text in texts),
        untouched=sum(not any(part.eligible for part in parts) for parts in of_examples),
    )


def _joinable(example: TaggedExample) -> list[bool]:
    """Of each word, whether it can become one with the next."""
    if example.tags is None:
        return [True] * len(example.words)
    return [*(tags_allow(*tags) for tags in pairwise(example.tags)), False]


@cache
def _tag_of_part(tag: str, part: int) -> str:
    placed = _PLACED.fullmatch(tag)
    if not placed or placed["place"] not in _PLACES:
        return tag
    return f"{_PLACES[placed['place']][part]}-{placed['type']}"


def _in_parts(attack: Callable[..., list[Attacked]], *columns: Sequence[Any] | None) -> list[Attacked]:
    """What the attack makes of these columns of arguments, some rows at a time."""
    size = len(columns[0] or ())
    found: list[Attacked] = []
    with passing_bar(desc="attacking", unit=" texts", total=size) as bar:
        for first in range(0, size, _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            found += attack(*(None if column is None else column[rows] for column in columns))
            bar.update(min(_AT_ONCE, size - first))
    return found
