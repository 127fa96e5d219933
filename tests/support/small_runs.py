"""Small runs: a corpus of sentences to pre-train on, settings of seconds, several processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import Trainer

from data.__main__ import main as data_main

ROOT = Path(__file__).parents[2]
SENTENCES = [
    f"{one} {two} {three} quickly ."
    for one in ("the", "every")
    for two in ("brown", "lazy", "young")
    for three in ("teacher", "window", "garden", "picture", "doctor", "kitchen")
]
STEPS: dict[str, Any] = {
    "warmup_steps": 0,
    "batch_size": 8,
    "max_steps": 8,
    "eval_steps": 4,
    "save_steps": 4,
    "logging_steps": 2,
    "num_workers": 0,
}
SETTINGS: dict[str, Any] = {
    **STEPS,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "dropout": 0.1,
    "char_embedding_size": 16,
    "max_length": 24,
    "eval_examples": 4,
    "learning_rate": 5e-3,
}
SHORT: dict[str, Any] = {
    "batch_size": 4,
    "max_steps": 4,
    "save_steps": 2,
    "eval_steps": 2,
    "logging_steps": 1,
    "num_hidden_layers": 2,
}
"""Changes for runs of several processes."""
TOGETHER = """import sys
from torch import distributed
from {module}.__main__ import main

main(sys.argv[1:])
assert not distributed.is_initialized(), "the process group is left open"
"""


def make_corpus(folder: Path) -> Path:
    """A folder with `text.txt`, and its `tokenizer` and `blocks`."""
    text = folder / "text.txt"
    text.write_text("\n\n".join(SENTENCES * 12), encoding="utf-8")
    tokenizer = str(folder / "tokenizer")
    data_main(["vocabulary", str(text), "--output", tokenizer, "--vocab-size", "150"])
    places = ["--tokenizer", tokenizer, "--output", str(folder / "blocks")]
    data_main(["tokenize", str(text), *places, "--block-size", "24"])
    return folder


def write_config(corpus: Path, output: Path, **changes: Any) -> Path:
    path = output.with_suffix(".yaml")
    settings = {
        **SETTINGS,
        "data": str(corpus / "blocks"),
        "tokenizer": str(corpus / "tokenizer"),
        "output": str(output),
        **changes,
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def assert_identical_weights(output: Path, other: Path, name: str = "model.safetensors") -> None:
    ours, theirs = (load_file(folder / name) for folder in (output, other))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def assert_same_weights(output: Path, other: Path) -> None:
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (output, other))
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-5, atol=1e-6)


def stopped(finished: Path, copy: Path) -> Path:
    """A copy of a run of two checkpoints as it stood after the first."""
    shutil.copytree(finished, copy)
    shutil.rmtree(max(copy.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1])))
    for name in ("results.json", "model.safetensors"):
        (copy / name).unlink()
    return copy


@contextmanager
def interrupted_at(step: int) -> Iterator[None]:
    """Interrupt a training by a Trainer before the step after this one."""
    train = Trainer.training_step

    def interrupted(trainer: Any, *given: Any, **named: Any) -> Any:
        if trainer.state.global_step == step:
            raise KeyboardInterrupt
        return train(trainer, *given, **named)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "training_step", interrupted)
        yield


def results(output: Path) -> dict[str, Any]:
    return json.loads((output / "results.json").read_text())


def log_lines(output: Path) -> list[dict[str, Any]]:
    """What a run logged of its training."""
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [entry for entry in history if "mlm_loss" in entry]


def torchrun(config: Path, *more: str, module: str = "pretrain", command: tuple[str, ...] = ()) -> None:
    """A run of two processes; `command` comes before the config."""
    finish(start_torchrun(config, ("--nproc-per-node", "2"), more, module, command))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def start_torchrun(
    config: Path,
    launch: tuple[str, ...],
    more: tuple[str, ...] = (),
    module: str = "pretrain",
    command: tuple[str, ...] = (),
) -> subprocess.Popen[str]:
    program = str(Path(sys.executable).with_name("torchrun"))
    script = config.with_name("together.py")
    script.write_text(TOGETHER.format(module=module))
    return subprocess.Popen(
        [program, *launch, str(script), *command, str(config), *more],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def finish(*started: subprocess.Popen[str]) -> None:
    for process in started:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
