"""Several processes train one plain model: DDP and FSDP2."""

from pathlib import Path

import pytest
from small_runs import SHORT, assert_same_weights, log_lines, results, stopped, torchrun, write_config

pytestmark = pytest.mark.slow
PLAIN = {**SHORT, "plain": True}
SHARDED = {**PLAIN, "fsdp": True, "gradient_checkpointing": True}


@pytest.fixture(scope="module")
def sharded(corpus: Path) -> Path:
    """The output of a sharded run of two processes, never stopped."""
    output = corpus / "sharded"
    torchrun(write_config(corpus, output, **SHARDED))
    return output


def test_a_sharded_run_computes_what_one_without_sharding_does(
    corpus: Path, sharded: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    torchrun(write_config(corpus, whole, **PLAIN))
    for ours, theirs in zip(log_lines(sharded), log_lines(whole), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    assert results(sharded)["eval_mlm_loss"] == pytest.approx(results(whole)["eval_mlm_loss"], rel=1e-5)
    assert results(whole)["samples_seen"] == 2 * 4 * 4
    assert_same_weights(sharded, whole)


def test_a_sharded_run_goes_on_where_it_stopped(corpus: Path, sharded: Path, tmp_path: Path) -> None:
    output = stopped(sharded, tmp_path / "stopped")
    torchrun(write_config(corpus, output, **SHARDED), "--resume")
    assert_same_weights(output, sharded)
