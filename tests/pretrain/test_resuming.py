"""A pre-training that goes on: with the same settings, from its last whole checkpoint, for longer."""

import errno
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import assert_identical_weights, results, stopped, write_config

from charbert.errors import CharBertError, run_command
from pretrain.__main__ import main


@pytest.fixture(scope="module")
def finished(corpus: Path) -> Path:
    """The output of a run of eight steps."""
    output = corpus / "finished"
    main([str(write_config(corpus, output))])
    return output


@pytest.fixture(scope="module")
def half(finished: Path) -> Path:
    """The same as it stood after four steps."""
    return stopped(finished, finished.parent / "half")


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e-3},
        {"weight_decay": 0.1},
        {"seed": 1},
        {"lr_scheduler_type": "constant"},
        {"noise_probability": 0.5},
        {"noise_schedule": ["0:0.2"]},
        {"batch_size": 4},
        {"max_steps": 12},
        {"num_hidden_layers": 2},
        {"eval_examples": 5},
    ],
    ids=str,
)
def test_other_settings_are_named(changes: dict[str, Any], half: Path) -> None:
    [name] = changes
    name = "examples of a step" if name == "batch_size" else f"--{name.replace('_', '-')}"
    with pytest.raises(CharBertError, match=rf"half: was made with {name} \S+, not") as raised:
        main([str(write_config(half.parent, half, **changes)), "--resume"])
    assert str(raised.value).count(", not ") == 1
    assert (half / "checkpoint-4").exists()
    assert not (half / "results.json").exists()


def test_where_it_goes_on_is_said_and_tied_weights_are_not_missing(
    half: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    shutil.copytree(half, tmp_path / "half")
    with caplog.at_level(logging.INFO):
        main([str(write_config(half.parent, tmp_path / "half")), "--resume"])
    assert f"starting from {tmp_path / 'half' / 'checkpoint-4'}" in caplog.text
    assert "missing keys" not in caplog.text


def test_other_data_are_named(half: Path, tmp_path: Path) -> None:
    shutil.copytree(half.parent / "blocks", tmp_path / "blocks")
    [shard] = (tmp_path / "blocks").glob("*.arrow")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(CharBertError, match=r"was made with --data .*/blocks, not .*/blocks;"):
        main([str(write_config(half.parent, half, data=str(tmp_path / "blocks"))), "--resume"])


def test_what_does_not_matter_may_differ(finished: Path, half: Path, tmp_path: Path) -> None:
    output = tmp_path / "moved"
    shutil.copytree(half, output)
    for name in ("blocks", "tokenizer"):
        shutil.copytree(finished.parent / name, tmp_path / name)
    changes = {"logging_steps": 3, "save_steps": 3, "eval_steps": 3, "save_total_limit": 1, "num_workers": 1}
    main([str(write_config(tmp_path, output, **changes)), "--resume"])
    assert_identical_weights(output, finished)


def test_a_run_at_a_constant_rate_becomes_longer(corpus: Path, tmp_path: Path) -> None:
    constant = {"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 2}
    for name, steps in (("whole", 8), ("grown", 4)):
        main([str(write_config(corpus, tmp_path / name, max_steps=steps, **constant))])
    main([str(write_config(corpus, tmp_path / "grown", max_steps=8, **constant)), "--resume"])
    assert results(tmp_path / "grown")["steps"] == 8
    assert_identical_weights(tmp_path / "grown", tmp_path / "whole")


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "rng_state.pth", "trainer_state.json"])
def test_from_a_damaged_checkpoint_it_falls_back_to_the_one_before(
    name: str, finished: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "damaged"
    shutil.copytree(finished, output)
    for left in ("results.json", "model.safetensors"):
        (output / left).unlink()
    path = output / "checkpoint-8" / name
    path.write_bytes(path.read_bytes()[:-30])
    main([str(write_config(finished.parent, output)), "--resume"])
    assert f"checkpoint-8: {name} is damaged" in caplog.text
    assert_identical_weights(output, finished)


def test_without_a_whole_checkpoint_nothing_is_done(half: Path, tmp_path: Path) -> None:
    output = tmp_path / "damaged"
    shutil.copytree(half, output)
    (output / "checkpoint-4/optimizer.pt").unlink()
    with pytest.raises(
        CharBertError,
        match=r"no complete checkpoint .*\(checkpoint-4: optimizer.pt is missing\); give --over",
    ):
        main([str(write_config(half.parent, output)), "--resume"])
    assert (output / "checkpoint-4/model.safetensors").exists()


def test_a_folder_named_like_a_checkpoint_is_nobodys(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "copy"
    shutil.copytree(finished, output)
    (output / "checkpoint-x").mkdir()
    (output / "checkpoint-x/notes.txt").write_text("mine")
    main([str(write_config(finished.parent, output)), "--resume"])
    main([str(write_config(finished.parent, output, max_steps=1)), "--overwrite"])
    assert (output / "checkpoint-x/notes.txt").read_text() == "mine"


def test_a_loss_that_is_not_finite_ends_the_run(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    settings = {"learning_rate": 1e38, "lr_scheduler_type": "linear", "save_steps": 1, "max_grad_norm": 0.0}
    assert run_command(main, [str(write_config(corpus, output, warmup_steps=0, **settings))]) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert "so training ends here; try a lower --learning-rate" in line
    assert not (output / "results.json").exists()
    assert not (output / "model.safetensors").exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left"),
        RuntimeError("[enforce fail at inline_container.cc:672] . pos 1"),
    ],
    ids=["of Python", "of torch"],
)
def test_a_disk_that_gets_full_is_said_with_the_checkpoint(
    error: Exception, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, save = tmp_path / "out", torch.save

    def fill(content: Any, path: Any, *given: Any, **named: Any) -> None:
        if "checkpoint-8" in str(path):
            raise error
        save(content, path, *given, **named)

    monkeypatch.setattr(torch, "save", fill)
    with pytest.raises(CharBertError, match=r"out/checkpoint-8: cannot be written \(.*\)"):
        main([str(write_config(corpus, output))])
    assert [path.name for path in output.glob("checkpoint-*")] == ["checkpoint-4"]
