"""Labelled examples, as readers give them and tasks take them, and attacks with typos on them.

Each class knows which of its texts are read (`readable`) and what typos in them do to its labels (`attack`).
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from charbert.commands.progress import passing_bar
from charbert.noise import Attack, AttackedText, AttackedWords
from data.examples.tags import can_join, carry_tags, find_scheme, merge_tags, to_iob2

Label = str | float | tuple[str, ...]
"""A class, a number, or all labels that hold at once."""
Readable = dict[str, str | tuple[str, ...]]
"""Fields of an example that are read, by name: texts, and words of sentences."""
Origins = Sequence[tuple[Hashable, ...]]
"""Of each example, what it comes from and others may come from, too."""
Words = list[tuple[int, str]]
"""The words of a text, each after the position of its first character."""
_BATCH = 1000
Attacked = TypeVar("Attacked", AttackedText, AttackedWords)


class Example(Protocol):
    """What all classes of examples have in common."""

    @property
    def id(self) -> str: ...

    @property
    def location(self) -> str:
        """The row that it was read from, for messages: `FILE: row N`, rows counted from 1 as in an editor."""

    @property
    def is_labelled(self) -> bool: ...

    def without_label(self) -> Self: ...

    @property
    def readable(self) -> Readable:
        """The fields that are read, and may be attacked or corrected; a context is none of them."""

    def replace_readable(self, fields: Mapping[str, Any]) -> Self:
        """The example with other values in some of the fields of `readable`."""

    @property
    def gold(self) -> Any:
        """The right answer as JSON takes it; None where the example has no label."""

    @property
    def texts(self) -> list[str]:
        """Everything that a model reads, as texts; words of a sentence with blanks between them."""

    def split_words(self, contexts: bool) -> list[Words]:
        """The words of each text that an attack may change, with their starts; also of contexts if wanted."""

    def has_labels_of(self, other: Any) -> bool:
        """Whether another example of this class can be an attacked form of this one."""

    @classmethod
    def attack(cls, examples: Sequence[Any], attack: Attack, contexts: bool) -> "AttackedExamples":
        """As `attack_examples`, for examples of this class."""

    @classmethod
    def origins(cls, examples: Sequence[Any], share: int) -> list[tuple[str, Origins]]:
        """What should not be on both sides where a share of the examples is held out.

        Returns:
            the name of such origins, and those of each example; then finer ones, where these are too large.
        """


class AttackCounts(NamedTuple):
    """How many words an attack saw and changed."""

    words: int
    eligible: int
    """Words that it may change."""
    changed: int
    untouched: int
    """Examples without an eligible word."""


class AttackedExamples(NamedTuple):
    """Examples before and after an attack, and what is needed to write a file of them."""

    originals: Sequence[Any]
    examples: list[Any]
    counts: AttackCounts
    sources: Sequence[Sequence[int]] = ()
    """Of tagged examples: for each of their words the number of the word before that it comes from."""
    contexts: Mapping[str, AttackedText] = {}
    """Each context of the questions before -> what it became; empty if contexts were not attacked."""

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Each example before and after the attack."""
        return zip(self.originals, self.examples, strict=True)


class TextExample(NamedTuple):
    """A text, or a pair of texts, and its label; None where the file has none, as in a test set."""

    id: str
    text: str
    pair: str | None
    label: Label | None
    location: str

    @property
    def is_labelled(self) -> bool:
        return self.label is not None

    def without_label(self) -> Self:
        return self._replace(label=None)

    @property
    def readable(self) -> Readable:
        return {"text": self.text} if self.pair is None else {"text": self.text, "pair": self.pair}

    def replace_readable(self, fields: Mapping[str, Any]) -> Self:
        return self._replace(**fields)

    @property
    def gold(self) -> Label | None:
        return self.label

    @property
    def texts(self) -> list[str]:
        return list(self.readable.values())  # type: ignore[arg-type]

    def split_words(self, contexts: bool) -> list[Words]:
        return [_split_words(text) for text in self.texts]

    def has_labels_of(self, other: Self) -> bool:
        return self.label == other.label

    @classmethod
    def attack(cls, examples: Sequence[Self], attack: Attack, contexts: bool) -> AttackedExamples:
        fields = [example.readable for example in examples]
        found = _attack_batches(attack.texts, [text for each in fields for text in each.values()])
        left = iter(found)
        parts = [{name: next(left) for name in each} for each in fields]
        changed = [
            example.replace_readable({name: part.text for name, part in each.items()})
            for example, each in zip(examples, parts, strict=True)
        ]
        return AttackedExamples(examples, changed, _count_texts(found, [[*each.values()] for each in parts]))

    @classmethod
    def origins(cls, examples: Sequence[Self], share: int) -> list[tuple[str, Origins]]:
        return [
            ("texts", [tuple(example.texts) for example in examples]),
            ("first texts", [(example.text,) for example in examples]),
            ("examples", [()] * len(examples)),
        ]


class TaggedExample(NamedTuple):
    """The words of a sentence, and a tag for each; None where the file has none."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    document: int
    """The number of its document, 0 where the file knows none."""
    location: str
    tags_in_file: tuple[str, ...] | None = None
    """Where `tags` are others: those that the file has."""

    @property
    def is_labelled(self) -> bool:
        return self.tags is not None

    def without_label(self) -> Self:
        return self._replace(tags=None, tags_in_file=None)

    def as_iob2(self) -> Self:
        """The example with its tags in IOB2; they must mark entities."""
        tags = self.tags and to_iob2(self.tags)
        return self if tags == self.tags else self._replace(tags=tags, tags_in_file=self.tags)

    @property
    def readable(self) -> Readable:
        return {"words": self.words}

    def replace_readable(self, fields: Mapping[str, Any]) -> Self:
        return self._replace(**fields)

    @property
    def gold(self) -> tuple[str, ...] | None:
        return self.tags

    @property
    def texts(self) -> list[str]:
        return [" ".join(self.words)]

    def split_words(self, contexts: bool) -> list[Words]:
        starts = accumulate((len(word) + 1 for word in self.words), initial=0)
        return [list(zip(starts, self.words, strict=False))]

    def has_labels_of(self, other: Self) -> bool:
        """The same entities in order, and runs of other tags: words may be split or joined."""
        return merge_tags(self.tags or ()) == merge_tags(other.tags or ())

    @classmethod
    def attack(cls, examples: Sequence[Self], attack: Attack, contexts: bool) -> AttackedExamples:
        """Under the kind "space" both halves of a word have its tag, but where that says the word's position
        in an entity: then `B-X I-X` for `B-X`, `B-X E-X` for `S-X`, and so on. Words are joined where
        `can_join` allows it.
        """
        joinable = [example._joinable() for example in examples]
        is_bmes = any(tag.startswith("M-") for example in examples for tag in example.tags or ())
        carry = partial(carry_tags, inside="M" if is_bmes else "I")
        parts = _attack_batches(attack.sentences, [example.words for example in examples], joinable)
        changed = [
            example._replace(
                words=part.words,
                tags=example.tags and tuple(carry(example.tags, part.sources)),
                tags_in_file=example.tags_in_file and tuple(carry(example.tags_in_file, part.sources)),
            )
            for example, part in zip(examples, parts, strict=True)
        ]
        counts = AttackCounts(
            words=sum(len(example.words) for example in examples),
            eligible=sum(part.eligible for part in parts),
            changed=sum(part.changed for part in parts),
            untouched=sum(not part.eligible for part in parts),
        )
        return AttackedExamples(examples, changed, counts, sources=[part.sources for part in parts])

    @classmethod
    def origins(cls, examples: Sequence[Self], share: int) -> list[tuple[str, Origins]]:
        """Documents where there are several, else sentences."""
        if len({example.document for example in examples}) > 1:
            return [("documents", [(example.document,) for example in examples])]
        return [("sentences", [(example.words,) for example in examples]), ("examples", [()] * len(examples))]

    def _joinable(self) -> list[bool]:
        """Of each word, whether it can become one with the next."""
        if self.tags is None:
            return [True] * len(self.words)
        return [*(can_join(*tags) for tags in pairwise(self.tags)), False]


class Answer(NamedTuple):
    """A part of a context, and the character that it starts at."""

    text: str
    start: int

    def move(self, context: AttackedText) -> "Answer":
        """The part of an attacked context that the answer has become."""
        start, end = context.map_position(self.start), context.map_position(self.start + len(self.text))
        return Answer(context.text[start:end], start)


class QuestionExample(NamedTuple):
    """A question about a context. No answers: it has none, or (`answerable` is None) that is unknown."""

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    answerable: bool | None
    title: str
    location: str

    @property
    def is_labelled(self) -> bool:
        return self.answerable is not None

    def without_label(self) -> Self:
        return self._replace(answers=(), answerable=None)

    @property
    def readable(self) -> Readable:
        return {"question": self.question}

    def replace_readable(self, fields: Mapping[str, Any]) -> Self:
        return self._replace(**fields)

    @property
    def gold(self) -> list[str]:
        return [answer.text for answer in self.answers]

    @property
    def texts(self) -> list[str]:
        return [self.question, self.context]

    def split_words(self, contexts: bool) -> list[Words]:
        return [_split_words(text) for text in (self.texts if contexts else [self.question])]

    def has_labels_of(self, other: Self) -> bool:
        return self.id == other.id and self.answerable == other.answerable

    @classmethod
    def attack(cls, examples: Sequence[Self], attack: Attack, contexts: bool) -> AttackedExamples:
        questions = _attack_batches(attack.texts, [example.question for example in examples])
        changed = [
            example._replace(question=question.text)
            for example, question in zip(examples, questions, strict=True)
        ]
        if not contexts:
            return AttackedExamples(
                examples, changed, _count_texts(questions, [[question] for question in questions])
            )
        bodies = cls._attack_contexts(examples, attack)
        changed = [
            example._replace(
                context=bodies[example.context].text,
                answers=tuple(answer.move(bodies[example.context]) for answer in example.answers),
            )
            for example in changed
        ]
        parts = [
            [question, bodies[example.context]] for example, question in zip(examples, questions, strict=True)
        ]
        counts = _count_texts([*questions, *bodies.values()], parts)
        return AttackedExamples(examples, changed, counts, contexts=bodies)

    @classmethod
    def origins(cls, examples: Sequence[Self], share: int) -> list[tuple[str, Origins]]:
        """Titles where all have one, and none is more than half of the share; else contexts."""
        titles = Counter(example.title for example in examples)
        if "" in titles or max(titles.values()) > share / 2:
            return [("contexts", [(example.context,) for example in examples])]
        # A context may be below two titles.
        return [("titles and contexts", [((example.title,), example.context) for example in examples])]

    @staticmethod
    def _attack_contexts(examples: Sequence[Any], attack: Attack) -> dict[str, AttackedText]:
        """Each context -> what it becomes; no edit crosses an end of an answer to any of its questions."""
        fixed: dict[str, set[int]] = {}
        for example in examples:
            ends = fixed.setdefault(example.context, set())
            for answer in example.answers:
                ends.update((answer.start, answer.start + len(answer.text)))
        found = _attack_batches(attack.texts, list(fixed), [sorted(ends) for ends in fixed.values()])
        return dict(zip(fixed, found, strict=True))


def unify_iob(examples: Iterable[TaggedExample]) -> Iterator[TaggedExample]:
    """The sentences of a file, in IOB2 if the file is in IOB1; of another scheme as they are."""
    found = list(examples)
    is_iob = find_scheme(tag for example in found for tag in example.tags or ()) == "IOB"
    return (example.as_iob2() if is_iob else example for example in found)


def attack_examples(
    examples: Sequence[Example], attack: Attack, contexts: bool = False
) -> tuple[list[Any], AttackCounts]:
    """The same examples with typos and with their labels kept, and the counts of words.

    Args:
        examples: of one class.
        attack: what is done to the words of their `readable` fields.
        contexts: attack the contexts of questions too, each once for all of its questions. The answers are
            then the parts of the new context that the old ones have become.
    """
    if not examples:
        return [], AttackCounts(0, 0, 0, 0)
    found = type(examples[0]).attack(examples, attack, contexts)
    return found.examples, found.counts


def _split_words(text: str) -> Words:
    return [(found.start(), found.group()) for found in re.finditer(r"\S+", text)]


def _count_texts(
    texts: Sequence[AttackedText], per_example: Sequence[Sequence[AttackedText]]
) -> AttackCounts:
    return AttackCounts(
        words=sum(text.words for text in texts),
        eligible=sum(text.eligible for text in texts),
        changed=sum(text.changed for text in texts),
        untouched=sum(not any(part.eligible for part in parts) for parts in per_example),
    )


def _attack_batches(attack: Callable[..., list[Attacked]], *columns: Sequence[Any] | None) -> list[Attacked]:
    """The results of the attack on these columns of arguments, some rows at a time."""
    size = len(columns[0] or ())
    found: list[Attacked] = []
    with passing_bar(desc="attacking", unit=" texts", total=size) as bar:
        for first in range(0, size, _BATCH):
            rows = slice(first, first + _BATCH)
            found += attack(*(None if column is None else column[rows] for column in columns))
            bar.update(min(_BATCH, size - first))
    return found
