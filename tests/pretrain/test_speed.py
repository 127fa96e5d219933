"""A run tells how fast it is and how long it waits for data."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
from small_runs import log_lines, results, write_config

import charbert
from charbert.char_encoder import CharacterEncoder
from pretrain.__main__ import main
from pretrain.collator import PretrainingBatches
from pretrain.trainer import PretrainingTrainer, Spent

SECONDS_OF_LOADING = 1.0
SECONDS_OF_COMPUTING = 3.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which only making a batch and computing on it take time."""
    now = 0.0

    def slowed(function: Any, seconds: float) -> Any:
        def slow(*args: Any, **kwargs: Any) -> Any:
            nonlocal now
            now += seconds
            return function(*args, **kwargs)

        return slow

    for module in ("loaders", "trainer"):
        monkeypatch.setattr(f"pretrain.{module}.monotonic", lambda: now)
    loading, computing = PretrainingBatches.__getitem__, PretrainingTrainer.compute_loss
    monkeypatch.setattr(PretrainingBatches, "__getitem__", slowed(loading, SECONDS_OF_LOADING))
    monkeypatch.setattr(PretrainingTrainer, "compute_loss", slowed(computing, SECONDS_OF_COMPUTING))


def test_the_time_spent_waiting_for_batches_is_told(corpus: Path, tmp_path: Path, clock: None) -> None:
    output = tmp_path / "out"
    main([str(write_config(corpus, output, max_length=24, gradient_accumulation_steps=2))])
    lines = log_lines(output)
    assert [line["data_wait"] for line in lines] == pytest.approx([25.0] * len(lines))
    assert results(output)["data_wait"] == pytest.approx(25.0)


def test_tokens_are_counted_by_the_time_of_training_alone(corpus: Path, tmp_path: Path, clock: None) -> None:
    output = tmp_path / "out"
    main([str(write_config(corpus, output))])
    a_batch = SECONDS_OF_LOADING + SECONDS_OF_COMPUTING
    steps = [1, 1, 2, 2, 2]  # of each log line: the first step is logged too
    tokens = [
        line["tokens_per_second"] * count * a_batch
        for line, count in zip(log_lines(output), steps, strict=True)
    ]
    assert results(output)["tokens_per_second"] == pytest.approx(sum(tokens) / (8 * a_batch))
    longest = 8 * 24
    assert all(0 < number <= count * longest for number, count in zip(tokens, steps, strict=True))


def test_speed_is_that_since_the_last_line() -> None:
    speed = Spent(seconds=20.0, waiting=3.0, tokens=500).speed_since(Spent(10.0, 2.0, 100))
    assert (speed.tokens_per_second, speed.data_wait) == (40.0, 10.0)


def test_batches_with_more_characters_or_labels_are_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(CharacterEncoder, "_fused_dtype", lambda *_: torch.float32)
    model = tiny.build(charbert.CharBertForPreTraining, "bert").train()
    trainer = SimpleNamespace(args=SimpleNamespace(device=torch.device("cpu"), torch_compile=True))
    torch.compiler.reset()
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    batch = tiny.ragged_batch("bert", return_spelling=True)
    labels = batch["input_ids"]
    for more, labelled in ((0, 4), (64, 4), (64, 6), (128, 8)):
        given = {**batch, "labels": labels, "nlm_labels": labels % 20}
        given["char_input_ids"] = torch.nn.functional.pad(batch["char_input_ids"], (0, more))
        given |= {"mlm_positions": torch.arange(labelled), "nlm_positions": torch.arange(2 * labelled)}
        compiled(**PretrainingTrainer._prepare_inputs(trainer, given)).loss.backward()
    torch.compiler.reset()
    assert len(graphs) == 1
