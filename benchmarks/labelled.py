"""Random examples of tasks, as long as real ones, a tokenizer that knows their words, and batches of them."""

from collections.abc import Sequence
from itertools import islice
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import BertTokenizer
from transformers.trainer_pt_utils import LengthGroupedSampler

from benchmarks.synthetic import TOKEN_LENGTHS
from data.examples.types import Answer, QuestionExample, TaggedExample, TextExample
from finetune.batches import CHARACTERS, Padding, Rows
from finetune.inference import TARGETS
from finetune.tasks.base import Inputs, Task
from finetune.tasks.registry import make_task

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MARK = "##"  # of a piece that continues a word
CONTINUING = 0.25  # of the pieces
IN_PIECES = 0.3  # of the words


class Length(NamedTuple):
    """Words of a text, whose logarithm is normally distributed."""

    median: float
    spread: float


# As uneven as the sentences of CoNLL-2003 and SST-2, and some 25 tokens; the others are SQuAD's.
SENTENCE, CONTEXT, QUESTION = Length(18, 0.65), Length(112, 0.42), Length(11, 0.3)
LONGEST_ANSWER = 5  # words
CLASSES = ("no", "yes")
TAGS = ("O", *(f"{position}-{kind}" for kind in ("LOC", "MISC", "ORG", "PER") for position in "BI"))
NOWHERE: dict[str, Any] = {"id": "", "location": ""}
BATCHES = 100  # of which the Trainer sorts quarters, each in itself
Order = list[list[int]]
# The name of the task among those of `finetune`, its labels, tokens of its longest row.
TASKS = {"text": ("text", CLASSES, 128), "tags": ("tagging", TAGS, 128), "answers": ("qa", (), 384)}


def task_named(name: str) -> Task[Any, Any]:
    """One of `TASKS`, as a run of `finetune` has it."""
    task, labels, longest = TASKS[name]
    return make_task(task, labels, {"max_length": longest})


class RandomExamples:
    """Makes examples of words of random letters.

    Args:
        vocabulary_size: pieces of `tokenizer`, a WordPiece, at most.
        seed: of the words, and of the examples made of them.
    """

    def __init__(self, vocabulary_size: int, seed: int = 0) -> None:
        self._draws = np.random.default_rng(seed)
        letters = [*ascii_lowercase, *(MARK + letter for letter in ascii_lowercase)]
        continuing = self._random_words(int(CONTINUING * vocabulary_size))
        # A short word is drawn often, and is as frequent in the texts.
        beginning = self._random_words(2 * vocabulary_size)
        pieces = dict.fromkeys([*SPECIAL, *letters, *(MARK + word for word in continuing), *beginning])
        vocabulary = {piece: number for number, piece in enumerate(islice(pieces, vocabulary_size))}
        self._beginning = np.array([word for word in beginning if word in vocabulary])
        self._continuing = np.array(continuing)
        self.tokenizer = BertTokenizer(vocab=vocabulary, do_lower_case=False)

    def __call__(self, name: str, count: int) -> list[Any]:
        """Labelled examples for one of `TASKS`."""
        make = {"text": self._text, "tags": self._tags, "answers": self._question}[name]
        return [make() for _ in range(count)]

    def _text(self) -> TextExample:
        label = str(self._draws.choice(CLASSES))
        return TextExample(text=" ".join(self._words(SENTENCE)), pair=None, label=label, **NOWHERE)

    def _tags(self) -> TaggedExample:
        words = self._words(SENTENCE)
        tags = self._draws.choice(TAGS, len(words)).tolist()
        return TaggedExample(words=tuple(words), tags=tuple(tags), document=0, **NOWHERE)

    def _question(self) -> QuestionExample:
        words = self._words(CONTEXT)
        first = int(self._draws.integers(len(words)))
        answer = " ".join(words[first : first + int(self._draws.integers(1, LONGEST_ANSWER + 1))])
        start = len(" ".join([*words[:first], ""]))
        return QuestionExample(
            question=" ".join(self._words(QUESTION)),
            context=" ".join(words),
            answers=(Answer(answer, start),),
            answerable=True,
            title="",
            **NOWHERE,
        )

    def _words(self, length: Length) -> list[str]:
        count = max(1, round(self._draws.lognormal(np.log(length.median), length.spread)))
        whole = self._draws.random(count) >= IN_PIECES
        ends = np.where(whole, "", self._draws.choice(self._continuing, count))
        return np.char.add(self._draws.choice(self._beginning, count), ends).tolist()

    def _random_words(self, count: int) -> list[str]:
        lengths = self._draws.choice(np.arange(1, len(TOKEN_LENGTHS) + 1), count, p=TOKEN_LENGTHS)
        letters = "".join(self._draws.choice(list(ascii_lowercase), int(lengths.sum())))
        ends = lengths.cumsum()
        return [letters[end - length : end] for length, end in zip(lengths, ends, strict=True)]


class LabelledRows:
    """Rows of inputs for one model.

    Args:
        inputs: of a model, from a task's `encode`.
        tokenizer: what they were encoded by.
        bucketed: as of `Padding`.
        pinned: make batches in memory that a GPU copies from.
    """

    def __init__(self, inputs: Sequence[Inputs], tokenizer: Any, bucketed: bool, pinned: bool) -> None:
        self._inputs = inputs
        self._pinned = pinned
        self._padding = Padding(tokenizer, bucketed)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(row["input_ids"]) for row in self._inputs]

    def batches(self, order: Order, labelled: bool = True) -> DataLoader[Inputs]:
        """Loads the rows of these numbers, batch by batch, as a Trainer does."""
        left_out = () if labelled else TARGETS
        rows = [{name: value for name, value in row.items() if name not in left_out} for row in self._inputs]
        return DataLoader(Rows(rows), batch_sampler=order, collate_fn=self._padding, pin_memory=self._pinned)

    def padded_percent(self, order: Order) -> dict[str, float]:
        """How much of the batches is padding, of tokens and of characters."""
        numbers = [number for batch in order for number in batch]
        batches = list(self.batches(order))
        shares = {}
        for name, column in (("tokens", "input_ids"), ("characters", CHARACTERS)):
            given = sum(len(self._inputs[number][column]) for number in numbers)
            shares[name] = 100 * (1 - given / sum(batch[column].numel() for batch in batches))
        return shares


def order_by_length(lengths: Sequence[int], batch_size: int, count: int, seed: int = 0) -> Order:
    """A few of the batches that a Trainer forms from rows, evenly from the shortest to the longest.

    Args:
        lengths: of rows, a multiple of `batch_size`.
        count: how many batches to take.
    """
    generator = torch.Generator().manual_seed(seed)
    numbers = list(LengthGroupedSampler(batch_size, lengths=list(lengths), generator=generator))
    batches = [numbers[first : first + batch_size] for first in range(0, len(numbers), batch_size)]
    batches.sort(key=lambda batch: max(lengths[number] for number in batch))
    return [batches[(2 * place + 1) * len(batches) // (2 * count)] for place in range(count)]


def shuffled(order: Order, seed: int = 0) -> Order:
    """The same rows in random batches of the same sizes."""
    numbers = np.random.default_rng(seed).permutation(np.concatenate(order)).tolist()
    ends = np.cumsum([len(batch) for batch in order]).tolist()
    return [numbers[end - len(batch) : end] for batch, end in zip(order, ends, strict=True)]
