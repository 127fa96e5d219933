"""Questions for tests: made at random, encoded, and answered by a model that knows, or by noise."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random
from typing import Any

import numpy as np
import tiny

from data.examples.types import Answer, QuestionExample
from finetune.tasks.answers import AnswerTask
from finetune.tasks.base import Encoded, Output
from finetune.tasks.spans import Window

WORDS = " ".join(tiny.SENTENCES).split()
SMALL: dict[str, Any] = {"max_length": 48, "stride": 20, "unanswerable": False}


def question(
    context: str, *answers: Answer | str, text: str = "is it a dog ?", id: str = "q", known: bool = True
) -> QuestionExample:
    """A question whose answers stand where they first stand in its context."""
    found = tuple(
        Answer(answer, context.index(answer)) if isinstance(answer, str) else answer for answer in answers
    )
    return QuestionExample(id, text, context, found, bool(found) if known else None, "title", "file: row 3")


def random_question(seed: int) -> QuestionExample:
    """A context of up to 150 words, and one or two of them as the answer."""
    random = Random(seed)
    words = random.choices(WORDS, k=random.randint(3, 150))
    first = random.randrange(len(words) - 1)
    answer = " ".join(words[first : first + random.randint(1, 2)])
    start = len(" ".join(words[:first])) + (first > 0)
    asked = " ".join(random.choices(WORDS, k=random.randint(1, 5)))
    return question(" ".join(words), Answer(answer, start), text=asked, id=str(seed))


def sizes_of(encoded: Encoded) -> list[int]:
    return [len(row["input_ids"]) for row in encoded.inputs]


def oracle(encoded: Encoded) -> list[Output]:
    """The logits of a model that knows the positions."""
    outputs = [np.zeros((size, 2), dtype=np.float32) for size in sizes_of(encoded)]
    for row, output in zip(encoded.inputs, outputs, strict=True):
        output[row["start_positions"], 0] = output[row["end_positions"], 1] = 9
    return outputs


def noise(encoded: Encoded, seed: int) -> list[Output]:
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(size, 2)).astype(np.float32) for size in sizes_of(encoded)]


def windows_of(encoded: Encoded) -> Iterator[tuple[int, list[Window]]]:
    for number, windows in groupby(encoded.notes, key=lambda window: window.example):
        yield number, list(windows)


def worth(window: Window, token: int) -> float:
    """By the definition of BERT: the shorter side, and a little for the length of the window."""
    end = window.start + len(window.offsets) - 1
    return min(token - window.start, end - token) + 0.01 * len(window.offsets)


def answered_by_oracle(task: AnswerTask, examples: Sequence[QuestionExample], tokenizer: Any) -> list[str]:
    encoded = task.encode(examples, tokenizer)
    return [prediction.text for prediction in task.decode(examples, encoded, oracle(encoded))]
