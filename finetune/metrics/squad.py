"""Exact match and F1 of answers, equal to the official scripts of SQuAD 1.1 and 2.0.

Both compare the words of normalised texts, the best of several gold answers counts, and scores are
percentages. The sums run in the order of the scripts, so that the last digit agrees too.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from charbert.errors import CharBertError
from data.examples.types import QuestionExample

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")

Measure = Literal["exact", "f1"]
RawScores = dict[Measure, dict[str, float]]


class Threshold(NamedTuple):
    """The highest score, in percent, and the threshold for the no-answer probabilities that gives it."""

    score: float
    value: float


def answer_words(text: str) -> list[str]:
    """The words by which answers are compared: in lower case, without punctuation and articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def word_f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """F1 of two bags of words, from 0 to 1; 0 where they share none."""
    shared = (Counter(gold) & Counter(predicted)).total()
    if not shared:
        return 0
    precision, recall = shared / len(predicted), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def missing_predictions(examples: Sequence[QuestionExample], predictions: Mapping[str, str]) -> list[str]:
    """The ids of questions without a prediction, in order."""
    return [example.id for example in examples if example.id not in predictions]


def squad1_scores(examples: Sequence[QuestionExample], predictions: Mapping[str, str]) -> dict[str, float]:
    """`exact_match` and `f1` of SQuAD 1.1, in percent; a question without a prediction counts as wrong.

    Raises:
        CharBertError: a question has no gold answer.
    """
    exact, f1 = 0, 0.0
    for example in examples:
        if not example.answers:
            raise CharBertError(
                f"{example.location}: question {example.id!r} has no answer, which SQuAD 1.1 does not know; "
                "score it as squad2"
            )
        if example.id in predictions:
            golds = [answer_words(answer.text) for answer in example.answers]
            predicted = answer_words(predictions[example.id])
            exact += predicted in golds
            f1 += max(word_f1(gold, predicted) for gold in golds)
    return {"exact_match": 100.0 * exact / len(examples), "f1": 100.0 * f1 / len(examples)}


def squad2_scores(
    examples: Sequence[QuestionExample],
    predictions: Mapping[str, str],
    na_probs: Mapping[str, float] | None = None,
    na_threshold: float = 1.0,
) -> dict[str, float]:
    """The scores of SQuAD 2.0 under the official names and in their order, in percent.

    `exact`, `f1` and `total`; the same of questions with (`HasAns_`) and without an answer (`NoAns_`)
    where there are any; with `na_probs` also what `best_threshold` finds for both measures.

    Args:
        predictions: an answer to each question; "" says that it has none.
        na_probs: of each question, the probability or another score of having no answer.
        na_threshold: above it, a question counts as answered with "".

    Raises:
        CharBertError: a question without a prediction or without its `na_probs`. The official script
            breaks off there as well.
    """
    answerable = _answerable(examples)
    raw = _raw_scores(examples, predictions)
    probabilities = dict.fromkeys(answerable, 0.0) if na_probs is None else na_probs
    _require_all(answerable, probabilities, "no-answer probability")
    kept = {
        measure: {
            name: float(not answerable[name]) if probabilities[name] > na_threshold else score
            for name, score in of_questions.items()
        }
        for measure, of_questions in raw.items()
    }
    parts = {
        "": list(answerable),
        "HasAns_": [name for name, has_answer in answerable.items() if has_answer],
        "NoAns_": [name for name, has_answer in answerable.items() if not has_answer],
    }
    scores: dict[str, float] = {}
    for prefix, names in parts.items():
        if names:
            for measure, of_questions in kept.items():
                scores[f"{prefix}{measure}"] = 100.0 * sum(of_questions[name] for name in names) / len(names)
            scores[f"{prefix}total"] = len(names)
    if na_probs is not None:
        for measure in raw:
            best = _best_threshold(raw[measure], predictions, na_probs, answerable)
            scores |= {f"best_{measure}": best.score, f"best_{measure}_thresh": best.value}
    return scores


def best_threshold(
    examples: Sequence[QuestionExample],
    predictions: Mapping[str, str],
    na_probs: Mapping[str, float],
    measure: Measure = "f1",
) -> Threshold:
    """The threshold above which it is best to say that a question has no answer.

    As in the official script, it is 0.0 where no other does better than answering nothing, and of
    several questions with one probability only the first may count as answered.

    Args:
        predictions: an answer to each question, the best that is not "".
        na_probs: of each question, 0 or more.

    Raises:
        CharBertError: a question without a prediction or without its `na_probs`.
    """
    answerable = _answerable(examples)
    scores = _raw_scores(examples, predictions)[measure]
    _require_all(answerable, na_probs, "no-answer probability")
    return _best_threshold(scores, predictions, na_probs, answerable)


def _best_threshold(
    scores: Mapping[str, float],
    predictions: Mapping[str, str],
    na_probs: Mapping[str, float],
    answerable: Mapping[str, bool],
) -> Threshold:
    total: float = sum(not has_answer for has_answer in answerable.values())
    best, threshold = total, 0.0
    for name in sorted(na_probs, key=na_probs.__getitem__):
        if name not in answerable:
            continue
        if answerable[name]:
            total += scores[name]
        elif predictions[name]:
            total -= 1
        if total > best:
            best, threshold = total, na_probs[name]
    return Threshold(100.0 * best / len(scores), threshold)


def _answerable(examples: Sequence[QuestionExample]) -> dict[str, bool]:
    return {example.id: bool(example.answers) for example in examples}


def _raw_scores(examples: Sequence[QuestionExample], predictions: Mapping[str, str]) -> RawScores:
    """Of each question, before any threshold, from 0 to 1."""
    _require_all([example.id for example in examples], predictions, "prediction")
    raw: RawScores = {"exact": {}, "f1": {}}
    for example in examples:
        texts = (answer_words(answer.text) for answer in example.answers)
        golds = [words for words in texts if words] or [[]]
        predicted = answer_words(predictions[example.id])
        exact = int(predicted in golds)
        raw["exact"][example.id] = exact
        # Two empty answers agree here, unlike in SQuAD 1.1.
        raw["f1"][example.id] = (
            max(word_f1(gold, predicted) for gold in golds) if golds != [[]] and predicted else exact
        )
    return raw


def _require_all(names: Sequence[str] | Mapping[str, bool], given: Mapping[str, object], what: str) -> None:
    missing = [name for name in names if name not in given]
    if missing:
        raise CharBertError(
            f"{len(missing)} of {len(names)} questions lack a {what}, the first is {missing[0]!r}; "
            "SQuAD 2.0 needs one of each question"
        )
