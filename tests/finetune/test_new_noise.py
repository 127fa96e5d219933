"""A new kind of noise is a class and one call; then every command takes it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from plain import save_plain
from small_finetuning import write_csv, write_finetune_config

from charbert.noise import KINDS, Kind, register_kind
from data.__main__ import main as data
from finetune.__main__ import main as finetune


class Leet(Kind):
    name = "leet"
    description = "letters written as digits"

    def is_eligible(self, core: str) -> bool:
        return "o" in core

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        return core.replace("o", "0")


@pytest.fixture
def leet() -> Iterator[None]:
    register_kind(Leet)
    yield
    del KINDS["leet"]


def test_registered_kind_goes_through_every_command(leet: None, tmp_path: Path) -> None:
    file, model, noised = write_csv(tmp_path / "x.csv"), tmp_path / "run", tmp_path / "noised.csv"
    data(["attack", str(file), "--task=text", "--kind=leet", "--output", str(noised)])
    assert noised.read_text().count("0") == file.read_text().replace("0", "").count("o")
    noise = {"augmentation": 1, "augmentation_kind": "leet"}
    plain = save_plain(tmp_path / "plain", "bert", "model")
    finetune([str(write_finetune_config(model, task="text", train=file, dev=file, backbone=plain, **noise))])
    assert json.loads((model / "results.json").read_text())["augmentation_changed"] > 0
    config, report = tmp_path / "x.yaml", tmp_path / "report"
    config.write_text(f"kinds: [leet]\nrates: [0, 1]\nseeds: [1]\noutput: {report}\n")
    finetune(["robustness", str(config), "--models", str(model), "--test", str(file)])
    assert json.loads((report / "report.json").read_text())["attacks"][0]["kind"] == "leet"
    assert "letters written as digits" in (report / "report.html").read_text()
