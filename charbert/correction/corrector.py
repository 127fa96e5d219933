"""Spelling correction with the noisy LM (Section 3.3): `correct`, and `Corrector` for many texts."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, overload

from transformers.utils import logging

from charbert.correction.code import find_code
from charbert.correction.language import Language
from charbert.correction.reader import Model, WordReader, WordSpan
from charbert.correction.rule import (
    Judgement,
    Looks,
    Rule,
    Weights,
    complete_contraction,
    look_at,
)
from charbert.errors import CharBertError
from charbert.recognizer.reading import match_case
from charbert.tokenization import CharBertTokenizer

logger = logging.get_logger(f"transformers.{__name__}")

TOP_K = 5
THRESHOLD = 0.5
_TEXTS = 256  # corrected at a time
_WEIGHED = 16  # originals of a word that are weighed by the masked LM, at most
_LEAST = 0.02  # how likely the least of them is beside the likeliest
_CONTRACTION = 0.99  # how likely one without its apostrophe is a misspelling
_READ = 0.007  # how likely a misspelling a word of the vocabulary is that the masked LM weighs


class Suggestion(NamedTuple):
    """A likely original of a word, in the letter case of the word as written, and its probability."""

    word: str
    probability: float


class CorrectedWord(NamedTuple):
    """A word taken for a misspelling: `text[start:end] == word`, whose likeliest original is `correction`."""

    start: int
    end: int
    word: str
    correction: str
    suggestions: list[Suggestion]


class Correction(NamedTuple):
    """A text with its misspelled words replaced and all else as it was, and those words in order."""

    text: str
    words: list[CorrectedWord]

    def as_dict(self) -> dict[str, Any]:
        """It as JSON holds it: its words and their suggestions are dicts, too."""
        words = [
            {**word._asdict(), "suggestions": [suggestion._asdict() for suggestion in word.suggestions]}
            for word in self.words
        ]
        return {"text": self.text, "words": words}


class Corrector:
    """Corrects misspelled words, by the rule of `charbert.correction.rule`.

    Args:
        model: a model with a noisy-LM head, or the folder or hub id to load it from, or the name of
            weights that come with the package (`charbert.path`); when left out, these.
        tokenizer: its tokenizer; by default that of the model's folder.
        known: words that are right whatever the model predicts, such as names and technical terms. Those of
            the tokenizer's `known.txt` are right unless a frequent word is likely one edit away.
        real_words: judge also words of the vocabulary ("form" for "from"). Several times slower, as nearly
            every word is read, and good for a model trained with `clean_label_probability` alone.
        weights: the weights of the rule.

    Raises:
        CharBertError: the model has no noisy-LM head, or one that was never trained; the tokenizer has no
            words, or not those of the model; or `known` is one text.
    """

    def __init__(
        self,
        model: Model = None,
        tokenizer: CharBertTokenizer | None = None,
        known: Collection[str] = (),
        real_words: bool = False,
        weights: Weights | None = None,
    ) -> None:
        if isinstance(known, str):
            raise CharBertError(f"known={known!r:.40} must be several words: give a list")
        self._reader = WordReader(model, tokenizer)
        self._language = Language(self._reader.words)
        known = set(map(self._reader.normalize, known))
        self._rule = Rule(self._reader.words, known, self._reader.known, real_words, weights)

    def __call__(
        self, texts: Iterable[str], top_k: int = TOP_K, threshold: float = THRESHOLD
    ) -> list[Correction]:
        """Replace the misspelled words of texts by their likeliest originals.

        Args:
            texts: any; empty ones, those without a word, and those in another language
                (`Language.is_foreign`) come back as they are.
            top_k: suggestions for a word, at most.
            threshold: the least probability of a misspelling, from 0 to 1. The higher it is, the fewer words
                are replaced, and the more of them rightly.

        Raises:
            CharBertError: `top_k` or `threshold` is out of its range, or a text is none.
        """
        if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
            raise CharBertError("give a list of texts, or one text to charbert.correct")
        texts = list(texts)
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise CharBertError(f"text {index} is no text but {type(text).__name__}: {text!r:.40}")
        if top_k < 1 or not 0 <= threshold <= 1:
            raise CharBertError(f"top_k={top_k} must be at least 1, and threshold={threshold} from 0 to 1")
        corrections: list[Correction] = []
        for begin in range(0, len(texts), _TEXTS):
            corrections += self._correct(texts[begin : begin + _TEXTS], top_k, threshold)
        return corrections

    def correct_words(
        self, sentences: Sequence[Sequence[str]], threshold: float = THRESHOLD
    ) -> list[list[str]]:
        """Sentences given as words, with each word corrected; it stays one string, whatever is in it."""
        texts, found = [" ".join(words) for words in sentences], []
        for words, correction in zip(sentences, self(texts, threshold=threshold), strict=True):
            starts = list(accumulate((len(word) + 1 for word in words), initial=0))
            changes: dict[int, list[CorrectedWord]] = defaultdict(list)
            for change in correction.words:
                number = bisect_right(starts, change.start) - 1
                start, end = change.start - starts[number], change.end - starts[number]
                changes[number].append(change._replace(start=start, end=end))
            found.append([replace_words(word, changes[number]).text for number, word in enumerate(words)])
        return found

    def _correct(self, texts: Sequence[str], top_k: int, threshold: float) -> list[Correction]:
        foreign = [self._language.is_foreign(text) for text in texts]
        if any(foreign):
            logger.warning_once("texts in another language than the model's are left as they are")
        looks: dict[WordSpan, Looks] = {}  # of suspect words
        code = list(map(find_code, texts))
        found: dict[int, list[CorrectedWord]] = defaultdict(list)

        def is_open(word: WordSpan) -> bool:
            if foreign[word.text] or bisect_right(code[word.text], word.start) % 2:
                return False
            text, start, end = texts[word.text], word.start, word.end
            small = self._reader.normalize(text[start:end])
            # Others stay as they are whatever the model predicts, and it is not asked about them.
            if not self._rule.is_suspect(text, start, end, small):
                return False
            looks[word] = look_at(text, start, end)
            whole = self._rule.find_contraction(text, start, end, small)
            if whole is None:
                return self._rule.may_be_wrong(small, looks[word], threshold)
            if whole != small and not looks[word].name and threshold <= _CONTRACTION:
                surface = text[start:end]
                whole = match_case(whole, surface)
                suggestions = [Suggestion(whole, _CONTRACTION)]
                found[word.text].append(CorrectedWord(start, end, surface, whole, suggestions))
            return False

        wrong: dict[WordSpan, Judgement] = {}
        originals: dict[WordSpan, list[str]] = {}
        for span, log_probabilities in self._reader.score_words(texts, is_open):
            word = texts[span.text][span.start : span.end]
            small = self._reader.normalize(word)
            is_real = small in self._reader.words
            judgement = self._rule.judge(small, looks[span], log_probabilities, max(top_k, _WEIGHED))
            if not judgement.words or judgement.probability < (
                min(threshold, _READ) if is_real else threshold
            ):
                continue
            wrong[span] = judgement
            originals[span] = [
                match_case(each, word)
                for each, probability in zip(judgement.words, judgement.probabilities, strict=True)
                if probability >= _LEAST * judgement.probabilities[0]
            ]
            if is_real:
                originals[span].append(word)  # as it is weighed against them
        for span, log_probabilities in self._reader.score_in_place(texts, originals).items():
            index, start, end = span
            text, word = texts[index], texts[index][start:end]
            small = self._reader.normalize(word)
            written = None
            if small in self._reader.words:
                log_probabilities, written = log_probabilities[:-1], float(log_probabilities[-1])
            judgement = self._rule.reweigh(wrong[span], log_probabilities, top_k, written)
            if judgement.probability < threshold:
                continue
            offered = [
                match_case(complete_contraction(each, small, text[end : end + 2]), word)
                for each in judgement.words
            ]
            suggestions = list(map(Suggestion, offered, judgement.probabilities))
            found[index].append(CorrectedWord(start, end, word, offered[0], suggestions))
        return [replace_words(text, sorted(found[index])) for index, text in enumerate(texts)]


def replace_words(text: str, words: list[CorrectedWord]) -> Correction:
    """The text with these of its words, in their order, replaced by their corrections."""
    parts, end = [], 0
    for word in words:
        parts += [text[end : word.start], word.correction]
        end = word.end
    return Correction("".join([*parts, text[end:]]), words)


@overload
def correct(  # type: ignore[overload-overlap]  # a str is an iterable of texts, too
    text: str,
    model: Model = ...,
    tokenizer: CharBertTokenizer | None = ...,
    top_k: int = ...,
    threshold: float = ...,
    known: Collection[str] = ...,
    real_words: bool = ...,
) -> Correction: ...


@overload
def correct(
    text: Iterable[str],
    model: Model = ...,
    tokenizer: CharBertTokenizer | None = ...,
    top_k: int = ...,
    threshold: float = ...,
    known: Collection[str] = ...,
    real_words: bool = ...,
) -> list[Correction]: ...


def correct(
    text: str | Iterable[str],
    model: Model = None,
    tokenizer: CharBertTokenizer | None = None,
    top_k: int = TOP_K,
    threshold: float = THRESHOLD,
    known: Collection[str] = (),
    real_words: bool = False,
) -> Correction | list[Correction]:
    """Replace the misspelled words of a text, or of each of several, by their likeliest originals.

    The arguments and errors are those of `Corrector` and of its call. The package's model is loaded once; any
    other that is given by its name at each call: make one `Corrector` for many calls.
    """
    if model is None and tokenizer is None and not isinstance(known, str):
        corrector = _load_default(frozenset(known), real_words)
    else:
        corrector = Corrector(model, tokenizer, known, real_words)
    if isinstance(text, str):
        return corrector([text], top_k, threshold)[0]
    return corrector(text, top_k, threshold)


@lru_cache(maxsize=1)
def _load_default(known: Collection[str], real_words: bool) -> Corrector:
    return Corrector(known=known, real_words=real_words)
