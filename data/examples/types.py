"""Labelled examples, as every reader gives them and every task takes them."""

from typing import NamedTuple

Label = str | float | tuple[str, ...]
"""A class, a number, or all labels that hold at once."""


class TextExample(NamedTuple):
    """A text, or a pair of texts, and its label; None where the file has none, as in a test set."""

    id: str
    text: str
    pair: str | None
    label: Label | None
    place: str
    """Where it stands, for messages: `FILE: row N`, rows counted from 1 as an editor counts lines."""

    @property
    def texts(self) -> list[str]:
        """The text, or both texts of the pair."""
        return [self.text] if self.pair is None else [self.text, self.pair]

    @property
    def is_labelled(self) -> bool:
        return self.label is not None

    def without_label(self) -> "TextExample":
        return self._replace(label=None)


class TaggedExample(NamedTuple):
    """The words of a sentence, and a tag for each; None where the file has none."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    document: int
    """The number of its document, 0 where the file knows none."""
    place: str

    @property
    def is_labelled(self) -> bool:
        return self.tags is not None

    def without_label(self) -> "TaggedExample":
        return self._replace(tags=None)


class Answer(NamedTuple):
    """A part of a context, and the character that it starts at."""

    text: str
    start: int


class QuestionExample(NamedTuple):
    """A question about a context. No answers: it has none, or (`answerable` is None) nobody says."""

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    answerable: bool | None
    title: str
    place: str

    @property
    def is_labelled(self) -> bool:
        return self.answerable is not None

    def without_label(self) -> "QuestionExample":
        return self._replace(answers=(), answerable=None)
