"""Extractive question answering: SQuAD 1.1, and SQuAD 2.0 with its threshold of "no answer"."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from transformers import AutoModelForQuestionAnswering

from charbert.errors import CharBertError
from charbert.ragged import Array
from data.examples.readers import Columns
from data.examples.rows import BadRows
from data.examples.types import Answer, QuestionExample
from finetune.metrics import squad
from finetune.metrics.prediction_files import read_answers, read_labelled, read_na_probs
from finetune.settings import ScoreSettings
from finetune.tasks import spans
from finetune.tasks.base import Encoded, Inputs, Output, Task, split_rows, tokenize
from finetune.tasks.spans import CLS, NOWHERE, Candidate, Window

LONGEST_QUESTION = 64
"""Tokens of a question; fewer where they would fill more than half of a row."""
NO_ANSWER = "(no answer)"
EXCERPT = 90
"""Characters of a context that are shown on each side of an answer."""
NBEST_SUFFIX, NA_SUFFIX = ".nbest_predictions.json", ".na_probs.json"
_EXAMPLES_AT_ONCE = 500  # what a tokenizer keeps of a text is many times larger than its tokens


class AnswerPrediction(NamedTuple):
    """The answer to a question: the characters `start` to `end` of its context, or none."""

    id: str
    text: str
    start: int
    end: int
    probability: float
    na_score: float
    """By how much no answer is preferred to the best one, in logits."""
    n_best: tuple[Candidate, ...]
    """The best first; where questions may have no answer, that is among them."""

    @property
    def value(self) -> str:
        """What is predicted, as plain JSON."""
        return self.text


Examples = Sequence[QuestionExample]
Predictions = Sequence[AnswerPrediction]


class AnswerTask(Task[QuestionExample, AnswerPrediction]):
    """Extractive question answering.

    A context that does not fit beside its question is read in windows, and a span is scored where its first
    token has most context.

    Args:
        stride: tokens that two neighbouring windows share, as in `transformers`.
        max_answer_length: tokens of an answer.
        n_best: spans that are kept of each question.
        unanswerable: a question may have no answer, as in SQuAD 2.0.
        common: as of `Task`. Of `max_length` tokens are the question, a window of the context, the special
            tokens. `threshold` is of `na_score`; above it the prediction is "no answer".
    """

    auto_class = AutoModelForQuestionAnswering
    metric = "f1"
    ending = ".json"
    SETTINGS: ClassVar[Mapping[str, str]] = {
        **Task.SETTINGS,
        **{name: name for name in ("stride", "max_answer_length", "n_best", "unanswerable")},
    }
    points = 1.0  # SQuAD's scripts give percent

    def __init__(
        self,
        *,
        max_length: int = 384,
        stride: int = 128,
        max_answer_length: int = 30,
        n_best: int = 20,
        unanswerable: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(max_length=max_length, **common)
        self.unanswerable = unanswerable
        self.has_threshold = unanswerable
        self.variant = "unanswerable" if unanswerable else "answerable"
        self._stride = stride
        self._max_answer_length = max_answer_length
        self._n_best = n_best

    @classmethod
    def score_file(
        cls, settings: ScoreSettings, bad: BadRows, *, unanswerable: bool | None = None
    ) -> dict[str, float]:
        """As `Task.score_file`: the JSON of SQuAD's scripts; without a fixed version that which fits."""
        gold = read_labelled(settings, settings.gold, bad)
        predicted = read_answers(Path(settings.predictions))
        if unanswerable is None:
            unanswerable = bool(settings.na_probs) or not all(example.answers for example in gold)
        if unanswerable:
            na_probs = read_na_probs(Path(settings.na_probs)) if settings.na_probs else None
            return squad.squad2_scores(gold, predicted, na_probs, settings.na_threshold)
        missing = squad.missing_predictions(gold, predicted)
        if missing:
            print(
                f"{len(missing)} of {len(gold)} questions have no prediction and count as wrong, the first "
                f"is {missing[0]!r}",
                file=sys.stderr,
            )
        return squad.squad1_scores(gold, predicted)

    @property
    def model_settings(self) -> dict[str, Any]:
        return {"num_labels": 2}  # start and end, also on top of a model that had other labels

    def usable(self, examples: Examples, bad: BadRows) -> list[QuestionExample]:
        found = []
        for example in examples:
            if example.answerable is False and not self.unanswerable:
                bad.add(example.location, "the question has no answer, and this task needs one")
            else:
                found.append(example)
        return found

    def encode(self, examples: Examples, tokenizer: Any) -> Encoded:
        """As in `Task`. Rows that do not hold the whole answer have the first token, [CLS], as its position.

        Raises:
            CharBertError: `stride` is more than the room for context beside a question.
        """
        longest_question = self._longest_question(tokenizer)
        encoded = Encoded([], [])
        for begin in range(0, len(examples), _EXAMPLES_AT_ONCE):
            some = examples[begin : begin + _EXAMPLES_AT_ONCE]
            questions = spans.cut_questions(
                [example.question for example in some], longest_question, tokenizer
            )
            for rows, windows in self._rows(some, questions, tokenizer, begin):
                example = examples[windows[0].example]
                if example.is_labelled:
                    answer = example.answers[0] if example.answers else None
                    for row, (first, last) in zip(rows, spans.answer_positions(windows, answer), strict=True):
                        row |= {"start_positions": first, "end_positions": last}
                encoded.inputs.extend(rows)
                encoded.notes.extend(windows)
        return encoded

    def decode(
        self, examples: Examples, encoded: Encoded, outputs: Sequence[Output]
    ) -> list[AnswerPrediction]:
        nulls = np.full(len(examples), np.inf)
        found: list[list[tuple[float, int, int]]] = [[] for _ in examples]
        for window, output in zip(encoded.notes, outputs, strict=True):
            logits = output.astype(np.float64)
            nulls[window.example] = min(nulls[window.example], logits[CLS].sum())
            here = logits[window.position : window.position + len(window.offsets)]
            best = spans.best_spans(
                here[:, 0], here[:, 1], window.central, self._max_answer_length, self._n_best
            )
            characters = window.offsets[best.first, 0], window.offsets[best.last, 1]
            found[window.example].extend(
                zip(*(column.tolist() for column in (best.scores, *characters)), strict=True)
            )
        return [
            self._prediction(example, scored, null)
            for example, scored, null in zip(examples, found, nulls.tolist(), strict=True)
        ]

    def tune(self, examples: Examples, predictions: Predictions) -> "AnswerTask":
        """This task with the threshold that gives these predictions the best F1, if it has one."""
        if not self.unanswerable:
            return self
        scores = _na_scores(predictions)
        levels = sorted(set(scores.values()))
        # By rank, from 1: the search takes 0 for a threshold below all of them.
        ranks = {level: rank for rank, level in enumerate(levels, start=1)}
        ranked = {name: float(ranks[score]) for name, score in scores.items()}
        rank = int(squad.best_threshold(examples, _spans(predictions), ranked).value)
        return self.with_threshold(levels[rank - 1] if rank else levels[0] - 1.0)

    def apply_threshold(self, predictions: Predictions) -> list[AnswerPrediction]:
        """The predictions, each decided anew between its best answer and none."""
        return [self._decide(prediction) for prediction in predictions]

    def score(self, examples: Examples, predictions: Predictions) -> dict[str, float]:
        """The keys and the scale of SQuAD's own scripts; thresholds are of `na_score`."""
        if not self.unanswerable:
            return squad.squad1_scores(examples, _texts(predictions))
        return squad.squad2_scores(examples, _spans(predictions), _na_scores(predictions), self.threshold)

    def is_correct(self, example: QuestionExample, prediction: AnswerPrediction) -> bool:
        """By exact match, as SQuAD's scripts compare texts."""
        return squad.answer_words(prediction.text) in [
            squad.answer_words(text) for text in _gold_texts(example)
        ]

    def show_texts(self, example: QuestionExample) -> list[str]:
        """The question, and the part of the context around its first answer."""
        answer = example.answers[0] if example.answers else Answer("", 0)
        first = max(0, answer.start - EXCERPT)
        last = min(len(example.context), answer.start + len(answer.text) + EXCERPT)
        before, after = "… " * (first > 0), " …" * (last < len(example.context))
        return [example.question, f"{before}{example.context[first:last]}{after}"]

    def show_gold(self, example: QuestionExample) -> str:
        return " / ".join(dict.fromkeys(text or NO_ANSWER for text in _gold_texts(example)))

    def show_prediction(self, example: QuestionExample, prediction: AnswerPrediction) -> str:
        return prediction.text or NO_ANSWER

    def losses(self, inputs: Inputs, output: Output) -> Array:
        positions = [inputs["start_positions"], inputs["end_positions"]]
        return np.logaddexp.reduce(output, axis=0) - output[positions, [0, 1]]

    def records(self, examples: Examples, predictions: Predictions) -> Iterator[dict[str, Any]]:
        for prediction in predictions:
            yield prediction._asdict() | {"n_best": _plain(prediction.n_best)}

    def write(self, examples: Examples, predictions: Predictions, path: Path) -> None:
        """As SQuAD's scripts read it: the text by id. Beside it, the n best, and how sure "no answer" is."""
        _write_json(_texts(predictions), path)
        n_best = {each.id: _plain(each.n_best) for each in predictions}
        _write_json(n_best, path.with_suffix(NBEST_SUFFIX))
        if self.unanswerable:
            scores = _na_scores(predictions)
            shares = {name: float(np.exp(-np.logaddexp(0.0, -score))) for name, score in scores.items()}
            _write_json(shares, path.with_suffix(NA_SUFFIX))

    def write_gold(self, examples: Examples, columns: Columns, path: Path) -> None:
        """As SQuAD's files are, each question below a context of its own."""
        articles = []
        for example in examples:
            answers = [{"text": answer.text, "answer_start": answer.start} for answer in example.answers]
            question = {
                **{"id": example.id, "question": example.question},
                **{"answers": answers, "is_impossible": not answers},
            }
            paragraph = {"context": example.context, "qas": [question]}
            articles.append({"title": example.title, "paragraphs": [paragraph]})
        _write_json({"version": "v2.0", "data": articles}, path.with_suffix(self.ending))

    def _longest_question(self, tokenizer: Any) -> int:
        room = self.max_length - tokenizer.num_special_tokens_to_add(pair=True)
        longest = min(LONGEST_QUESTION, room // 2)
        if not 0 <= self._stride < room - longest:
            raise CharBertError(
                f"--stride: {self._stride} must lie between 0 and {room - longest - 1} at "
                f"--max-length {self.max_length}, which holds a question too"
            )
        return longest

    def _rows(
        self, examples: Examples, questions: Sequence[str], tokenizer: Any, begin: int
    ) -> Iterator[tuple[list[Inputs], list[Window]]]:
        """The rows of each example from left to right, and their windows; the first example is `begin`."""
        encoded = tokenize(
            tokenizer,
            questions,
            [example.context for example in examples],
            truncation="only_second",
            max_length=self.max_length,
            stride=self._stride,
            return_overflowing_tokens=True,
        )
        samples = encoded.pop("overflow_to_sample_mapping")
        inputs = split_rows(encoded)
        for number, same in groupby(range(len(samples)), key=samples.__getitem__):
            rows = list(same)
            if tokenizer.truncation_side == "left":
                rows.reverse()
            encodings = [encoded.encodings[row] for row in rows]
            yield [inputs[row] for row in rows], spans.make_windows(begin + number, encodings, self._stride)

    def _prediction(
        self, example: QuestionExample, scored: Sequence[tuple[float, int, int]], null: float
    ) -> AnswerPrediction:
        scores = spans.score_texts(example.context, scored, self._n_best)
        na_score = null - max(scores.values(), default=0.0)
        if self.unanswerable or not scores:
            scores[NOWHERE, NOWHERE] = null
        n_best = spans.rank_candidates(example.context, scores)
        text, probability, start, end = n_best[0]
        return self._decide(AnswerPrediction(example.id, text, start, end, probability, na_score, n_best))

    def _decide(self, prediction: AnswerPrediction) -> AnswerPrediction:
        answered = not (self.unanswerable and prediction.na_score > self.threshold)
        n_best = prediction.n_best
        chosen = next((each for each in n_best if bool(each.text) == answered), n_best[0])
        return prediction._replace(**chosen._asdict())


def _gold_texts(example: QuestionExample) -> list[str]:
    return [answer.text for answer in example.answers] or [""]


def _plain(n_best: Sequence[Candidate]) -> list[dict[str, Any]]:
    return [candidate._asdict() for candidate in n_best]


def _texts(predictions: Predictions) -> dict[str, str]:
    return {each.id: each.text for each in predictions}


def _spans(predictions: Predictions) -> dict[str, str]:
    """The best answers, whether or not none is preferred to them."""
    return {each.id: next((one.text for one in each.n_best if one.text), "") for each in predictions}


def _na_scores(predictions: Predictions) -> dict[str, float]:
    return {each.id: each.na_score for each in predictions}


def _write_json(content: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
