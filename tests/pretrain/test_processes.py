"""Several processes train one model: DDP, FSDP2, and more than one machine."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_runs import (
    SHORT,
    assert_identical_weights,
    assert_same_weights,
    finish,
    free_port,
    log_lines,
    results,
    start_torchrun,
    stopped,
    torchrun,
    write_config,
)

from charbert import CharBertForPreTraining, CharBertTokenizer
from charbert.errors import CharBertError
from pretrain.loaders import make_batches
from pretrain.model import build_model
from pretrain.settings import PretrainSettings


@pytest.fixture(scope="module")
def whole(corpus: Path) -> Path:
    """The output of a run of two processes, never stopped."""
    output = corpus / "whole"
    torchrun(write_config(corpus, output, **SHORT))
    return output


@pytest.fixture(scope="module")
def sharded(corpus: Path) -> Path:
    """The same run, sharded."""
    output = corpus / "sharded"
    torchrun(write_config(corpus, output, fsdp=True, gradient_checkpointing=True, **SHORT))
    return output


def test_two_processes_train_together_and_go_on_where_they_stopped(
    corpus: Path, whole: Path, tmp_path: Path
) -> None:
    assert results(whole)["samples_seen"] == 2 * 4 * 4
    output = stopped(whole, tmp_path / "stopped")
    torchrun(write_config(corpus, output, num_workers=1, **SHORT), "--resume")
    assert_identical_weights(output, whole)


@pytest.mark.slow
def test_two_processes_on_a_stream_go_on_where_they_stopped(corpus: Path, tmp_path: Path) -> None:
    settings = {"stream": [str(corpus / "text.txt")], "block_size": 24, **SHORT}
    uninterrupted = tmp_path / "whole"
    torchrun(write_config(corpus, uninterrupted, **settings))
    output = stopped(uninterrupted, tmp_path / "stopped")
    torchrun(write_config(corpus, output, num_workers=1, **settings), "--resume")
    assert_identical_weights(output, uninterrupted)


def test_a_sharded_run_computes_what_one_without_sharding_does(whole: Path, sharded: Path) -> None:
    for ours, theirs in zip(log_lines(sharded), log_lines(whole), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert ours["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-4)
    for name in ("eval_mlm_loss", "eval_nlm_loss", "eval_nlm_hit_5", "parameters"):
        assert results(sharded)[name] == pytest.approx(results(whole)[name], rel=1e-5)
    assert_same_weights(sharded, whole)


def test_a_sharded_run_leaves_a_whole_model(sharded: Path) -> None:
    model = CharBertForPreTraining.from_pretrained(sharded)
    assert model.mlm_head.decoder.weight is model.get_input_embeddings().weight
    assert model.config.architectures == ["CharBertForPreTraining"]


def test_a_sharded_run_goes_on_where_it_stopped(corpus: Path, sharded: Path, tmp_path: Path) -> None:
    output = stopped(sharded, tmp_path / "stopped")
    torchrun(write_config(corpus, output, fsdp=True, gradient_checkpointing=True, **SHORT), "--resume")
    assert_same_weights(output, sharded)


def test_sharded_processes_that_would_not_evaluate_together_are_refused(corpus: Path) -> None:
    places = {"data": str(corpus / "blocks"), "tokenizer": str(corpus / "tokenizer"), "output": ""}
    settings = PretrainSettings(
        **places,
        fsdp=True,
        eval_examples=4,
        batch_size=2,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    tokenizer = CharBertTokenizer.from_pretrained(corpus / "tokenizer")
    spelling = build_model(settings, tokenizer).spelling_table
    five: Any = SimpleNamespace(process_index=0, world_size=5, device=torch.device("cpu"))
    with pytest.raises(CharBertError, match="4 blocks for evaluation give the 5 processes unequal batches"):
        make_batches(settings, five, tokenizer, spelling)


@pytest.mark.slow
def test_two_machines_compute_what_two_processes_of_one_do(corpus: Path, whole: Path, tmp_path: Path) -> None:
    endpoint = ("--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free_port()}")
    launch = ("--nnodes", "2", "--nproc-per-node", "1", *endpoint)
    config = write_config(corpus, tmp_path / "machines", **SHORT)
    finish(*[start_torchrun(config, launch) for _ in range(2)])
    assert_same_weights(tmp_path / "machines", whole)
