"""Model cards: what they say, that their code runs, and whose README.md they replace."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tiny
from huggingface_hub import ModelCard
from plain import save_plain
from transformers import BertForTokenClassification

import charbert
from charbert.hub import is_kept
from charbert.hub.cards import Facts, add_robustness, write_card
from charbert.hub.runs import write_run_card
from charbert.tuning import TuningSettings, add_delta, save_delta

HEAD = charbert.CharBertForTokenClassification
FACTS = Facts(
    base="google-bert/bert-base-cased",
    data=["owner/reviews:all:train", "/home/somebody/more.csv"],
    training={"steps": 12, "note": "two\nlines | cells"},
    scores={"test": {"f1": 0.912345, "matthews_correlation": None}},
    test_data={"test": "more.csv"},
)


def save(folder: Path, model_class: Any = HEAD, kind: str = "bert") -> ModelCard:
    tiny.build(model_class, kind).save_pretrained(folder)
    tiny.tokenizer(kind).save_pretrained(folder)
    return ModelCard.load(folder / "README.md")


def run_code(card: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the code of a card leaves, run beside its folder."""
    [code] = re.findall(r"```python\n(.*?)```", card.read_text(), re.DOTALL)
    monkeypatch.chdir(card.parents[1])
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.mark.parametrize("model_class", tiny.HEADS)
def test_the_code_of_a_card_runs(
    model_class: Any, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'my "own" model'
    card = save(folder, model_class, kind)
    assert type(run_code(folder / "README.md", monkeypatch)["model"]) is model_class
    assert f"reads {78 if kind == 'roberta' else 80} tokens" in card.text


def test_the_code_of_the_card_of_a_delta_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = save_plain(tmp_path / "base", "bert", "model")
    for name, model_class in (("plain", BertForTokenClassification), ("charbert", HEAD)):
        if name == "charbert":
            save(base := tmp_path / "charbert-base")
        model = model_class.from_pretrained(base)
        add_delta(model, TuningSettings(tuning="bitfit"))
        save_delta(model, tmp_path / name)
        tiny.tokenizer("bert").save_pretrained(tmp_path / name)
        assert type(run_code(tmp_path / name / "README.md", monkeypatch)["model"]) is model_class
        assert str(tmp_path) not in (tmp_path / name / "README.md").read_text()


def test_the_metadata_names_what_the_hub_knows_and_no_path(tmp_path: Path) -> None:
    save(tmp_path / "saved")
    write_card(tmp_path / "saved", FACTS, name="me/tagger", tags=["english"], renew=True)
    card = ModelCard.load(tmp_path / "saved" / "README.md")
    assert r"| note | two lines \| cells |" in card.text
    data = card.data
    assert (data.base_model, data.datasets) == (FACTS.base, ["owner/reviews"])
    assert (data.pipeline_tag, data.tags) == ("token-classification", ["charbert", "typos", "english"])
    [result] = data.eval_results or []
    assert (result.metric_type, result.metric_value, result.dataset_name) == ("f1", 0.9123, "more.csv")
    assert (result.task_type, data.model_name) == ("token-classification", "me/tagger")
    assert "/home" not in card.content and "| steps | 12 |" in card.text
    assert "| test, matthews_correlation | undefined |" in card.text


def test_a_card_that_somebody_wrote_or_edited_stays(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("of mine")
    tiny.build(HEAD, "bert").save_pretrained(tmp_path)
    write_card(tmp_path, FACTS, renew=True)
    add_robustness(tmp_path, {"drop": "80.0"})
    assert (tmp_path / "README.md").read_text() == "of mine"
    save(tmp_path / "saved")
    card = tmp_path / "saved" / "README.md"
    edited = card.read_text().replace("## Limits", "## What it cannot do")
    card.write_text(edited)
    write_card(card.parent, FACTS, renew=True)
    add_robustness(card.parent, {"drop": "80.0"})
    assert card.read_text() == edited


def test_saving_again_leaves_the_card_and_training_again_renews_it(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    save(folder)
    write_card(folder, FACTS, renew=True)
    assert (save(folder).data.eval_results or [])[0].metric_type == "f1"
    write_card(folder, Facts(), renew=True)
    assert ModelCard.load(folder / "README.md").data.eval_results is None


def test_a_checkpoint_of_a_trainer_gets_no_card(tmp_path: Path) -> None:
    tiny.build(HEAD, "bert").save_pretrained(tmp_path / "checkpoint-20")
    assert not (tmp_path / "checkpoint-20" / "README.md").exists()


def test_robustness_is_added_to_a_card_and_replaced_by_a_later_report(tmp_path: Path) -> None:
    save(tmp_path)
    for points in ("80.0 (8.3 lost)", "70.0 (18.3 lost)"):
        add_robustness(tmp_path, {"drop | add": points})
    card = tmp_path / "README.md"
    assert card.read_text().count("lost") == 1 and r"| drop \| add | 70.0 (18.3 lost) |" in card.read_text()
    assert not is_kept(card)


def test_the_card_of_a_run_has_what_its_results_say(tmp_path: Path) -> None:
    save(tmp_path)
    results = {
        "test_f1": 0.9,
        "best_step": 1200,
        "parameters": 12345,
        "settings": {
            "task": "ner",
            "backbone": "google-bert/bert-base-cased",
            "data": "/home/somebody/conll2003",
            "augmentation": 0,
            "augmentation_kind": "paper",
            "noise_edits": ["drop", "add"],
        },
        "versions": {"torch": "2.13.0"},
        "seed": 42,
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    write_run_card(tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    for row in (
        "| started from | google-bert/bert-base-cased |",
        "| data | conll2003 |",
        "| noise edits | drop, add |",
        "| best step | 1,200 |",
        "| versions | torch 2.13.0 |",
        "| test, f1 | 0.9000 |",
        "| parameters | 12,345 |",
    ):
        assert row in card.text
    assert "augmentation" not in card.text
    assert (card.data.eval_results or [])[0].dataset_name == "conll2003"


def test_data_sets_of_the_hub_keep_their_owner_in_the_card_of_a_run(tmp_path: Path) -> None:
    save(tmp_path)
    data = {"train": ["owner/reviews:all:train", "/home/somebody/more.csv"], "test": "owner/reviews:all:test"}
    (tmp_path / "results.json").write_text(json.dumps({"test_accuracy": 0.9, "settings": data}))
    write_run_card(tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    [result] = card.data.eval_results or []
    assert "| data | owner/reviews:all:train, more.csv |" in card.text
    assert (result.dataset_type, result.dataset_name) == ("owner/reviews", "owner/reviews:all:test")
