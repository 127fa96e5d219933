import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch

from benchmarks.finetuning import main
from benchmarks.labelled import TASKS, LabelledRows, RandomExamples, order_by_length, shuffled, task_named
from benchmarks.steps import Bench
from charbert.errors import CharBertError, run_command
from charbert.tokenization import CharBertTokenizer

FEW = ["--device", "cpu", "--size", "tiny", "--steps", "1"]
SPELLED = {"char_input_ids", "start_ids", "end_ids"}


def run(tmp_path: Path, *options: str) -> dict[str, Any]:
    main([*FEW, *options, "--json", str(tmp_path / "numbers.json")])
    return json.loads((tmp_path / "numbers.json").read_text())


def rows_of(lengths: list[int], characters: list[int]) -> LabelledRows:
    """Rows of so many tokens and characters."""
    inputs = [
        {"input_ids": [5] * tokens, "char_input_ids": [1] * spelled, "labels": 1}
        for tokens, spelled in zip(lengths, characters, strict=True)
    ]
    return LabelledRows(inputs, RandomExamples(100).tokenizer, bucketed=False, pinned=False)


def test_every_task_is_trained_and_used_beside_the_plain_bert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = run(tmp_path, "--batch-sizes", "1")
    shown = capsys.readouterr().out
    assert [(row["task"], row["use"]) for row in numbers["steps"]] == [
        (task, use) for task in ("text", "tags", "answers") for use in ("training", "inference")
    ]
    for row in numbers["steps"]:
        ours, bert = row["charbert"], row["bert"]
        assert ours["examples_per_second"] == pytest.approx(1e3 / ours["milliseconds"])
        assert row["ratio"] == pytest.approx(ours["milliseconds"] / bert["milliseconds"])
        line = next(
            line for line in shown.splitlines() if line.startswith(f"   1 {row['task']}, {row['use']} ")
        )
        assert line.endswith(f" {row['ratio']:.2f}")
    largest = max(row["ratio"] for row in numbers["steps"] if row["use"] == "training")
    assert numbers["largest_ratio"] == largest
    assert f"at most {largest:.2f} times" in shown
    assert "on the CPU" in shown
    assert {"size", "how", "machine", "versions"} <= numbers.keys()


def test_orders_and_preparation_have_a_row_for_each_batch_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = run(tmp_path, "--tasks", "text", "--batch-sizes", "4", "8")
    shown = capsys.readouterr().out
    steps = [row["charbert"] for row in numbers["steps"] if row["use"] == "training"]
    for size, step, order, preparation in zip(
        (4, 8), steps, numbers["orders"], numbers["preparation"], strict=True
    ):
        before, after = order["random"], order["by_length"]
        assert after["milliseconds_per_example"] == pytest.approx(step["milliseconds"] / size)
        saved = 1 - after["milliseconds_per_example"] / before["milliseconds_per_example"]
        assert order["saved_percent"] == pytest.approx(100 * saved)
        assert after["padded_percent"]["tokens"] < before["padded_percent"]["tokens"]
        ours = preparation["charbert"]
        seconds = 1 / ours["encoded_per_second"], 1 / ours["batches_per_second"]
        assert preparation["encoding_percent"] == pytest.approx(
            100 * seconds[0] * step["examples_per_second"]
        )
        assert preparation["batches_percent"] == pytest.approx(1e5 * seconds[1] / step["milliseconds"])
        for cell in (f"{saved:.1%}".rstrip("%"), f"{preparation['bert']['encoded_per_second']:,.0f}"):
            assert any(line.startswith(f"   {size} text ") and cell in line for line in shown.splitlines())


def test_a_model_without_room_has_a_row_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Bench._epoch

    def without_room_for_characters(self: Bench, build: Any, batches: Any, training: bool) -> dict[str, Any]:
        if SPELLED & next(iter(batches)).keys():
            raise torch.OutOfMemoryError
        return measured(self, build, batches, training)

    monkeypatch.setattr(Bench, "_epoch", without_room_for_characters)
    numbers = run(tmp_path, "--tasks", "tags", "--batch-sizes", "1")
    for row in numbers["steps"]:
        assert row["charbert"] is None
        assert row["bert"]["milliseconds"] > 0
        assert "ratio" not in row
    assert numbers["orders"][0]["saved_percent"] is None
    assert numbers["preparation"][0]["charbert"]["encoded_per_second"] > 0
    assert "at most" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tasks", "poems"], "poems"),
        (["--batch-sizes", "0"], "--batch-sizes: 0 must be at least 1"),
        (["--size", "huge"], "huge"),
        (["--steps", "few"], "'few' is not a whole number"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], message: str) -> None:
    with pytest.raises(CharBertError, match=message):
        main(options)


def test_a_device_or_a_folder_that_is_not_there_ends_it_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run_command(main, ["--device", "cuda"]) == 1
    assert "give --device cpu" in capsys.readouterr().err
    with pytest.raises(CharBertError, match=r"there is no folder .*none; make it first"):
        main([*FEW, "--json", str(tmp_path / "none" / "numbers.json")])


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


@pytest.mark.parametrize("name", TASKS)
def test_both_models_get_the_same_tokens(name: str) -> None:
    random = RandomExamples(1000)
    task, examples = task_named(name), random(name, 20)
    plain = task.encode(examples, random.tokenizer).inputs
    ours = task.encode(examples, CharBertTokenizer.from_stock(random.tokenizer)).inputs
    assert [row["input_ids"] for row in ours] == [row["input_ids"] for row in plain]
    assert ours[0].keys() - plain[0].keys() == SPELLED


def test_batches_by_length_run_from_short_to_long() -> None:
    lengths = [3, 9, 4, 8, 2, 9, 3, 7, 2, 8, 4, 1] * 10
    order = order_by_length(lengths, batch_size=3, count=4)
    longest = [max(lengths[number] for number in batch) for batch in order]
    assert [len(batch) for batch in order] == [3] * 4
    assert longest == sorted(longest)
    assert longest[0] < 4
    assert longest[-1] > 7


def test_random_batches_hold_the_same_rows() -> None:
    order = [[4, 1, 7, 6], [2, 9, 0], [8, 5, 3]]
    random = shuffled(order)
    assert random != order
    assert [len(batch) for batch in random] == [4, 3, 3]
    assert {number for batch in random for number in batch} == set(range(10))


def test_padding_is_counted_in_tokens_and_in_characters() -> None:
    rows = rows_of(lengths=[2, 4, 1, 1], characters=[4, 6, 1, 4])
    shares = rows.padded_percent([[0, 1], [2, 3]])
    assert shares == pytest.approx({"tokens": 100 * 2 / 10, "characters": 100 * 5 / 20})


def test_batches_for_inference_have_no_labels() -> None:
    rows = rows_of(lengths=[2, 4], characters=[4, 6])
    (trained,), (used,) = rows.batches([[1, 0]]), rows.batches([[1, 0]], labelled=False)
    assert trained["input_ids"].tolist() == used["input_ids"].tolist() == [[5, 5, 5, 5], [5, 5, 0, 0]]
    assert trained.keys() - used.keys() == {"labels"}
