"""Logits become parts of contexts again: the text itself, from its offsets, and the best of all spans."""

from collections.abc import Sequence
from math import exp
from typing import Any

import numpy as np
import pytest
import tiny
from questions import (
    SMALL,
    answered_by_oracle,
    noise,
    oracle,
    question,
    random_question,
    windows_of,
    worth,
)

from finetune.tasks.answers import AnswerTask
from finetune.tasks.base import Output
from finetune.tasks.spans import Window

STRANGE = f"the fox {tiny.EMOJI} is a do\u0301g , na\u00efve 日本 is the  word\u00a0and e\u0301"


def best_by_hand(
    context: str, windows: Sequence[tuple[Window, Output]], longest: int, count: int
) -> dict[tuple[int, int], float]:
    """Each pair of tokens of each window, tried in turn."""
    found: list[tuple[float, int, int]] = []
    for window, output in windows:
        for first in range(len(window.offsets)):
            token = window.start + first
            holding = [each for each, _ in windows if each.start <= token < each.start + len(each.offsets)]
            values = [worth(each, token) for each in holding]
            if holding[values.index(max(values))] is not window:
                continue
            for last in range(first, min(len(window.offsets), first + longest)):
                score = output[window.position + first, 0] + output[window.position + last, 1]
                found.append((score, int(window.offsets[first, 0]), int(window.offsets[last, 1])))
    spans: dict[tuple[int, int], float] = {}
    for score, start, end in sorted(found, reverse=True)[:count]:
        while start < end and context[start].isspace():
            start += 1
        while start < end and context[end - 1].isspace():
            end -= 1
        if start < end:
            spans.setdefault((start, end), score)
    return spans


class TestAnswers:
    def test_right_logits_give_the_right_text(self, any_tokenizer: Any) -> None:
        examples = [random_question(seed) for seed in range(60)]
        expected = [example.answers[0].text for example in examples]
        assert answered_by_oracle(AnswerTask(**SMALL), examples, any_tokenizer) == expected

    def test_each_prediction_says_where_its_text_stands(self, any_tokenizer: Any) -> None:
        examples = [random_question(seed) for seed in range(20)]
        task = AnswerTask(**SMALL)
        encoded = task.encode(examples, any_tokenizer)
        predictions = task.decode(examples, encoded, oracle(encoded))
        for example, prediction in zip(examples, predictions, strict=True):
            assert prediction.id == example.id
            assert prediction.start == example.answers[0].start
            assert prediction.end == prediction.start + len(prediction.text)

    def test_many_examples_are_encoded_as_each_alone(self, stock: Any) -> None:
        examples = [random_question(seed % 7) for seed in range(1_001)]
        task = AnswerTask(**SMALL)
        together = task.encode(examples, stock)
        alone = [task.encode([random_question(seed)], stock).inputs for seed in range(7)]
        assert together.inputs == [row for seed in range(1_001) for row in alone[seed % 7]]
        assert [number for number, _ in windows_of(together)] == list(range(1_001))

    @pytest.mark.parametrize(
        "answer",
        [
            tiny.EMOJI,
            f"fox {tiny.EMOJI} is",
            "do\u0301g",
            "na\u00efve",
            "日本",
            "word",
            "is the  word",
            "e\u0301",
        ],
    )
    def test_any_characters_come_back_as_they_stand(self, any_tokenizer: Any, answer: str) -> None:
        examples = [question(STRANGE, answer)]
        assert answered_by_oracle(AnswerTask(**SMALL), examples, any_tokenizer) == [answer]

    def test_an_answer_that_ends_inside_a_token_is_widened_to_it(self) -> None:
        examples = [question("the quick brown fox", "ick bro")]
        texts = answered_by_oracle(AnswerTask(**SMALL), examples, tiny.stock_tokenizer("bert"))
        assert texts == ["quick brown"]

    def test_the_blank_before_a_word_is_no_part_of_an_answer(self) -> None:
        tokenizer = tiny.stock_tokenizer("roberta", trim_offsets=False)
        context = "the lazy   dog"
        task = AnswerTask(**{**SMALL, "n_best": 500})
        encoded = task.encode([question(context, "lazy")], tokenizer)
        (prediction,) = task.decode([question(context, "lazy")], encoded, oracle(encoded))
        assert (prediction.text, prediction.start, prediction.end) == ("lazy", 4, 8)
        texts = [candidate.text for candidate in prediction.n_best]
        assert texts and all(text and text == text.strip() for text in texts)

    def test_an_answer_has_no_more_tokens_than_allowed(self) -> None:
        example = question("a b c d e f", "b c d e")
        texts = [
            answered_by_oracle(
                AnswerTask(**{**SMALL, "max_answer_length": longest}), [example], tiny.stock_tokenizer("bert")
            )[0]
            for longest in (3, 4, 1_000)
        ]
        assert len(texts[0].split()) <= 3
        assert texts[1:] == ["b c d e", "b c d e"]

    @pytest.mark.parametrize("unanswerable", [False, True])
    @pytest.mark.parametrize("context", ["", " \n "])
    def test_an_empty_context_has_no_answer(
        self, any_tokenizer: Any, context: str, unanswerable: bool
    ) -> None:
        task = AnswerTask(**{**SMALL, "unanswerable": unanswerable})
        example = question(context)
        encoded = task.encode([example], any_tokenizer)
        (prediction,) = task.decode([example], encoded, noise(encoded, seed=1))
        assert prediction[1:5] == ("", -1, -1, 1.0)
        assert np.isfinite(prediction.na_score)


class TestTheBest:
    @pytest.mark.parametrize("unanswerable", [False, True])
    @pytest.mark.parametrize("seed", range(6))
    def test_they_are_those_of_all_pairs_in_all_windows(
        self, any_tokenizer: Any, seed: int, unanswerable: bool
    ) -> None:
        task = AnswerTask(max_length=40, stride=8, max_answer_length=5, n_best=12, unanswerable=unanswerable)
        examples = [random_question(seed), question(f"the {tiny.EMOJI} dog"), question(STRANGE)]
        encoded = task.encode(examples, any_tokenizer)
        outputs = noise(encoded, seed)
        predictions = task.decode(examples, encoded, outputs)
        for number, prediction in enumerate(predictions):
            rows = [row for row, window in enumerate(encoded.notes) if window.example == number]
            windows = [(encoded.notes[row], outputs[row].astype(float)) for row in rows]
            spans = best_by_hand(examples[number].context, windows, longest=5, count=12)
            null = min(float(output[0].sum()) for _, output in windows)
            assert prediction.na_score == pytest.approx(null - max(spans.values()))
            if unanswerable:
                spans[-1, -1] = null
            ranked = sorted(spans, key=lambda span: -spans[span])
            total = sum(map(exp, spans.values()))
            assert [(each.start, each.end) for each in prediction.n_best] == ranked
            assert [each.probability for each in prediction.n_best] == pytest.approx(
                [exp(spans[span]) / total for span in ranked]
            )
            texts = [examples[number].context[max(start, 0) : max(end, 0)] for start, end in ranked]
            assert [each.text for each in prediction.n_best] == texts

    def test_a_character_of_several_tokens_is_one_candidate(self) -> None:
        tokenizer = tiny.stock_tokenizer("roberta")
        task = AnswerTask(**SMALL)
        examples = [question(tiny.EMOJI)]
        encoded = task.encode(examples, tokenizer)
        assert len(encoded.notes[0].offsets) > 1
        (prediction,) = task.decode(examples, encoded, noise(encoded, seed=0))
        assert [candidate.text for candidate in prediction.n_best] == [tiny.EMOJI]

    def test_large_logits_keep_their_probabilities_finite(self, stock: Any) -> None:
        task = AnswerTask(**SMALL)
        example = question("the lazy dog", "lazy")
        encoded = task.encode([example], stock)
        (prediction,) = task.decode([example], encoded, [1e4 * output for output in oracle(encoded)])
        assert (prediction.text, prediction.probability) == ("lazy", pytest.approx(1.0))
