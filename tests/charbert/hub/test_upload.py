"""Uploads to the hub, tried against a stand-in for its HTTP interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from hub import Hub, hub_of_this_process
from huggingface_hub import ModelCard

import charbert
from charbert import CharBertError
from charbert.export.command import find_task


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with hub_of_this_process(tmp_path / "cache") as served:
        yield served


def tagger() -> charbert.CharBertForTokenClassification:
    return tiny.build(charbert.CharBertForTokenClassification, "bert")


def test_a_model_and_its_tokenizer_go_into_one_repository_with_a_card(hub: Hub) -> None:
    tiny.tokenizer("bert").push_to_hub("tagger")
    assert "README.md" not in hub.files("me/tagger")
    tagger().push_to_hub("me/tagger", tags=["ner"])
    assert {
        *("model.safetensors", "config.json", "modeling_charbert.py", "README.md"),
        *("tokenizer.json", "tokenizer_config.json", "characters.txt"),
    } == hub.files("me/tagger").keys()
    card = ModelCard(hub.card("me/tagger"))
    assert card.data.tags == ["charbert", "typos", "ner"]
    assert 'from_pretrained("me/tagger")' in card.text


def test_a_card_of_the_repository_stays(hub: Hub) -> None:
    hub.repositories["me/tagger"] = {"main": {"README.md": b"of mine"}}
    tagger().push_to_hub("me/tagger", commit_message="Again")
    assert hub.card("me/tagger") == "of mine"
    assert "model.safetensors" in hub.files("me/tagger")


def test_a_folder_that_is_saved_and_uploaded_keeps_its_card(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "tagger"
    folder.mkdir()
    (folder / "README.md").write_text("of mine")
    (folder / "predictions.txt").write_text("not of the model")
    tagger().save_pretrained(folder, push_to_hub=True)
    assert (folder / "README.md").read_text() == hub.card("me/tagger") == "of mine"
    assert "predictions.txt" not in hub.files("me/tagger")


def test_what_is_uploaded_is_saved_as_the_folder_was(hub: Hub, tmp_path: Path) -> None:
    tagger().save_pretrained(tmp_path / "tagger", push_to_hub=True, variant="half")
    assert (tmp_path / "tagger" / "model.half.safetensors").exists()
    assert "model.half.safetensors" in hub.files("me/tagger")


def test_a_branch_is_made_where_it_is_missing(hub: Hub) -> None:
    tiny.config("bert").push_to_hub("me/tagger", revision="next")
    assert hub.files("me/tagger", "next").keys() == {"config.json", "modeling_charbert.py"}
    assert hub.files("me/tagger") == {}


def test_an_export_finds_what_a_model_of_the_hub_was_fine_tuned_for(hub: Hub) -> None:
    hub.repositories["me/tagger"] = {"main": {"task.json": b"{}"}}
    hub.repositories["me/other"] = {"main": {}}
    task = find_task("me/tagger")
    assert task is not None and Path(task).read_text() == "{}"
    assert find_task("me/other") is find_task(".") is None


@pytest.mark.parametrize(("name", "token"), [("me/tagger", "bad"), ("no/name/for it", "good")])
def test_what_the_hub_refuses_is_one_line(name: str, token: str, hub: Hub) -> None:
    with pytest.raises(CharBertError, match=f"{name}: cannot be uploaded to {hub.url}") as refused:
        tiny.config("bert").push_to_hub(name, token=token)
    assert "\n" not in str(refused.value)
    assert hub.repositories == {}


def test_a_hub_that_is_not_to_be_asked_is_one_line() -> None:
    with pytest.raises(CharBertError, match="offline mode is enabled"):
        tiny.config("bert").push_to_hub("me/tagger")
