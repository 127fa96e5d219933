"""A question and its context become rows: windows over the context, and where the answer stands in each."""

from typing import Any

import pytest
import tiny
from questions import (
    SMALL,
    answered_by_oracle,
    question,
    random_question,
    sizes_of,
    windows_of,
    worth,
)

from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample
from finetune.tasks.answers import LONGEST_QUESTION, AnswerTask


def context_spans(tokenizer: Any, example: QuestionExample) -> list[tuple[int, int]]:
    """The characters of each token of the whole context."""
    whole = tokenizer(example.question, example.context, return_offsets_mapping=True, verbose=False)
    return [
        spans
        for spans, side in zip(whole["offset_mapping"], whole.encodings[0].sequence_ids, strict=True)
        if side == 1
    ]


def one_best(values: list[float]) -> list[bool]:
    return [number == values.index(max(values)) for number in range(len(values))]


def specials_before(tokenizer: Any) -> int:
    """How many special tokens stand before the context."""
    return tokenizer.num_special_tokens_to_add(pair=True) - 1


class TestRows:
    def test_one_row_is_what_the_tokenizer_makes_of_the_pair(self, any_tokenizer: Any) -> None:
        example = question("the quick fox is lazy", known=False)
        encoded = AnswerTask(**SMALL).encode([example], any_tokenizer)
        settings = {"return_spelling": True} if hasattr(any_tokenizer, "characters") else {}
        row = any_tokenizer([example.question], [example.context], **settings)
        assert encoded.inputs == [{name: values[0] for name, values in row.items()}]

    def test_rows_are_no_longer_than_allowed_and_hold_the_whole_context(self, any_tokenizer: Any) -> None:
        examples = [random_question(seed) for seed in range(20)]
        encoded = AnswerTask(**SMALL).encode(examples, any_tokenizer)
        assert max(sizes_of(encoded)) == SMALL["max_length"]
        for number, windows in windows_of(encoded):
            expected = context_spans(any_tokenizer, examples[number])
            found: dict[int, tuple[int, int]] = {}
            for window in windows:
                found |= dict(enumerate(map(tuple, window.offsets.tolist()), start=window.start))
            assert found == dict(enumerate(expected))

    def test_neighbours_share_the_stride(self, any_tokenizer: Any) -> None:
        encoded = AnswerTask(**SMALL).encode([question("the lazy dog " * 40)], any_tokenizer)
        assert len(encoded.inputs) > 3
        ids = [row["input_ids"] for row in encoded.inputs]
        for number, (before, after) in enumerate(zip(encoded.notes[:-1], encoded.notes[1:], strict=True)):
            end = before.position + len(before.offsets)
            shared = ids[number + 1][after.position : after.position + SMALL["stride"]]
            assert ids[number][end - SMALL["stride"] : end] == shared
            assert before.start + len(before.offsets) - after.start == SMALL["stride"]

    def test_a_tokenizer_that_truncates_on_the_left_gives_the_same_places(self, kind: str) -> None:
        examples = [random_question(seed) for seed in range(10)]
        tokenizer = tiny.stock_tokenizer(kind, truncation_side="left")
        encoded = AnswerTask(**SMALL).encode(examples, tokenizer)
        for number, windows in windows_of(encoded):
            expected = context_spans(tokenizer, examples[number])
            for window in windows:
                here = expected[window.start : window.start + len(window.offsets)]
                assert list(map(tuple, window.offsets.tolist())) == here

    @pytest.mark.parametrize(("length", "stride", "words"), [(48, 20, 100), (48, 5, 150), (300, 120, 320)])
    def test_each_token_is_central_where_it_has_most_context(
        self, any_tokenizer: Any, length: int, stride: int, words: int
    ) -> None:
        example = question("dog " * words)
        task = AnswerTask(max_length=length, stride=stride, unanswerable=False)
        windows = task.encode([example], any_tokenizer).notes
        assert len(windows) > 1
        for token in range(len(context_spans(any_tokenizer, example))):
            holding = [each for each in windows if each.start <= token < each.start + len(each.offsets)]
            assert [bool(each.central[token - each.start]) for each in holding] == one_best(
                [worth(each, token) for each in holding]
            )

    @pytest.mark.parametrize("length", [5, 2_000])
    def test_a_question_may_be_of_any_length(self, any_tokenizer: Any, length: int) -> None:
        example = question("the quick fox " * 100, text="jumping " * length)
        task = AnswerTask(max_length=200, stride=30, unanswerable=False)
        encoded = task.encode([example], any_tokenizer)
        assert max(sizes_of(encoded)) == 200
        tokens = encoded.notes[0].position - specials_before(any_tokenizer)
        whole = len(any_tokenizer(example.question.strip(), add_special_tokens=False)["input_ids"])
        assert tokens == min(whole, LONGEST_QUESTION)

    def test_a_question_leaves_half_of_a_short_row_to_the_context(self, any_tokenizer: Any) -> None:
        example = question("the quick fox " * 20, text="jumping " * 100)
        encoded = AnswerTask(max_length=30, stride=5, unanswerable=False).encode([example], any_tokenizer)
        assert max(sizes_of(encoded)) == 30
        assert len(encoded.notes[0].offsets) >= 13

    @pytest.mark.parametrize("text", [tiny.EMOJI * 300, "q" * 1_000, "a  " * 400, "~ \u0301" * 300])
    def test_a_long_question_is_cut_whatever_its_characters(self, any_tokenizer: Any, text: str) -> None:
        task = AnswerTask(max_length=40, stride=15, unanswerable=False)
        examples = [question("the lazy dog " * 20, "lazy dog", text=text)]
        assert answered_by_oracle(task, examples, any_tokenizer) == ["lazy dog"]

    @pytest.mark.parametrize("stride", [-1, 30])
    def test_a_stride_that_leaves_no_room_is_refused(self, any_tokenizer: Any, stride: int) -> None:
        task = AnswerTask(max_length=40, stride=stride, unanswerable=False)
        with pytest.raises(
            CharBertError, match=rf"--stride: {stride} must lie between 0 and 1\d at --max-length 40"
        ):
            task.encode([question("the dog")], any_tokenizer)


class TestPositions:
    def test_they_are_those_of_the_first_answer(self, any_tokenizer: Any) -> None:
        example = question("the quick fox is lazy", "quick fox", "lazy")
        (row,) = AnswerTask(**SMALL).encode([example], any_tokenizer).inputs
        tokens = row["input_ids"][row["start_positions"] : row["end_positions"] + 1]
        assert any_tokenizer.decode(tokens).strip() == "quick fox"

    def test_a_window_without_the_whole_answer_points_at_the_first_token(self, any_tokenizer: Any) -> None:
        words = random_question(1).context.split()
        context = " ".join(words)
        for number in range(len(words) - 2):
            start, answer = len(" ".join(words[:number])) + (number > 0), " ".join(words[number : number + 3])
            example = question(context, Answer(answer, start))
            tokens = [
                token
                for token, (begin, end) in enumerate(context_spans(any_tokenizer, example))
                if begin < start + len(answer) and end > start
            ]
            encoded = AnswerTask(max_length=40, stride=8, unanswerable=False).encode([example], any_tokenizer)
            for row, window in zip(encoded.inputs, encoded.notes, strict=True):
                here = [window.position + token - window.start for token in tokens]
                whole = window.start <= tokens[0] and tokens[-1] < window.start + len(window.offsets)
                expected = (here[0], here[-1]) if whole else (0, 0)
                assert (row["start_positions"], row["end_positions"]) == expected

    @pytest.mark.parametrize("answer", ["dog", ",", "fox", "."])
    def test_what_touches_an_answer_is_no_part_of_it(self, any_tokenizer: Any, answer: str) -> None:
        (row,) = AnswerTask(**SMALL).encode([question("a dog,fox.", answer)], any_tokenizer).inputs
        tokens = row["input_ids"][row["start_positions"] : row["end_positions"] + 1]
        assert any_tokenizer.decode(tokens).strip() == answer

    def test_a_question_without_an_answer_points_at_the_first_token(self, any_tokenizer: Any) -> None:
        rows = AnswerTask(**SMALL).encode([question("the dog " * 40)], any_tokenizer).inputs
        assert {(row["start_positions"], row["end_positions"]) for row in rows} == {(0, 0)}

    def test_where_nobody_says_there_are_none(self, any_tokenizer: Any) -> None:
        (row,) = AnswerTask(**SMALL).encode([question("the dog", known=False)], any_tokenizer).inputs
        assert not {"start_positions", "end_positions"} & set(row)

    def test_an_answer_that_no_token_holds_points_at_the_first_token(self) -> None:
        example = question("the \u200b dog", "\u200b")  # a character that BERT drops
        (row,) = AnswerTask(**SMALL).encode([example], tiny.stock_tokenizer("bert")).inputs
        assert (row["start_positions"], row["end_positions"]) == (0, 0)
