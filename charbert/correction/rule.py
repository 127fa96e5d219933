"""Which words are suspect of a misspelling, and what each of them may have been meant for.

The rule: a word is suspect that neither the noisy LM's vocabulary nor the user has, if it is letters alone,
and no acronym nor part of a longer word, of code or of an address. Every word of the vocabulary that is at
most two edits away is weighed by the probability that the head gives, by its frequency and by its edits;
the word as written is weighed as a new one, which a long word seldom is, and one that looks like a name
often. What a word weighs is the logarithm of how likely it is, and a word is a misspelling as far as others
make up the whole.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from unicodedata import category

import numpy as np

from charbert.correction.distance import Spellings
from charbert.ragged import Array
from charbert.vocabulary import Vocabulary

SHORTEST, LONGEST = 3, 40
"""Letters of the words that are judged."""
MOST_EDITS = 2
_LONGEST_ACRONYM = 5
_FIRST = 20  # words, which count as about equally frequent
_LOOKED_BACK = 40  # characters, for the end of a sentence before
_AROUND = 100
_AROUND_A_START = " \t\"'“”‘’«»()[]{}*-–—•"
_SENTENCE_END = re.compile(r"(?<!\b[^\W\d_])\.$|[!?…:]$")  # not that behind an initial
_CONTRACTED = frozenset(
    "ain aren can couldn daren didn doesn don hadn hasn haven isn mightn mustn needn oughtn shan shouldn "
    "wasn weren won wouldn".split()
)
_NOT = ("'t", "’t")
_CODE = re.compile(r"[\d@#$_\\<>={}]|\w\.\w|/.*/|://")


@dataclass(frozen=True)
class Weights:
    """What counts how much, in nats; `benchmarks/correction_weights.py` fits them."""

    head: float = 0.2
    """How much of its log-probability by the noisy LM a word weighs."""
    sure: float = 2.6
    """How much its probability itself adds, from 0 to 1: most where the model is sure."""
    rank: float = 0.87
    """What the logarithm of its place in the vocabulary costs a word: the frequent ones stand first."""
    edit: float = 1.7
    """What an edit costs a word."""
    unseen: float = -4.6
    """What a word weighs that no vocabulary has."""
    letter: float = 0.39
    """How much less for each of its letters."""
    name: float = 1.5
    """How much more if it looks like a name."""
    seen: float = 6.1
    """What a word of the vocabulary weighs by standing there, where these are judged too."""


class Judgement(NamedTuple):
    """How likely a word is a misspelling, and what it was meant for, likeliest first."""

    probability: float
    words: list[str]
    probabilities: list[float]


class Rule:
    """Finds suspect words, and weighs what they may stand for.

    Args:
        words: those of the noisy LM.
        known: further words that are right, in small letters.
        real_words: whether words of the noisy LM's vocabulary are suspect too.
    """

    def __init__(
        self,
        words: Vocabulary,
        known: Collection[str] = (),
        real_words: bool = False,
        weights: Weights | None = None,
    ) -> None:
        self._vocabulary, self._known, self._real_words = words, frozenset(known), real_words
        self._weights = weights or Weights()
        # Punctuation and numbers are words to the noisy LM, but no corrections.
        offered = [number for number, word in enumerate(words) if word.isalpha() and words.id(word) == number]
        self._ids = np.array(offered, np.int64)
        self._spellings = Spellings([words[number] for number in offered])

    def is_suspect(self, text: str, start: int, end: int, word: str) -> bool:
        """Whether a word is to be judged.

        Args:
            text, start, end: where it stands.
            word: its small letters, as the tokenizer reads them.
        """
        surface = text[start:end]
        if not (SHORTEST <= len(word) <= LONGEST and word.isalpha() and surface.isalpha()):
            return False
        if word in self._known or (word in self._vocabulary and not self._real_words):
            return False
        if word in _CONTRACTED and text.startswith(_NOT, end):
            return False
        if surface.isupper() and surface != surface.lower():
            if len(surface) <= _LONGEST_ACRONYM:
                return False
        elif surface[1:] != surface[1:].lower():
            return False
        before, behind = _before(text, start), _behind(text, end)
        return not (_goes_on(reversed(before)) or _goes_on(behind) or _CODE.search(before + surface + behind))

    def find_candidates(self, word: str) -> tuple[Array, Array]:
        """The numbers of the other words that a word may have been meant for, and their distances from it."""
        places, distances = self._spellings.find_near(word, MOST_EDITS)
        others = distances > 0
        return self._ids[places[others]], distances[others]

    def judge(self, word: str, is_name: bool, log_probabilities: Array, top_k: int) -> Judgement:
        """What a word may have been meant for.

        Args:
            word: its small letters, as the tokenizer reads them.
            is_name: whether it looks like a name.
            log_probabilities: (W,) of the words of the noisy LM.
            top_k: how many of them to give at most.
        """
        weights = self._weights
        ids, distances = self.find_candidates(word)
        weighed = self._weighed(ids, log_probabilities) - weights.edit * distances
        kept = weights.name * is_name
        if word in self._vocabulary:
            own = self._vocabulary.id(word)
            kept += weights.seen + float(self._weighed(np.array([own]), log_probabilities)[0])
        else:
            kept += weights.unseen - weights.letter * len(word)
        total = np.logaddexp.reduce(weighed, initial=kept)
        likeliest = np.argsort(-weighed, kind="stable")[:top_k]
        return Judgement(
            probability=1.0 - float(np.exp(kept - total)),
            words=[self._vocabulary[number] for number in ids[likeliest].tolist()],
            probabilities=np.exp(weighed[likeliest] - total).tolist(),
        )

    def _weighed(self, ids: Array, log_probabilities: Array) -> Array:
        """(K,) what words weigh by the model and by their frequency."""
        weights, scores = self._weights, log_probabilities[ids]
        return weights.head * scores + weights.sure * np.exp(scores) - weights.rank * log_ranks(ids)


def looks_like_a_name(text: str, start: int, end: int) -> bool:
    """Whether a word begins with a capital and does not begin a sentence, or is all capitals."""
    surface = text[start:end]
    if not surface[:1].isupper():
        return False
    if len(surface) > 1 and surface.isupper():
        return True
    before = text[max(start - _LOOKED_BACK, 0) : start].rpartition("\n")[2].strip(_AROUND_A_START)
    return bool(before) and not _SENTENCE_END.search(before)


def log_ranks(ids: Array | int) -> Array:
    """How rare words are: by Zipf's law the logarithm of their places in the vocabulary."""
    return np.log(np.asarray(ids) + _FIRST)


def contraction(word: str, written: str, behind: str) -> str:
    """The noisy LM's word for what was written, with the `'t` that the tokenizer cuts off: `didnt`, `didn't`.

    Args:
        word, written: in small letters.
        behind: the text behind what was written.
    """
    is_whole = written.endswith("t") and not behind.startswith(_NOT)
    return word + _NOT[0] if word in _CONTRACTED and is_whole else word


def _goes_on(characters: Iterable[str]) -> bool:
    """Whether a word that a tokenizer ended goes on: a mark, or letters behind a soft hyphen or the like."""
    kinds = map(category, characters)
    return next((kind[0] in "LMN" for kind in kinds if kind != "Cf"), False)


def _before(text: str, place: int) -> str:
    """What stands before a place without white space between."""
    part = text[max(place - _AROUND, 0) : place]
    return "" if not part or part[-1].isspace() else part.split()[-1]


def _behind(text: str, place: int) -> str:
    part = text[place : place + _AROUND]
    return "" if not part or part[0].isspace() else part.split()[0]
