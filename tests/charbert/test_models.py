"""Weights that come with the package (here a small stand-in): loaded by name, and used if none are given."""

from pathlib import Path

import pytest
from small_correction import saved_model
from transformers import pipeline

import charbert
from charbert import CharBertError
from charbert.__main__ import main

TEXT, CORRECTED = "the brwon fox", "the brown fox"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(charbert.models, "FOLDER", tmp_path / "models")
    return Path(saved_model(tmp_path / "models" / "mini", "bert", {"brown": 0.9}))


def test_weights_are_loaded_by_their_name(folder: Path) -> None:
    assert charbert.path("mini") == charbert.path() == folder
    model, tokenizer = charbert.load("mini")
    assert charbert.correct(TEXT, model, tokenizer).text == CORRECTED
    assert not model.training
    assert charbert.CharBertForTokenClassification.from_pretrained(charbert.path("mini"), num_labels=3)


def test_correction_takes_them_when_no_model_is_given(folder: Path, tmp_path: Path) -> None:
    assert charbert.correct(TEXT).text == CORRECTED
    assert charbert.Corrector(known=["brwon"])([TEXT])[0].text == TEXT
    assert pipeline("typo-correction", device="cpu")(TEXT)["text"] == CORRECTED
    (tmp_path / "texts.txt").write_text(TEXT)
    main(["correct", str(tmp_path / "texts.txt"), "--output", str(tmp_path / "new.txt")])
    assert (tmp_path / "new.txt").read_text() == CORRECTED


def test_a_name_without_weights_is_refused_with_those_that_exist(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        CharBertError, match=r"no weights named 'maxi' come with charbert \(there are: mini\)"
    ):
        charbert.load("maxi")
    monkeypatch.setattr(charbert.models, "FOLDER", folder)
    for use in (charbert.path, charbert.Corrector, lambda: pipeline("typo-correction")):
        with pytest.raises(CharBertError, match=r"'mini' come with charbert \(this version has none\); give"):
            use()


@pytest.mark.parametrize("name", ("model.safetensors", "config.json", "words.txt", "tokenizer.json"))
def test_a_damaged_file_is_said_in_one_line(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    with pytest.raises(CharBertError, match=str(folder)) as caught:
        charbert.load()
    assert "\n" not in str(caught.value)
