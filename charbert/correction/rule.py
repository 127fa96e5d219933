"""The rule of correction: which words are suspected misspellings, and the likely originals of each.

A word is suspect if neither the vocabulary of the noisy LM nor the user has it, it is letters only, and it
is no acronym and no part of a longer word, of code or of an address. Its candidates are the words at most
two edits away, of that vocabulary and of a list of rarer words; one edit, if the word is of one of these.
Each has a score, a log-likelihood: of its probability by the head, of its frequency and of its edits. The
word as written has one too: a listed word by its frequency, a new one lower for a long word; higher for one
that looks like a name or stands there twice. A softmax over these scores gives the probabilities of the
candidates, and that of a misspelling is their sum. Those of a misspelling the masked LM weighs too: it
decides between them, and if none fits in the place of the word, that is less likely one.
"""

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from unicodedata import category

import numpy as np

from charbert.correction.code import is_code
from charbert.correction.distance import Spellings
from charbert.ragged import Array
from charbert.vocabulary import Vocabulary

SHORTEST, LONGEST = 3, 40
"""Letters of the words that are judged."""
MOST_EDITS = 2
_LONGEST_ACRONYM = 5
_NOT_KNOWN = -10.0  # in place of the masked LM's log-probability of a word of many tokens
_KEPT = 10_000  # words whose candidates are kept
_ROUNDING = 1e-5  # of probabilities, which may sum up to a little more than 1
_FIRST = 20  # words that count as about equally frequent
_SENTENCE_CONTEXT = 40  # characters before a word, searched for the end of a sentence
_CONTEXT = 100  # characters beside a word, searched for the white space around it
_NEARBY = 1000  # characters beside a word, searched for the same word
_WORD = re.compile(r"[^\W\d_]+")
_AROUND_A_START = " \t\"'“”‘’«»()[]{}*-–—•"
_SENTENCE_END = re.compile(r"(?<!\b[^\W\d_])\.$|[!?…:]$")  # not after an initial
_CONTRACTED = frozenset(
    "ain aren can couldn daren didn doesn don hadn hasn haven isn mightn mustn needn oughtn shan shouldn "
    "wasn weren won wouldn".split()
)
_NOT = ("'t", "’t")
_CONTRACTIONS = {
    whole.replace("'", ""): whole
    for whole in (
        *(f"{word}'t" for word in _CONTRACTED),
        *"i've you've we've they've could've should've would've might've must've you're they're".split(),
        *"you'll they'll it'll that'll you'd they'd it'd he's she's that's what's where's there's".split(),
        *"here's who's who'd how's".split(),
    )
}
"""Contractions written without their apostrophe -> with it, if they are no other words then."""
# But these two are, after such words.
_WORDS_TOO = ("cant", "wont")
_NOUN_FOLLOWS = re.compile(
    r"\b(is|are|was|were|been|his|her|its|their|my|your|our|the|a|an|of|this)\s+$", re.IGNORECASE
)
# Words of chats that an encyclopaedia lacks; each is an edit or two from a frequent word.
_COLLOQUIAL = frozenset(
    "kinda sorta gonna wanna gotta gimme lemme dunno gotcha betcha tho cos coz cuz til nope yep yup yeah nah "
    "ugh huh heh hehe haha eww aww ooh lol lmao rofl omg omfg idk imo imho fyi afaik asap cya fam bro bruh "
    "sis homie homies dude dudes ain sup yay yikes meh pic pics vid vids app apps selfie".split()
)
_TECHNICAL = frozenset(
    "args argc argv auth bool chown cron deno devops dict env foo git lib libs lint linter oauth refactor "
    "sqlite stderr stdin stdout struct sudo vars".split()
)
_ABBREVIATION = re.compile(r"[b-df-hj-np-tv-xz]{3,4}")  # letters that make no syllable: "thx", "kgs"
_LONGEST_SHORTENED = 5
_SHORTENED = re.compile(r"\.(?=[,;)]|[^\S\n]+[a-z\d])")  # after a word: the full stop ends no sentence
# The rest of a word that is divided at the end of a line.
_BEGUN_BEFORE = re.compile(r"[^\W\d_][-\u00ad\u2010][^\S\n]*\n[^\S\n]*$")
_CONTINUED_AFTER = re.compile(r"[-\u00ad\u2010][^\S\n]*\n[^\S\n]*[^\W\d_]")


@dataclass(frozen=True)
class Weights:
    """The terms of the scores, in nats, fitted to a pre-trained model (`docs/correction.md`)."""

    head: float = 0.36
    """Factor of a candidate's log-probability by the noisy LM."""
    rank: float = 0.58
    """Cost of the logarithm of its rank in the vocabulary, where frequent words are first."""
    edit: float = 0.36
    """Factor of the cost of its edits."""
    outside: float = -2.9
    """Score of a candidate that is listed: the noisy LM cannot predict it."""
    context: float = 0.48
    """Factor of a candidate's log-probability by the masked LM."""
    fit: float = 0.45
    """How well the candidates fit the context by it, if each fits certainly; less than none counts alone."""
    misfit: float = 0.34
    """Factor of the logarithm of how well they do."""
    unseen: float = -4.75
    """Score of a written word that is neither in the vocabulary nor listed."""
    letter: float = 0.54
    """Cost of each of its letters."""
    name: float = 1.55
    """Bonus if it looks like a name."""
    unknown: float = 0.75
    """Bonus of the probability that it is none of the vocabulary, by a noisy LM that has learnt that."""
    repeated: float = 1.9
    """Bonus if it stands nearby more than once, as few misspellings do."""
    listed: float = -0.25
    """Bonus of a written word that is listed."""
    seen: float = 2.0
    """Bonus of a written word that is in the vocabulary, where such words are judged too."""


class Looks(NamedTuple):
    """What the text around a word says of it."""

    name: bool = False
    """Whether it looks like a name."""
    repeated: bool = False
    """Whether it stands nearby more than once."""


class Judgement(NamedTuple):
    """The probability that a word is a misspelling, and its likely originals, likeliest first."""

    probability: float
    words: list[str]
    probabilities: list[float]


class Rule:
    """Finds suspect words, and scores their candidates.

    Args:
        words: the vocabulary of the noisy LM.
        known: words that are right, in small letters.
        listed: further words of the language, frequent ones first, in small letters.
        real_words: whether words of the noisy LM's vocabulary are suspect too.
    """

    def __init__(
        self,
        words: Vocabulary,
        known: Collection[str] = (),
        listed: Iterable[str] = (),
        real_words: bool = False,
        weights: Weights | None = None,
    ) -> None:
        self._vocabulary, self._known, self._real_words = words, frozenset(known), real_words
        self._weights = weights or Weights()
        # Punctuation, numbers and single letters are words to the noisy LM, but no corrections.
        ids = [index for index, word in enumerate(words) if _is_candidate(word) and words.id(word) == index]
        others = dict.fromkeys(word for word in listed if _is_candidate(word) and word not in words)
        self._words = [*words, *others]
        self._places = {word: len(words) + place for place, word in enumerate(others)}  # of listed words
        self._ids = np.array([*ids, *self._places.values()], np.int64)
        self._spellings = Spellings([self._words[index] for index in self._ids])
        # The more words are known, the less likely is one right that is none of them.
        more = others.keys() | {word for word in self._known if word not in words}
        self._growth = math.log1p(len(more) / len(words))
        self._found: dict[str, tuple[Array, Array]] = {}  # the candidates of words that were looked up

    def is_suspect(self, text: str, start: int, end: int, word: str) -> bool:
        """Whether a word is to be judged.

        Args:
            text, start, end: the word as written is `text[start:end]`.
            word: its small letters, as the tokenizer reads them.
        """
        surface = text[start:end]
        if not (SHORTEST <= len(word) <= LONGEST and word.isalpha() and surface.isalpha()):
            return False
        if word in self._known or (word in self._vocabulary and not self._real_words):
            return False
        if word in _COLLOQUIAL or word in _TECHNICAL or _ABBREVIATION.fullmatch(word):
            return False
        if len(word) <= _LONGEST_SHORTENED and _SHORTENED.match(text, end):
            return False
        if _BEGUN_BEFORE.search(text[max(start - _CONTEXT, 0) : start]) or _CONTINUED_AFTER.match(text, end):
            return False
        if word in _CONTRACTED and text.startswith(_NOT, end):
            return False
        if surface.isupper() and surface != surface.lower():
            if len(surface) <= _LONGEST_ACRONYM:
                return False
        elif surface[1:] != surface[1:].lower():
            return False
        before = text[max(start - _CONTEXT, 0) : start]
        after = text[end : end + _CONTEXT]
        before = "" if not before or before[-1].isspace() else before.split()[-1]
        after = "" if not after or after[0].isspace() else after.split()[0]
        # Marks are on what stands before them, which may be an emoji.
        marked = (each for each in reversed(before) if category(each)[0] != "M")
        is_part = _continues(marked) or _continues(after)
        return not (is_part or is_code(before + surface + after))

    def find_contraction(self, text: str, start: int, end: int, word: str) -> str | None:
        """A contraction that is written without its apostrophe (`dont`), with it; of any other word None.

        One that is a noun here (`cant`) is found as it is.

        Args:
            text, start, end, word: as of `is_suspect`.
        """
        if word in _WORDS_TOO and _NOUN_FOLLOWS.search(text[max(start - _CONTEXT, 0) : start]):
            return word
        whole = None if text.startswith(_NOT, end) else _CONTRACTIONS.get(word)
        return whole if whole and whole.partition("'")[0] in self._vocabulary else None

    def may_be_wrong(self, word: str, looks: Looks, threshold: float) -> bool:
        """Whether a word can reach this probability of a misspelling, whatever the model predicts.

        Args:
            word, looks: as for `judge`.
            threshold: the least probability.
        """
        weights = self._weights
        ids, distances = self._find_candidates(word)
        if not len(ids) or word in self._vocabulary or min(weights.head, weights.unknown) < 0:
            return len(ids) > 0
        # An upper bound. The candidates that the noisy LM can predict weigh w P^head, with P that sum up to 1
        # at most: by Hölder's inequality no more than (sum of w^(1 / (1 - head)))^(1 - head) together, which
        # is the greatest w if head is 1.
        certain = self._score(ids, np.zeros(len(self._vocabulary))) - weights.edit * distances
        predicted = ids < len(self._vocabulary)
        rest = max(1.0 - weights.head, 1e-6)
        most_predicted = rest * np.logaddexp.reduce(certain[predicted] / rest, initial=-np.inf)
        scores = np.append(certain[~predicted], most_predicted)
        kept = self._score_written(word, looks)
        most = 1.0 - float(np.exp(kept - np.logaddexp.reduce(scores, initial=kept)))
        return most >= threshold - _ROUNDING

    def judge(self, word: str, looks: Looks, log_probabilities: Array, top_k: int) -> Judgement:
        """The probability that a word is a misspelling, with its likely originals.

        Args:
            word: its small letters, as the tokenizer reads them.
            looks: what the text around it says of it.
            log_probabilities: (V,) of the words of the noisy LM.
            top_k: originals to give at most.
        """
        weights = self._weights
        ids, distances = self._find_candidates(word)
        scores = self._score(ids, log_probabilities) - weights.edit * distances
        if word in self._vocabulary:
            own = self._score(np.array([self._vocabulary.id(word)]), log_probabilities)
            kept = weights.name * looks.name + (weights.seen + float(own[0]))
        else:
            # What the noisy LM cannot predict may be this word or the one that was meant.
            unknown = weights.unknown * float(np.exp(log_probabilities[-1]))
            scores += unknown * (ids >= len(self._vocabulary))
            kept = self._score_written(word, looks) + unknown
        total = np.logaddexp.reduce(scores, initial=kept)
        likeliest = np.argsort(-scores, kind="stable")[:top_k]
        return Judgement(
            probability=1.0 - float(np.exp(kept - total)),
            words=[self._words[index] for index in ids[likeliest].tolist()],
            probabilities=np.exp(scores[likeliest] - total).tolist(),
        )

    def reweigh(
        self, found: Judgement, log_probabilities: Array, top_k: int, written: float | None = None
    ) -> Judgement:
        """The same by the masked LM too: originals that fit better are likelier, and if none does, all less.

        Args:
            found: the judgement.
            log_probabilities: of its originals in place of the word; -inf if that is not known. Those for
                which there is none, the last ones, fit as badly as the worst.
            top_k: originals to give at most.
            written: of the word itself, if it is one of the vocabulary: what fits better is likelier than it.
        """
        weights = self._weights
        in_place = np.where(np.isneginf(log_probabilities), _NOT_KNOWN, log_probabilities)
        others = len(found.words) - len(in_place)
        in_place = np.append(in_place, np.full(others, in_place.min()))
        shares = np.array(found.probabilities) / sum(found.probabilities)
        shares *= np.exp(weights.context * in_place)
        fit = math.log(shares.sum())
        if written is None:
            fit = min(weights.fit + weights.misfit * fit, 0.0)
        else:
            fit -= weights.context * (written if math.isfinite(written) else _NOT_KNOWN)
        odds = math.exp(fit) * found.probability
        probability = odds / (odds + 1.0 - found.probability)
        shares *= probability / shares.sum()
        likeliest = np.argsort(-shares, kind="stable")[:top_k]
        return Judgement(
            probability, [found.words[index] for index in likeliest.tolist()], shares[likeliest].tolist()
        )

    def _find_candidates(self, word: str) -> tuple[Array, Array]:
        """The ids of the other words that a word may be a misspelling of, and their distances from it."""
        found = self._found.get(word)  # another thread may clear them at any time
        if found is None:
            if len(self._found) >= _KEPT:
                self._found.clear()
            is_word = word in self._vocabulary or word in self._places
            indices, distances = self._spellings.find_near(word, 1 if is_word else MOST_EDITS)
            others = distances > 0
            found = self._found[word] = self._ids[indices[others]], distances[others]
        return found

    def _score_written(self, word: str, looks: Looks) -> float:
        """The score of a written word that the vocabulary lacks."""
        weights, place = self._weights, self._places.get(word)
        bonus = weights.name * looks.name + weights.repeated * looks.repeated
        if place is not None:
            return bonus + weights.listed - weights.rank * math.log(place + _FIRST)
        return bonus + weights.unseen - weights.letter * len(word) - self._growth

    def _score(self, ids: Array, log_probabilities: Array) -> Array:
        """(K,) the scores of words by the model and by their frequency."""
        weights, size = self._weights, len(self._vocabulary)
        found = log_probabilities[np.minimum(ids, size - 1)]
        by_model = np.where(ids < size, weights.head * found, weights.outside)
        return by_model - weights.rank * np.log(ids + _FIRST)  # by Zipf's law it is as frequent as its rank


def look_at(text: str, start: int, end: int) -> Looks:
    """What the text around a word, `text[start:end]`, says of it."""
    nearby = text[max(start - _NEARBY, 0) : end + _NEARBY].lower()
    repeated = _WORD.findall(nearby).count(text[start:end].lower()) > 1
    return Looks(looks_like_a_name(text, start, end), repeated)


def looks_like_a_name(text: str, start: int, end: int) -> bool:
    """Whether a word begins with a capital and does not begin a sentence, or is all capitals."""
    surface = text[start:end]
    if not surface[:1].isupper():
        return False
    if len(surface) > 1 and surface.isupper():
        return True
    before = text[max(start - _SENTENCE_CONTEXT, 0) : start].rpartition("\n")[2].strip(_AROUND_A_START)
    return bool(before) and not _SENTENCE_END.search(before)


def complete_contraction(word: str, written: str, after: str) -> str:
    """The noisy LM's word with the `'t` that the tokenizer splits off, if that is meant: `didnt`, `didn't`.

    Args:
        word: the word in place of what was written, both in small letters.
        written: the word as written.
        after: the text after it.
    """
    is_whole = written.endswith("t") and not after.startswith(_NOT)
    return word + _NOT[0] if word in _CONTRACTED and is_whole else word


def _is_candidate(word: str) -> bool:
    """Whether it may be a correction: nobody spends three letters and more on a word of one."""
    return len(word) > 1 and word.isalpha()


def _continues(characters: Iterable[str]) -> bool:
    """Whether a word that a tokenizer ended continues: with a mark, or letters after a soft hyphen."""
    kinds = map(category, characters)
    return next((kind[0] in "LMN" for kind in kinds if kind != "Cf"), False)
