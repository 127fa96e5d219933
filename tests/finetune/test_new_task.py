"""A new task is a reader, a class and one entry of the registry; then every command takes it."""

import json
from pathlib import Path
from typing import Any

import pytest
from plain import save_plain
from small_finetuning import write_csv, write_finetune_config

from data.__main__ import main as data
from data.examples.own import Maker, TextTable
from data.examples.readers import READERS, Columns
from finetune.__main__ import main as finetune
from finetune.tasks.registry import TASKS, register_task
from finetune.tasks.texts import TextTask


class CapitalsReader(TextTable):
    labels = ("none", "some")

    def maker(self, columns: Columns, labelled: bool) -> Maker:
        def make(row: Any, number: int) -> Any:
            example: Any = read(row, number)
            return example._replace(label="none" if example.text.islower() else "some")

        read = super().maker(columns, labelled)
        return make


class CapitalsTask(TextTask):
    def show_gold(self, example: Any) -> str:
        return f"{sum(map(str.isupper, example.text))} capitals"


def test_registered_task_goes_through_every_command(tmp_path: Path, monkeypatch: Any) -> None:
    def run(*arguments: object) -> None:
        finetune([str(each) for each in arguments])

    monkeypatch.setitem(TASKS, "capitals", None)  # so that both are removed at the end
    monkeypatch.setitem(READERS, "capitals", None)
    register_task("capitals", CapitalsTask, CapitalsReader(), kind="classification")
    file, model = write_csv(tmp_path / "x.csv"), tmp_path / "run"
    file.write_text(file.read_text().replace("the quick", "The quick"))
    plain = save_plain(tmp_path / "plain", "bert", "model")
    run(write_finetune_config(model, task="capitals", train=file, dev=file, test=file, backbone=plain))
    accuracy = json.loads((model / "results.json").read_text())["test_accuracy"]
    scores, noised, report = (tmp_path / name for name in ("scores.json", "noised.csv", "report"))
    run("score", "--task=capitals", file, model / "predictions/test.tsv", "--output", scores)
    assert json.loads(scores.read_text())["accuracy"] == accuracy
    data(["attack", str(file), "--task=capitals", "--kind=swap", "--output", str(noised)])
    run("predict", model, noised, "--output", tmp_path / "predictions.tsv")
    run("worst-case", model, file, "--variants=2", "--budgets=1", "--output", tmp_path / "worst.json")
    (tmp_path / "x.yaml").write_text(f"kinds: [swap]\nrates: [0, 1]\nseeds: [1]\noutput: {report}\n")
    run("robustness", tmp_path / "x.yaml", "--models", model, "--test", file, f"--attacked=swap={noised}")
    found = json.loads((report / "report.json").read_text())
    assert found["models"][0]["clean"]["mean"] == pytest.approx(100 * accuracy)
