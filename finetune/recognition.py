"""Word recogniser or noisy LM before a model: corrects the words of examples (text, pair, words, question)"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, TypeVar

from transformers import PreTrainedModel

from charbert.backbones import is_charbert
from charbert.checkpoints import read_config
from charbert.commands.progress import passing_bar
from charbert.correction.corrector import THRESHOLD, Corrector
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining
from charbert.recognizer.modeling import WordRecognizer
from data.examples.types import Example

CorrectWords = Callable[[Sequence[Sequence[str]]], list[list[str]]]
"""Sentences of words -> the same with words corrected."""
E = TypeVar("E", bound=Example)
_AT_ONCE = 1000
_WHITE_SPACE = re.compile(r"(\s+)")


def load_recognizer(
    folders: Sequence[str | Path], unknown: str | None = None, device: Any = "cpu"
) -> tuple[list[PreTrainedModel], CorrectWords]:
    """Load what corrects words before a model: a word recogniser, or a CharBERT with its noisy LM.

    Args:
        folders: of the one or the other; with `unknown="backoff"` those of two word recognisers.
        unknown: as of `WordRecognizer.correct`; of a noisy LM its threshold, as text.
        device: where they compute.

    Returns:
        the models, and what corrects words by them.

    Raises:
        CharBertError: a folder has neither, or the threshold of a noisy LM is no number from 0 to 1.
    """
    if is_charbert(read_config(folders[0])):
        threshold = _parse_threshold(folders[0], unknown) if unknown else THRESHOLD
        model = CharBertForPreTraining.from_pretrained(folders[0]).to(device).eval()
        return [model], partial(Corrector(model).correct_words, threshold=threshold)
    models = [WordRecognizer.from_pretrained(folder).to(device).eval() for folder in folders]
    backoff = models[1] if len(models) > 1 else None
    return models, partial(models[0].correct, unknown=unknown or "pass", backoff=backoff)


def _parse_threshold(folder: str | Path, text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise CharBertError(f"{folder}::{text}: a noisy LM takes a threshold from 0 to 1, and nothing else")


def recognize_words(examples: Sequence[E], correct: CorrectWords) -> list[E]:
    """The same examples with their words corrected.

    Of tagging these are the words as they are given. Of texts, pairs of texts and questions, they are what
    white space divides, and the white space stays to the character. Contexts of questions are not read, so
    that answers keep their positions.
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
            read = correct(sentences)
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
