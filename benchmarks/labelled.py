"""Random labelled examples, as long as real ones, with a tokenizer that knows their words."""

from itertools import islice
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np
from transformers import BertTokenizer

from benchmarks.synthetic import TOKEN_LENGTHS
from data.examples.types import Answer, QuestionExample, TaggedExample, TextExample

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
        """Labelled examples: of `text`, `tags` or `answers`."""
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
