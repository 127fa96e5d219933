import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.pretraining import PASSES, config_of, forward_flops, main
from benchmarks.steps import Bench, charbert, charbert_as_before
from benchmarks.synthetic import random_batches
from charbert.char_encoder import CharacterEncoder
from charbert.configuration import CharBertConfig
from charbert.interaction import fold
from charbert.lm_heads import CharBertForPreTraining
from pretrain.collator import Batch

FEW = ["--device", "cpu", "--size", "tiny", "--lengths", "24", "--steps", "1", "--warmup", "1"]


def run(tmp_path: Path, *options: str) -> dict[str, Any]:
    main([*FEW, *options, "--json", str(tmp_path / "numbers.json")])
    return json.loads((tmp_path / "numbers.json").read_text())


def test_each_size_and_path_has_a_row_beside_the_plain_bert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = run(tmp_path, "--batch-sizes", "1", "2", "--plain-path", "--parts", "false")
    shown = capsys.readouterr().out
    paths = ("default", "plain path")
    assert [(row["batch_size"], row["path"]) for row in numbers["rows"]] == [
        (size, path) for size in (1, 2) for path in paths
    ]
    for row in numbers["rows"]:
        ours, bert = row["charbert"], row["bert"]
        tokens = 24 * row["batch_size"]
        assert ours["tokens_per_second"] == pytest.approx(1e3 * tokens / ours["milliseconds"])
        assert row["ratio"] == pytest.approx(ours["tokens_per_second"] / bert["tokens_per_second"])
        peak_per_millisecond = numbers["peak_tflops"] * 1e9
        assert row["mfu_percent"] == pytest.approx(
            100 * row["flops"] / ours["milliseconds"] / peak_per_millisecond
        )
        assert f"{ours['tokens_per_second']:,.0f}" in shown
        assert f"{bert['tokens_per_second']:,.0f}" in shown
    assert "on the CPU" in shown
    assert shown.count("plain path") == 2


def test_the_parts_add_up_to_the_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = (
        "--batch-sizes",
        "1",
        "2",
        "--plain",
        "false",
        "--gradient-checkpointing",
        "--peak-tflops",
        "2",
    )
    numbers = run(tmp_path, *options)
    assert [row["bert"] for row in numbers["rows"]] == [None, None]
    assert numbers["peak_tflops"] == 2
    parts = numbers["parts"]["milliseconds"]
    step = parts.pop("step")
    assert numbers["parts"]["batch_size"] == 2
    assert step == numbers["rows"][1]["charbert"]["milliseconds"]
    assert sum(parts.values()) == pytest.approx(step)
    shown = capsys.readouterr().out
    assert "a step of 2 x 24" in shown
    for name in parts:
        assert f"\n{name} " in shown


def test_a_size_without_room_has_a_row_and_the_others_follow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Bench._step

    def with_room_for_one(self: Bench, build: Any, batches: list[Batch]) -> dict[str, Any]:
        if len(batches[0]["input_ids"]) > 1:
            raise torch.OutOfMemoryError
        return measured(self, build, batches)

    monkeypatch.setattr(Bench, "_step", with_room_for_one)
    large, small = run(tmp_path, "--batch-sizes", "2", "1")["rows"]
    assert large["charbert"] is None
    assert "ratio" not in large
    assert small["ratio"] > 0
    shown = capsys.readouterr().out
    assert shown.count("no memory") == 2
    assert "a step of 1 x 24 did not" not in shown


def test_the_formula_counts_what_a_step_computes() -> None:
    config = config_of("tiny", 64)
    config.char_encoder = "embedding"
    config.backbone_config._attn_implementation = "eager"  # of which torch counts everything
    (batch,) = random_batches(config, 1, 8, 64)
    model = CharBertForPreTraining(config)
    with FlopCounterMode(display=False) as counter:
        model(**batch).loss.backward()
    formula = forward_flops(config, batch)
    del formula["GRU"]
    assert counter.get_total_flops() == pytest.approx(PASSES * sum(formula.values()), rel=0.02)


def test_the_formula_counts_the_recurrent_part_of_the_gru() -> None:
    config = config_of("tiny", 64)
    (batch,) = random_batches(config, 1, 2, 16)
    encoder = CharacterEncoder(config)
    names = ("char_input_ids", "start_ids", "end_ids", "attention_mask")
    with FlopCounterMode(display=False) as counter:
        encoder(*(batch[name] for name in names)).sum().backward()
    of_inputs = 12 * batch["char_input_ids"].numel() * config.char_hidden_size * config.char_embedding_size
    expected = PASSES * (forward_flops(config, batch)["GRU"] + of_inputs)
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.02)


def test_the_plain_path_has_neither_kernel_nor_folding() -> None:
    config = config_of("tiny", 64)
    before, now = charbert_as_before(config), charbert(config)
    assert now.charbert.char_encoder.fused
    assert not before.charbert.char_encoder.fused
    assert fold(now.charbert.interactions[0], 10_000, uses=2) is not None
    assert fold(before.charbert.interactions[0], 10_000, uses=2) is None


def test_random_batches_are_like_those_of_text() -> None:
    config = CharBertConfig()
    batches = random_batches(config, 3, 16, 384)
    assert len({tuple(tensor.shape for tensor in batch.values()) for batch in batches}) == 1
    first, second, _ = batches
    assert (first["input_ids"] != second["input_ids"]).any()
    assert first["char_input_ids"].shape == (16, 2048)
    shares = {
        "padding": 1 - first["attention_mask"].float().mean(),
        "masked": (first["labels"] >= 0).float().mean(),
        "noised": (first["nlm_labels"] >= 0).float().mean(),
    }
    assert shares == pytest.approx({"padding": 0.02, "masked": 0.10, "noised": 0.17}, abs=0.02)
