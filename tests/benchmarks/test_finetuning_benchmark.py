from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.finetuning import order_by_length
from benchmarks.labelled import RandomExamples
from benchmarks.steps import Bench
from charbert.errors import CharBertError, run_command

FEW = [
    "finetuning",
    "--device",
    "cpu",
    "--size",
    "tiny",
    "--rounds",
    "1",
    "--warmup",
    "1",
    "--batch-sizes",
    "1",
]


def test_every_task_is_trained_and_used_beside_the_plain_bert(run: Callable[..., Any]) -> None:
    numbers, shown = run(*FEW)
    rows = numbers["steps"]
    assert [row["examples"] for row in rows] == [
        f"   1 {task}, {use}, {model}"
        for task in ("text", "tags", "answers")
        for use in ("training", "inference")
        for model in ("BERT", "CharBERT")
    ]
    for bert, ours in zip(rows[::2], rows[1::2], strict=True):
        assert ours["examples/s"] == pytest.approx(1e3 / ours["ms a step"])
        assert ours["times BERT's"] == pytest.approx(ours["ms a step"] / bert["ms a step"])
        assert ours["examples"] in shown
    assert "on cpu" in shown


def test_a_model_without_room_has_a_row_too(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = Bench._prepare

    def prepare_plain_only(self: Bench, build: Any) -> Any:
        model = prepare(self, build)
        if hasattr(model, "charbert"):
            raise torch.OutOfMemoryError
        return model

    monkeypatch.setattr(Bench, "_prepare", prepare_plain_only)
    numbers, _ = run(*FEW, "--tasks", "tags")
    bert, ours = numbers["steps"][:2]
    assert bert["ms a step"] > 0
    assert ours["examples"] == "   1 tags, training, CharBERT: no memory"
    assert ours["ms a step"] is ours["times BERT's"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "poems"], "poems"),
        (["--batch-sizes", "0"], "--batch-sizes: 0 must be at least 1"),
        (["--size", "huge"], "huge"),
        (["--rounds", "few"], "'few' is not a whole number"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], message: str) -> None:
    with pytest.raises(CharBertError, match=message):
        main(["finetuning", *options])


def test_a_device_that_is_not_there_ends_it_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run_command(main, ["finetuning", "--device", "cuda"]) == 1
    assert "or give cpu" in capsys.readouterr().err


def test_random_texts_are_as_long_as_real_ones() -> None:
    random = RandomExamples(1000)
    words = [len(example.text.split()) for example in random("text", 500)]
    tokens = [len(ids) for ids in random.tokenizer([each.text for each in random("text", 500)]).input_ids]
    assert 15 < median(words) < 21
    assert 20 < median(tokens) < 30
    assert max(tokens) > 3 * median(tokens)


def test_random_texts_hold_no_unknown_token() -> None:
    random = RandomExamples(300)
    text = " ".join(example.text for example in random("text", 50))
    assert random.tokenizer.unk_token not in random.tokenizer.tokenize(text)


def test_examples_of_a_seed_are_always_the_same() -> None:
    assert RandomExamples(100, seed=3)("text", 5) == RandomExamples(100, seed=3)("text", 5)
    assert RandomExamples(100, seed=3)("text", 5) != RandomExamples(100, seed=4)("text", 5)


def test_answers_stand_in_their_contexts() -> None:
    for example in RandomExamples(1000)("answers", 20):
        (answer,) = example.answers
        assert answer.text
        assert example.context[answer.start :].startswith(answer.text)


def test_batches_by_length_run_from_short_to_long() -> None:
    lengths = [3, 9, 4, 8, 2, 9, 3, 7, 2, 8, 4, 1] * 10
    order = order_by_length(lengths, batch_size=3, count=4)
    longest = [max(lengths[number] for number in batch) for batch in order]
    assert [len(batch) for batch in order] == [3] * 4
    assert longest == sorted(longest)
    assert longest[0] < 4
    assert longest[-1] > 7
