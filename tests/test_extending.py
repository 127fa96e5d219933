"""The code of docs/extending.md: what it registers goes through every command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tiny
import transformers
from plain import save_plain
from small_finetuning import write_csv, write_finetune_config
from small_runs import make_corpus, results, write_config

from charbert import CharBertForPreTraining, CharBertForTokenClassification, CharBertTokenizer
from charbert.backbones import BACKBONES
from charbert.noise import KINDS
from charbert.tuning import TUNINGS
from data.__main__ import main as data
from data.examples.readers import READERS
from finetune.__main__ import main as finetune
from finetune.tasks.registry import TASKS
from pretrain.__main__ import main as pretrain

DOCUMENT = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")


def run_block(name: str) -> None:
    """Run the code of the document that is marked with a name; it is shorter than 40 lines."""
    [code] = re.findall(rf"```python {name}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(code.splitlines()) < 40
    exec(compile(code, f"docs/extending.md: {name}", "exec"), {"__name__": name})


def test_every_block_is_run_here() -> None:
    assert re.findall(r"```python ?(\w*)\n", DOCUMENT) == ["task", "backbone", "noise", "tuning"]


def report_of(model: Path, file: Path, folder: Path, *options: str) -> dict[str, Any]:
    config = folder / "report.yaml"
    config.write_text(f"rates: [0, 1]\nseeds: [1]\noutput: {folder / 'report'}\n")
    finetune(["robustness", str(config), "--models", str(model), "--test", str(file), *options])
    return json.loads((folder / "report" / "report.json").read_text())


def test_a_task_goes_through_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in (TASKS, READERS):
        monkeypatch.setitem(registry, "capitals", None)  # so that both entries are removed at the end
    run_block("task")
    file, model, noised = write_csv(tmp_path / "x.csv"), tmp_path / "run", tmp_path / "noised.csv"
    file.write_text(file.read_text().replace("the quick", "The quick"))
    plain = save_plain(tmp_path / "plain", "bert", "model")
    config = write_finetune_config(model, task="capitals", train=file, dev=file, test=file, backbone=plain)
    finetune([str(config)])
    accuracy = results(model)["test_accuracy"]
    scores = tmp_path / "scores.json"
    predictions = str(model / "predictions" / "test.tsv")
    finetune(["score", "--task=capitals", str(file), predictions, "--output", str(scores)])
    assert json.loads(scores.read_text())["accuracy"] == accuracy
    data(["attack", str(file), "--task=capitals", "--kind=swap", "--output", str(noised)])
    finetune(["predict", str(model), str(noised), "--output", str(tmp_path / "predictions.tsv")])
    worst = ["--variants=2", "--budgets=1", "--output", str(tmp_path / "worst.json")]
    finetune(["worst-case", str(model), str(file), *worst])
    found = report_of(model, file, tmp_path, "--kinds", "swap", f"--attacked=swap={noised}")
    assert found["models"][0]["clean"]["mean"] == pytest.approx(100 * accuracy)


def test_a_backbone_is_pretrained_from_scratch_and_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "camembert", BACKBONES["roberta"])
    run_block("backbone")
    corpus = make_corpus(tmp_path)
    pretrain([str(write_config(corpus, tmp_path / "model", architecture="camembert", max_steps=2))])
    assert (tmp_path / "model" / "results.json").exists()
    sizes = tiny.backbone_config("roberta").to_diff_dict() | {"vocab_size": 300}
    transformers.CamembertModel(transformers.CamembertConfig(**sizes)).save_pretrained(tmp_path / "plain")
    tokenizer = CharBertTokenizer.from_stock(tiny.stock_tokenizer("roberta"))
    tokenizer.save_pretrained(tmp_path / "plain")
    model = CharBertForTokenClassification.from_backbone(tmp_path / "plain")
    assert type(model.charbert.backbone) is transformers.CamembertModel
    file, tuned = write_csv(tmp_path / "x.csv"), tmp_path / "run"
    finetune([str(write_finetune_config(tuned, task="text", train=file, backbone=tmp_path / "plain"))])
    found = report_of(tuned, file, tmp_path, "--kinds", "swap")
    assert len(found["models"]) == 1


def test_a_kind_of_noise_goes_through_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "leet", KINDS["paper"])
    run_block("noise")
    file, model, noised = write_csv(tmp_path / "x.csv"), tmp_path / "run", tmp_path / "noised.csv"
    data(["attack", str(file), "--task=text", "--kind=leet", "--output", str(noised)])
    assert noised.read_text() != file.read_text()
    noise = {"augmentation": 1, "augmentation_kind": "leet"}
    plain = save_plain(tmp_path / "plain", "bert", "model")
    finetune([str(write_finetune_config(model, task="text", train=file, dev=file, backbone=plain, **noise))])
    assert results(model)["augmentation_changed"] > 0
    found = report_of(model, file, tmp_path, "--kinds", "leet")
    assert found["attacks"][0]["kind"] == "leet"
    assert "letters written as digits" in (tmp_path / "report" / "report.html").read_text()


def test_a_method_of_delta_tuning_trains_and_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TUNINGS, "norms", TUNINGS["bitfit"])
    run_block("tuning")
    base = tmp_path / "base"
    tiny.build(CharBertForPreTraining, "bert").save_pretrained(base)
    tiny.tokenizer("bert").save_pretrained(base)
    train, out = write_csv(tmp_path / "train.csv"), tmp_path / "out"
    finetune(
        [str(write_finetune_config(out, task="text", train=train, dev=train, model=base)), "--tuning=norms"]
    )
    # Of two layers, the embeddings and an interaction, each of weight and bias; and the head.
    assert results(out)["trainable_parameters"] == (2 * 2 + 1 + 2) * 2 * 32 + 2 * 64 + 2
    finetune(["predict", str(out), str(train), "--output", str(tmp_path / "predictions.csv")])
