"""Word recogniser before a model: corrects the words of examples (text, pair, words, question)."""

import re
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, TypeVar

from charbert.commands.progress import passing_bar
from charbert.recognizer.modeling import WordRecognizer
from data.examples.types import Example

E = TypeVar("E", bound=Example)
_AT_ONCE = 1000
_WHITE_SPACE = re.compile(r"(\s+)")


def recognize_words(
    examples: Sequence[E],
    recognizer: WordRecognizer,
    unknown: str = "pass",
    backoff: WordRecognizer | None = None,
    batch_size: int = 256,
) -> list[E]:
    """The same examples with the words that a recogniser reads.

    Of tagging these are the words as they are given. Of texts, pairs of texts and questions, they are what
    white space divides, and the white space stays to the character. Contexts of questions are not read, so
    that answers keep their positions.

    Args:
        examples: of one type.
        recognizer: on the device that it is to compute on.
        unknown, backoff, batch_size: as of `WordRecognizer.correct`.

    Raises:
        CharBertError: as `WordRecognizer.correct`.
    """
    found: list[E] = []
    with passing_bar(total=len(examples), desc="recognising words", unit=" examples") as bar:
        for start in range(0, len(examples), _AT_ONCE):
            part = examples[start : start + _AT_ONCE]
            fields = [
                (number, name, value)
                for number, example in enumerate(part)
                for name, value in example.readable.items()
            ]
            sentences = [_words(value) for _, _, value in fields]
            read = recognizer.correct(sentences, unknown, backoff, batch_size)
            changes: list[dict[str, Any]] = [{} for _ in part]
            for (number, name, value), words in zip(fields, read, strict=True):
                changes[number][name] = _with_words(value, words)
            found += [example.replace_readable(change) for example, change in zip(part, changes, strict=True)]
            bar.update(len(part))
    return found


def _words(value: str | tuple[str, ...]) -> Sequence[str]:
    return _WHITE_SPACE.split(value)[::2] if isinstance(value, str) else value


def _with_words(value: str | tuple[str, ...], words: list[str]) -> str | tuple[str, ...]:
    """The text with these in place of its words, or the words themselves."""
    if not isinstance(value, str):
        return tuple(words)
    spaces = _WHITE_SPACE.split(value)[1::2]
    return "".join(chain.from_iterable(zip_longest(words, spaces, fillvalue="")))
