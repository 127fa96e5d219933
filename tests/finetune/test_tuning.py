"""`python -m finetune CONFIG.yaml --tuning METHOD`: runs that train, save and load a fraction of a model."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from plain import save_plain
from released_layout import save_released
from safetensors.torch import load_file
from small_finetuning import TAGGED, save_charbert, write_conll, write_csv, write_finetune_config
from small_runs import assert_identical_weights, interrupted_at
from transformers import AutoModelForSequenceClassification, pipeline

from charbert import CharBertForTokenClassification
from charbert.commands.results import read_results
from charbert.errors import CharBertError
from data.examples.rows import BadRows
from data.examples.tables import read_table
from finetune.__main__ import main

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain BERT."""
    return save_plain(tmp_path_factory.mktemp("models") / "plain", "bert", "model")


@pytest.fixture(scope="module")
def charbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pre-trained CharBERT."""
    return save_charbert(tmp_path_factory.mktemp("models") / "charbert")


def run(output: Path, *arguments: str, **settings: Any) -> dict[str, Any]:
    settings = {"learning_rate": 2e-2, **settings}
    main([str(write_finetune_config(output, **settings)), *arguments])
    return read_results(output)


def predicted(folder: Path, file: Path, output: Path) -> list[str]:
    main(["predict", str(folder), str(file), "--output", str(output), "--overwrite"])
    return [row.cells["prediction"] for row in read_table(str(output), BadRows())]


@pytest.mark.parametrize(
    "given",
    (
        {"tuning": "lora", "learning_rate": 5e-3},
        {"tuning": "ia3"},
        {"tuning": "adapter", "bottleneck": 8},
        {"tuning": "bitfit"},
        {"tuning": "freeze", "freeze": "all-but-characters", "learning_rate": 5e-3},
        {"tuning": "prompt"},
        {"tuning": "prefix", "prompt_units": 32},
    ),
    ids=lambda given: given["tuning"],
)
@pytest.mark.parametrize("start", ("charbert", "plain"))
def test_a_run_leaves_what_it_trained_and_is_used_as_any_other(
    start: str, given: dict[str, Any], charbert: Path, plain: Path, tmp_path: Path, capsys: Any
) -> None:
    train, out = write_csv(tmp_path / "train.csv"), tmp_path / "out"
    base = charbert if start == "charbert" else plain
    settings = {"task": "text", "train": train, "dev": train, "model": base, "epochs": 12, **given}
    if given["tuning"] in ("freeze", "prompt", "prefix") and start == "plain":
        with pytest.raises(CharBertError, match=r"--(freeze|tuning) [-\w]+: needs a CharBERT"):
            run(out, **settings)
        return
    numbers = run(out, **settings)
    lines = capsys.readouterr().err.splitlines()
    assert any(line.split()[:1] == ["all"] and line.split()[-1].replace(".", "").isdigit() for line in lines)
    assert numbers["dev_accuracy"] > 0.9
    assert 0 < numbers["trainable_parameters"] < 0.7 * numbers["parameters"]
    assert (out / WEIGHTS).is_file() and not (out / "model.safetensors").exists()
    saved = sum(map(torch.numel, load_file(out / WEIGHTS).values()))
    if given["tuning"] == "prefix":  # what trained it is folded
        assert saved < numbers["trainable_parameters"]
    else:
        assert saved == numbers["trainable_parameters"]

    rows = (out / "predictions/dev.tsv").read_text().splitlines()[1:]
    assert predicted(out, train, tmp_path / "p.csv") == [row.split("\t")[1] for row in rows]
    if start == "charbert":
        classify = pipeline("text-classification", model=str(out), device="cpu")
        found = [answer["label"] for answer in classify(["the lazy dogs jumps .", "the quick word jumps ."])]
        assert found == ["animal", "thing"]


@pytest.mark.parametrize(
    "given",
    (
        {"tuning": "lora"},
        {"tuning": "freeze", "freeze": "layers:1"},
        {"tuning": "prefix", "prompt_units": 32, "learning_rate": 5e-3},
    ),
    ids=lambda given: given["tuning"],
)
def test_a_stopped_run_goes_on_to_the_same_delta(
    given: dict[str, Any], charbert: Path, tmp_path: Path
) -> None:
    train = write_csv(tmp_path / "train.csv")
    settings = {"task": "text", "train": train, "model": charbert, "epochs": 3, **given}
    run(tmp_path / "whole", **settings)
    with interrupted_at(8):
        run(tmp_path / "stopped", **settings)
    checkpoint = next((tmp_path / "stopped").glob("checkpoint-*"))
    assert (checkpoint / WEIGHTS).is_file() and not (checkpoint / "model.safetensors").exists()
    run(tmp_path / "stopped", "--resume", **settings)
    assert_identical_weights(tmp_path / "stopped", tmp_path / "whole", WEIGHTS)
    before = read_results(tmp_path / "stopped")
    assert run(tmp_path / "stopped", "--resume", **settings) == before  # it was finished


@pytest.mark.parametrize("given", ({"tuning": "lora", "dora": True}, {"tuning": "bitfit"}), ids=str)
def test_a_merged_run_leaves_a_plain_model(given: dict[str, Any], charbert: Path, tmp_path: Path) -> None:
    train, out = write_conll(tmp_path / "train.conll"), tmp_path / "out"
    numbers = run(out, task="tagging", train=train, dev=train, model=charbert, epochs=8, merge=True, **given)
    assert numbers["dev_f1"] > 0.9
    assert not (out / WEIGHTS).exists()
    model = CharBertForTokenClassification.from_pretrained(out)
    assert model.num_parameters() == numbers["parameters"]
    tagger = pipeline("token-classification", model=str(out), device="cpu")
    assert {found["entity"] for found in tagger("the lazy dog")} == {"B-ANIMAL"}


def test_a_fresh_character_channel_is_trained_on_a_frozen_backbone(plain: Path, tmp_path: Path) -> None:
    train, out = write_csv(tmp_path / "train.csv"), tmp_path / "out"
    given = {"tuning": "freeze", "freeze": "all-but-characters"}
    run(out, task="text", train=train, dev=train, backbone=plain, epochs=12, **given)
    rows = (out / "predictions/dev.tsv").read_text().splitlines()[1:]
    assert predicted(out, train, tmp_path / "p.csv") == [row.split("\t")[1] for row in rows]
    model = AutoModelForSequenceClassification.from_pretrained(out)
    spelled = {name: tensor for name, tensor in model.state_dict().items() if "backbone" in name}
    base = load_file(plain / "model.safetensors")
    assert all(torch.equal(tensor, base[name.split("backbone.")[1]]) for name, tensor in spelled.items())
    with pytest.raises(CharBertError, match="--tuning lora: would leave the fresh character channel"):
        run(out, task="text", train=train, backbone=plain, tuning="lora", overwrite=True)


def test_the_base_may_be_a_released_checkpoint(tmp_path: Path) -> None:
    base, train, out = tmp_path / "released", write_csv(tmp_path / "train.csv"), tmp_path / "out"
    tiny.stock_tokenizer("bert").save_pretrained(base)
    save_released(base, "bert")
    tiny.tokenizer("bert").characters.save(tmp_path / "characters")
    given = {"model": base, "character_vocabulary": tmp_path / "characters", "tuning": "lora"}
    run(out, task="text", train=train, dev=train, epochs=1, **given)
    rows = (out / "predictions/dev.tsv").read_text().splitlines()[1:]
    assert predicted(out, train, tmp_path / "p.csv") == [row.split("\t")[1] for row in rows]


def test_reports_and_attacks_take_a_delta(charbert: Path, tmp_path: Path, caplog: Any) -> None:
    train, out = write_csv(tmp_path / "train.csv"), tmp_path / "out"
    run(out, task="text", train=train, dev=train, model=charbert, tuning="bitfit", learning_rate=3e-5)
    assert "--learning-rate 3e-05 suits all weights; so few want a higher one" in caplog.text
    few = tmp_path / "few.csv"
    few.write_text("\n".join(train.read_text().splitlines()[:4]) + "\n")
    main(["worst-case", str(out), str(few), "--output", str(tmp_path / "worst.json"), "--budgets", "1"])
    assert json.loads((tmp_path / "worst.json").read_text())
    config = tmp_path / "report.yaml"
    config.write_text("kinds: [drop]\nseeds: [1]\n")
    main(
        ["robustness", str(config), "--models", str(out), "--test", str(few), "--output", str(tmp_path / "r")]
    )
    assert (tmp_path / "r" / "report.html").is_file()


def test_mistakes_are_one_line_that_names_the_choices(charbert: Path, tmp_path: Path) -> None:
    train, out = write_csv(tmp_path / "train.csv"), tmp_path / "out"
    settings = {"task": "text", "train": train, "dev": train, "model": charbert, "epochs": 1}
    for given, message in (
        ({"tuning": "lorra"}, "--tuning: 'lorra' is unknown; choose one of lora, ia3, adapter, bitfit"),
        (
            {"tuning": "lora", "lora_targets": ["qeury"]},
            r"'qeury' matches no module.*choose of layers, inter",
        ),
        ({"tuning": "lora", "lora_targets": ["gru"], "dora": True}, "--dora: the weights of the GRU cannot"),
        ({"tuning": "freeze", "freeze": "layers:9"}, "--freeze layers:9: the model has 2 layers"),
        ({"tuning": "freeze", "freeze": "half"}, "--freeze: 'half' is unknown; choose one of head, layers:K"),
        (
            {"tuning": "adapter", "merge": True},
            "adapter gives outputs that no plain model can; merge lora, ia3",
        ),
        ({"merge": True}, "--merge: needs --tuning"),
        ({"lora_rank": 4}, "--lora-rank: is given without a method; it goes with --tuning lora"),
        ({"tuning": "ia3", "dora": True}, "--dora: is not for ia3; it goes with --tuning lora"),
        ({"tuning": "lora", "probe": "sum"}, "--tuning and --probe exclude each other"),
    ):
        with pytest.raises(CharBertError, match=message):
            run(out, **settings, **given)
        assert not out.exists()


def test_a_delta_whose_base_is_gone_or_another_is_refused(charbert: Path, tmp_path: Path) -> None:
    train, out, base = write_csv(tmp_path / "train.csv"), tmp_path / "out", tmp_path / "base"
    shutil.copytree(charbert, base)
    run(out, task="text", train=train, dev=train, model=base, epochs=1, tuning="lora")
    with pytest.raises(CharBertError, match="out: holds a delta, not a whole model; give its base"):
        run(tmp_path / "next", task="text", train=train, model=out)
    shutil.move(base, tmp_path / "moved")
    with pytest.raises(CharBertError, match=r"out: its base cannot be loaded; .*base: "):
        predicted(out, train, tmp_path / "p.csv")
    save_charbert(base, seed=1)
    with pytest.raises(
        CharBertError, match=r"out: was trained on weights \w{16} \(.*base\), and .* has \w{16}"
    ):
        predicted(out, train, tmp_path / "p.csv")
    assert len(TAGGED) == len(train.read_text().splitlines()) - 1
