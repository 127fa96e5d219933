"""Bad inputs: for each a command line, changes of a folder of good ones, and the line that it ends in.

A row of a table is made by `bad`, the folder by `make_good_inputs`.
"""

import hashlib
import json
import math
import os
import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest
import tiny
import yaml
from dumps import articles
from plain import save_plain
from released_layout import save_released
from safetensors.torch import load_file, save_file
from small_finetuning import SETTINGS, write_conll, write_csv, write_squad
from small_recognition import small_recognizer
from small_runs import SETTINGS as PRETRAINING
from small_runs import make_corpus

import benchmarks.__main__
import charbert.__main__
import data.__main__
import finetune.__main__
import pretrain.__main__
from charbert.errors import run_command

PROGRAMS = {
    "data": data.__main__.main,
    "pretrain": pretrain.__main__.main,
    "finetune": finetune.__main__.main,
    "charbert": charbert.__main__.main,
    "benchmarks": benchmarks.__main__.main,
}
_BAR = re.compile(r"\d+%\||\[\d\d:\d\d")
Change = Callable[[Path], object]
Refused = Callable[[str, str, Sequence[Change], int], None]
"""Takes the values of `bad` but the name."""
NESTED = "[" * 100_000
UNPRINTABLE = os.fsdecode(b"caf\xe9")
"""A name that is no UTF-8."""


def bad(name: str, command: str, message: str, *changes: Change, status: int = 1) -> Any:
    """A bad input, as a parameter of a test.

    Args:
        name: of the input.
        command: the command line; its first word is the program.
        message: part of the line on standard error.
        changes: what is done in the folder before.
        status: with which the command exits.
    """
    return pytest.param(command, message, changes, status, id=name)


def put(path: str, content: str | bytes = "") -> Change:
    """A file with this content."""

    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def put_folder(path: str) -> Change:
    """A folder, in place of what had its name."""

    def change(folder: Path) -> None:
        if (folder / path).exists():
            remove(path)(folder)
        (folder / path).mkdir(parents=True)

    return change


def cut(path: str) -> Change:
    """The first half of a file."""
    return lambda folder: os.truncate(folder / path, (folder / path).stat().st_size // 2)


def remove(path: str) -> Change:
    def change(folder: Path) -> None:
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()

    return change


def rename(path: str, name: str) -> Change:
    return lambda folder: (folder / path).rename(folder / name)


def lock(path: str) -> Change:
    """A file that another command is writing, as long as what the change returns is open."""

    def change(folder: Path) -> object:
        file = (folder / path).open("w")
        flock(file, LOCK_EX)
        return file

    return change


def edit(path: str, **changes: Any) -> Change:
    """Other values of keys in a JSON or YAML file; without None."""

    def change(folder: Path) -> None:
        file = folder / path
        read = json.loads if file.suffix == ".json" else yaml.safe_load
        content = {**read(file.read_text()), **changes}
        content = {key: value for key, value in content.items() if value is not None}
        file.write_text(json.dumps(content) if file.suffix == ".json" else yaml.safe_dump(content))

    return change


def spoil(path: str) -> Change:
    """Weights that are no numbers."""

    def change(folder: Path) -> None:
        tensors = load_file(folder / path)
        spoilt = {
            name: tensor * math.nan if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
        save_file(spoilt, folder / path, {"format": "pt"})

    return change


def behead(path: str, head: str) -> Change:
    """Weights without those of a head."""

    def change(folder: Path) -> None:
        tensors = load_file(folder / path)
        kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(f"{head}.")}
        save_file(kept, folder / path, {"format": "pt"})

    return change


def make_good_inputs(folder: Path) -> Path:
    """Small inputs of every command: text, labelled data, configs, tokenizers, blocks, models."""
    make_corpus(folder)
    write_csv(folder / "texts.csv")
    write_conll(folder / "tags.conll")
    write_squad(folder / "qa.json")
    (folder / "dump.xml").write_text(articles(4))
    (folder / "misspellings.json").write_text('{"quick": ["qiuck"]}')
    plain = str(save_plain(folder / "plain", "bert", "model"))
    small_recognizer().save_pretrained(folder / "recognizer")
    (folder / "released").mkdir()
    save_released(folder / "released", "bert")
    tiny.tokenizer("bert").characters.save(folder / "characters.txt")
    configs: dict[str, dict[str, Any]] = {
        "text": {"task": "text", "train": "texts.csv", "dev": "texts.csv", "epochs": 1},
        "tags": {"task": "tagging", "train": "tags.conll", "dev": "tags.conll", "epochs": 1},
        "qa": {"task": "qa", "train": "qa.json", "dev": "qa.json", "unanswerable": True},
    }
    for name, given in configs.items():
        content = {**SETTINGS, "backbone": "plain", "output": "new", **given}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
        paths = {key: str(folder / given[key]) for key in ("train", "dev")}
        options = [part for key, value in paths.items() for part in (f"--{key}", value)]
        output = ["--output", str(folder / name)]
        if name != "qa":
            finetune.__main__.main([str(folder / f"{name}.yaml"), "--backbone", plain, *options, *output])
    inputs = {"data": "blocks", "tokenizer": "tokenizer", "output": "new"}
    (folder / "pretrain.yaml").write_text(yaml.safe_dump({**PRETRAINING, **inputs}))
    recognizer = {
        key: PRETRAINING[key] for key in ("max_steps", "batch_size", "num_workers", "eval_examples")
    }
    (folder / "recognizer.yaml").write_text(yaml.safe_dump({**recognizer, **inputs}))
    report = {"test": "texts.csv", "models": ["text"], "kinds": ["drop"], "rates": [1], "seeds": [1]}
    (folder / "report.yaml").write_text(yaml.safe_dump({**report, "output": "new"}))
    return folder


def listing(folder: Path) -> dict[str, str]:
    """What is in a folder: a digest of each file."""
    return {
        os.fsencode(path.relative_to(folder)).decode(errors="replace"): ""
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
    }


def error_lines(error: str) -> list[str]:
    """The lines of standard error, without progress bars."""
    return [line for line in error.splitlines() if line.strip() and not _BAR.search(line)]


def run(command: str) -> int:
    """The exit status of a command line."""
    program, *arguments = shlex.split(command)
    try:
        return run_command(PROGRAMS[program], arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
