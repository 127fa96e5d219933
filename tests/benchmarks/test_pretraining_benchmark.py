from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.pretraining import PASSES, build_on_plain_path, count_forward_flops
from benchmarks.steps import Bench, make_config
from benchmarks.synthetic import random_batches
from charbert.char_encoder import CharacterEncoder
from charbert.configuration import CharBertConfig
from charbert.interaction import fold
from charbert.lm_heads import CharBertForPreTraining

FEW = [
    "pretraining",
    "--device",
    "cpu",
    "--size",
    "tiny",
    "--lengths",
    "24",
    "--rounds",
    "1",
    "--warmup",
    "1",
]


def test_each_size_and_path_has_a_row_beside_the_plain_bert(run: Callable[..., Any]) -> None:
    numbers, shown = run(*FEW, "--batch-sizes", "1", "2", "--plain-path", "--peak-tflops", "2")
    rows = numbers["steps"]
    assert [row["batch x length"] for row in rows] == [
        f"   {size} x 24  {name}" for size in (1, 2) for name in ("BERT", "CharBERT", "CharBERT, plain path")
    ]
    for number, row in enumerate(rows):
        tokens, bert = 24 * (1 + number // 3), rows[number - number % 3]
        assert row["tokens/s"] == pytest.approx(1e3 * tokens / row["ms a step"])
        assert row["batch x length"] in shown
        if row is not bert:
            assert row["of BERT's speed"] == pytest.approx(row["tokens/s"] / bert["tokens/s"])
            assert row["MFU, %"] > 0
    parts = {row["part"]: row for row in numbers["parts of a step of 2 x 24"]}
    step = parts.pop("step")
    assert step["ms"] == rows[4]["ms a step"]
    # The same FLOPs, of 2 TFLOP/s.
    assert step["TFLOP/s"] == pytest.approx(2 * rows[4]["MFU, %"] / 100)
    assert sum(row["ms"] for row in parts.values()) == pytest.approx(step["ms"])
    assert all(f"\n{name} " in shown for name in parts)


def test_the_plain_bert_and_the_parts_may_be_left_out(run: Callable[..., Any]) -> None:
    few = ("--plain", "false", "--parts", "false", "--gradient-checkpointing")
    numbers, shown = run(*FEW, "--batch-sizes", "1", *few)
    assert [row["batch x length"] for row in numbers["steps"]] == ["   1 x 24  CharBERT"]
    assert "peak" in shown
    assert "parts of a step" not in shown


def test_a_size_without_room_has_a_row_and_the_others_follow(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = Bench.measure

    def measure_with_room_for_one(self: Bench, build: Any, batches: Any) -> Any:
        return None if len(batches[0]["input_ids"]) > 1 else measure(self, build, batches)

    monkeypatch.setattr(Bench, "measure", measure_with_room_for_one)
    numbers, shown = run(*FEW, "--batch-sizes", "1", "2")
    assert [row["ms a step"] is None for row in numbers["steps"]] == [False, False, True, True]
    assert numbers["steps"][3]["of BERT's speed"] is None
    assert shown.count("no memory") == 2
    assert "parts of a step" not in shown


def test_memory_that_does_not_suffice_is_noticed() -> None:
    def fail() -> None:
        raise torch.OutOfMemoryError

    bench = Bench(torch.device("cpu"), rounds=1, warmup=1, compiled=False)
    assert bench.measure(fail, []) is None


def test_the_formula_counts_what_a_step_computes() -> None:
    config = make_config("tiny", 64)
    config.char_encoder = "embedding"
    config.backbone_config._attn_implementation = "eager"  # of which torch counts everything
    (batch,) = random_batches(config, 1, 8, 64)
    model = CharBertForPreTraining(config)
    with FlopCounterMode(display=False) as counter:
        model(**batch).loss.backward()
    formula = count_forward_flops(config, batch)
    del formula["GRU"]
    assert counter.get_total_flops() == pytest.approx(PASSES * sum(formula.values()), rel=0.02)


def test_the_formula_counts_the_recurrent_part_of_the_gru() -> None:
    config = make_config("tiny", 64)
    (batch,) = random_batches(config, 1, 2, 16)
    encoder = CharacterEncoder(config)
    names = ("char_input_ids", "start_ids", "end_ids", "attention_mask")
    with FlopCounterMode(display=False) as counter:
        encoder(*(batch[name] for name in names)).sum().backward()
    of_inputs = 12 * batch["char_input_ids"].numel() * config.char_hidden_size * config.char_embedding_size
    expected = PASSES * (count_forward_flops(config, batch)["GRU"] + of_inputs)
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.02)


def test_the_plain_path_has_neither_kernel_nor_folding() -> None:
    config = make_config("tiny", 64)
    before, now = build_on_plain_path(config), CharBertForPreTraining(config)
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
