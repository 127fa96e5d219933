"""`import charbert` makes CharBERT known to the Auto classes of `transformers`."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import transformers

import charbert
from charbert.auto import MODELS, register


@pytest.mark.parametrize(("auto_class", "model_class"), MODELS.items())
def test_auto_class_loads_its_model(auto_class: Any, model_class: Any, tmp_path: Path) -> None:
    model = tiny.build(model_class, "bert")
    model.save_pretrained(tmp_path)
    loaded = auto_class.from_pretrained(tmp_path)
    assert type(loaded) is model_class
    assert tiny.differing(loaded, model) == []


@pytest.mark.parametrize(("auto_class", "model_class"), MODELS.items())
def test_auto_class_builds_its_model_from_a_configuration(auto_class: Any, model_class: Any) -> None:
    assert type(auto_class.from_config(tiny.config("bert"))) is model_class


def test_every_model_is_known() -> None:
    models = {getattr(charbert, name) for name in charbert.__all__ if name.startswith("CharBertFor")}
    with_output = {model for model in models if issubclass(model, charbert.CharBertPreTrainedModel)}
    assert set(MODELS.values()) == with_output | {charbert.CharBertModel}


def test_auto_config_loads_the_configuration(kind: str, tmp_path: Path) -> None:
    tiny.config(kind).save_pretrained(tmp_path)
    assert type(transformers.AutoConfig.from_pretrained(tmp_path)) is charbert.CharBertConfig


def test_auto_tokenizer_loads_the_tokenizer_beside_a_model(kind: str, tmp_path: Path) -> None:
    tiny.build(charbert.CharBertModel, kind).save_pretrained(tmp_path)
    tiny.tokenizer(kind).save_pretrained(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert type(loaded) is charbert.CharBertTokenizer
    assert loaded("a dog", return_spelling=True)["char_input_ids"]


def test_auto_tokenizer_loads_a_stock_tokenizer_beside_a_model(kind: str, stock: Any, tmp_path: Path) -> None:
    tiny.build(charbert.CharBertModel, kind).save_pretrained(tmp_path)
    stock.save_pretrained(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert loaded("a dog")["input_ids"] == stock("a dog")["input_ids"]


def test_registering_twice_does_no_harm() -> None:
    register()
    assert transformers.AutoConfig.for_model("charbert").model_type == "charbert"
