"""Questions that may have no answer: when that is predicted, how it is scored, and what is written."""

import json
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from questions import SMALL, question, sizes_of

from data.examples.rows import BadRows
from finetune.tasks.answers import AnswerPrediction, AnswerTask
from finetune.tasks.spans import Candidate


def prediction(id: str, text: str, na_score: float) -> AnswerPrediction:
    """An answer at the fifth character, or none if `na_score` is above 0."""
    share = 1 / (1 + exp(na_score))
    candidates = [Candidate(text, share, 4, 4 + len(text)), Candidate("", 1 - share, -1, -1)]
    candidates.sort(key=lambda candidate: -candidate.probability)
    text, share, start, end = candidates[0]
    return AnswerPrediction(id, text, start, end, share, na_score, tuple(candidates))


class TestNoAnswer:
    """One context of one window, in which the best span has 3 and no answer has what a test gives it."""

    def predicted(self, null: float, **changes: Any) -> AnswerPrediction:
        task = AnswerTask(**{**SMALL, "unanswerable": True, **changes})
        example = question("the lazy dog", "lazy")
        encoded = task.encode([example], tiny.stock_tokenizer("bert"))
        output = np.full((len(encoded.inputs[0]["input_ids"]), 2), -5.0)
        output[encoded.inputs[0]["start_positions"], 0] = 1
        output[encoded.inputs[0]["end_positions"], 1] = 2
        output[0] = null / 2
        return task.decode([example], encoded, [output])[0]

    @pytest.mark.parametrize(
        ("null", "threshold", "text"),
        [
            (2.9, None, "lazy"),
            (3.0, None, "lazy"),
            (3.1, None, ""),
            (4.9, 2.0, "lazy"),
            (5.1, 2.0, ""),
            (1.1, -2.0, ""),
        ],
    )
    def test_it_is_predicted_above_the_threshold(
        self, null: float, threshold: float | None, text: str
    ) -> None:
        prediction = self.predicted(null, threshold=threshold)
        assert prediction.na_score == pytest.approx(null - 3)
        assert prediction.text == text
        assert (prediction.start, prediction.end) == ((4, 8) if text else (-1, -1))
        shares = {candidate.text: candidate.probability for candidate in prediction.n_best}
        assert prediction.probability == shares[text]

    def test_it_is_never_predicted_where_each_question_has_one(self) -> None:
        prediction = self.predicted(50.0, unanswerable=False)
        assert prediction.text == "lazy"
        assert all(candidate.text for candidate in prediction.n_best)

    def test_its_score_is_the_lowest_of_all_windows(self, stock: Any) -> None:
        task = AnswerTask(**{**SMALL, "unanswerable": True})
        example = question("the lazy dog " * 40)
        encoded = task.encode([example], stock)
        outputs = [np.zeros((size, 2)) for size in sizes_of(encoded)]
        for number, output in enumerate(outputs):
            output[0] = abs(number - 2) + 1
        (prediction,) = task.decode([example], encoded, outputs)
        assert prediction.na_score == pytest.approx(2.0)


class TestThreshold:
    TASK = AnswerTask(**{**SMALL, "unanswerable": True})
    EXAMPLES = (
        question("the lazy dog", "lazy", id="a"),
        question("the lazy dog", "lazy", id="b"),
        question("the lazy dog", id="c"),
        question("the lazy dog", id="d"),
    )

    def predictions(self, *na_scores: float) -> list[AnswerPrediction]:
        return [
            prediction(example.id, "lazy", score)
            for example, score in zip(self.EXAMPLES, na_scores, strict=True)
        ]

    @pytest.mark.parametrize(
        ("na_scores", "threshold", "texts", "f1"),
        [
            ((1.0, 2.0, 3.0, 4.0), 2.0, ("lazy", "lazy", "", ""), 100.0),
            ((-4.0, -3.0, -2.0, -1.0), -3.0, ("lazy", "lazy", "", ""), 100.0),
            ((-4.0, 2.0, 1.0, 3.0), -4.0, ("lazy", "", "", ""), 75.0),
        ],
    )
    def test_the_one_with_the_best_f1_is_found(
        self, na_scores: tuple[float, ...], threshold: float, texts: tuple[str, ...], f1: float
    ) -> None:
        predictions = self.predictions(*na_scores)
        tuned = self.TASK.tune(self.EXAMPLES, predictions)
        decided = tuned.apply_threshold(predictions)
        assert tuned.threshold == threshold
        assert tuple(each.text for each in decided) == texts
        scores = tuned.score(self.EXAMPLES, decided)
        assert scores["f1"] == scores["best_f1"] == f1
        assert scores["best_f1_thresh"] == threshold

    def test_where_silence_is_best_nothing_is_answered(self) -> None:
        predictions = self.predictions(-3.0, -4.0, -6.0, -5.0)
        tuned = self.TASK.tune(self.EXAMPLES[2:], predictions[2:])
        assert {each.text for each in tuned.apply_threshold(predictions[2:])} == {""}

    def test_deciding_anew_changes_text_place_and_probability_alone(self) -> None:
        (before,) = self.predictions(1.0, 2.0, 3.0, 4.0)[:1]
        task = AnswerTask(**{**SMALL, "unanswerable": True, "threshold": 1.5})
        (after,) = task.apply_threshold([before])
        assert before[1:4] == ("", -1, -1)
        assert after[1:4] == ("lazy", 4, 8)
        assert after.probability == pytest.approx(1 - before.probability)
        assert (after.id, after.na_score, after.n_best) == (before.id, before.na_score, before.n_best)

    def test_the_task_itself_stays_as_it_is(self) -> None:
        self.TASK.tune(self.EXAMPLES, self.predictions(1.0, 2.0, 3.0, 4.0))
        assert self.TASK.threshold == 0.0

    def test_a_task_whose_questions_all_have_an_answer_has_none(self) -> None:
        task = AnswerTask(**SMALL)
        assert task.tune(self.EXAMPLES[:2], self.predictions(1.0, 2.0, 3.0, 4.0)[:2]) is task


class TestScores:
    def test_those_of_squad_1(self) -> None:
        examples = [question("the lazy dog", "lazy", id="a"), question("the lazy dog", "lazy dog", id="b")]
        predictions = [prediction(example.id, "lazy", -1.0) for example in examples]
        assert AnswerTask(**SMALL).score(examples, predictions) == pytest.approx(
            {"exact_match": 50.0, "f1": (100 + 200 / 3) / 2}
        )

    def test_those_of_squad_2(self) -> None:
        examples = [question("the lazy dog", "lazy", id="a"), question("the lazy dog", id="b")]
        predictions = [
            prediction(example.id, "lazy", score) for example, score in zip(examples, (1.0, 2.0), strict=True)
        ]
        task = AnswerTask(**{**SMALL, "unanswerable": True})
        scores = task.score(examples, predictions)
        assert (scores["f1"], scores["HasAns_f1"], scores["NoAns_f1"]) == (50.0, 0.0, 100.0)
        # The search knows the answers that the threshold of 0 did not let through.
        assert (scores["best_f1"], scores["best_f1_thresh"]) == (100.0, 1.0)

    def test_the_metric_is_among_them(self) -> None:
        examples = [question("the lazy dog", "lazy")]
        for unanswerable in (False, True):
            task = AnswerTask(**{**SMALL, "unanswerable": unanswerable})
            assert task.metric in task.score(examples, [prediction("q", "lazy", -1.0)])


class TestFiles:
    PREDICTIONS = (prediction("a", "löwe", -2.0), prediction("b", "lazy", 50.0))
    EXAMPLES = (question("the löwe", "löwe", id="a"), question("the lazy dog", id="b"))

    def written(self, folder: Path, unanswerable: bool) -> dict[str, Any]:
        task = AnswerTask(**{**SMALL, "unanswerable": unanswerable})
        task.write(self.EXAMPLES, self.PREDICTIONS, folder / "dev.json")
        return {path.name: json.loads(path.read_bytes()) for path in folder.iterdir()}

    def test_texts_stand_by_id_as_the_official_scripts_read_them(self, tmp_path: Path) -> None:
        assert self.written(tmp_path, True)["dev.json"] == {"a": "löwe", "b": ""}

    def test_the_n_best_stand_beside_them(self, tmp_path: Path) -> None:
        found = self.written(tmp_path, False)
        assert set(found) == {"dev.json", "dev.nbest_predictions.json"}
        first = found["dev.nbest_predictions.json"]["a"][0]
        assert first == {
            "text": "löwe",
            "start": 4,
            "end": 8,
            "probability": pytest.approx(1 / (1 + exp(-2.0))),
        }

    def test_probabilities_of_no_answer_do_so_where_there_may_be_none(self, tmp_path: Path) -> None:
        # In the scale of the official script, whose own threshold of 1 changes no prediction.
        assert self.written(tmp_path, True)["dev.na_probs.json"] == {
            "a": pytest.approx(1 / (1 + exp(2.0))),
            "b": pytest.approx(1.0),
        }

    def test_a_record_holds_all_of_a_prediction(self) -> None:
        task = AnswerTask(**{**SMALL, "unanswerable": True})
        records = list(task.records(self.EXAMPLES, self.PREDICTIONS))
        assert json.loads(json.dumps(records)) == records
        assert [record["id"] for record in records] == ["a", "b"]
        assert records[1]["text"] == "" and records[1]["na_score"] == 50.0
        assert [candidate["text"] for candidate in records[1]["n_best"]] == ["", "lazy"]


def test_a_question_without_an_answer_is_no_use_where_each_has_one() -> None:
    examples = [
        question("the dog", "dog", id="a"),
        question("the dog", id="b"),
        question("a", id="c", known=False),
    ]
    bad = BadRows(skip=True)
    assert [each.id for each in AnswerTask(**SMALL).usable(examples, bad)] == ["a", "c"]
    assert len(bad) == 1 and "file: row 3: the question has no answer" in str(bad.summary())
    assert AnswerTask(**{**SMALL, "unanswerable": True}).usable(examples, bad) == examples
