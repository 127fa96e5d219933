"""Weights that come with the package: loaded by name, and used if none are given."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors import safe_open
from small_correction import saved_model
from transformers import pipeline

import charbert
from charbert import CharBertError
from charbert.__main__ import main

TEXT, CORRECTED = "The goverment anounced it", "The government announced it"
MEGABYTE = 1_000_000


def test_they_are_stored_in_bfloat16_and_computed_in_float32() -> None:
    model, _ = charbert.load("mini")
    assert model.dtype == torch.float32 and not model.training
    with safe_open(charbert.path() / "model.safetensors", "pt") as stored:
        assert stored.get_tensor("nlm_head.decoder.weight").dtype == torch.bfloat16
    assert sum(file.stat().st_size for file in charbert.path().iterdir()) <= 32 * MEGABYTE


def test_correction_takes_mini_when_no_model_is_given(tmp_path: Path) -> None:
    assert charbert.Corrector(known=["anounced"])([TEXT])[0].text == "The government anounced it"
    assert pipeline("typo-correction", device="cpu")(TEXT)["text"] == CORRECTED
    (tmp_path / "texts.txt").write_text(TEXT)
    main(["correct", str(tmp_path / "texts.txt"), "--output", str(tmp_path / "new.txt")])
    assert (tmp_path / "new.txt").read_text() == CORRECTED


def test_their_card_has_their_licence_and_code_that_runs() -> None:
    card = ModelCard.load(charbert.path() / "README.md")
    assert card.data.license == "cc-by-sa-4.0"
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)[0], names)
    assert names["correction"].text == CORRECTED
    assert names["tagger"].config.num_labels == 9


def test_a_name_without_weights_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        CharBertError, match=r"no weights named 'maxi' come with charbert \(there are: mini\)"
    ):
        charbert.load("maxi")


@pytest.mark.parametrize("name", ("model.safetensors", "config.json", "words.txt", "tokenizer.json"))
def test_a_damaged_file_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(charbert.models, "FOLDER", tmp_path)
    folder = Path(saved_model(tmp_path / "mini", "bert", {"brown": 0.9}))
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    with pytest.raises(CharBertError, match=str(folder)) as caught:
        charbert.load()
    assert "\n" not in str(caught.value)
