"""A new backbone is one entry of the registry."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
import transformers

from charbert import CharBertError, CharBertForTokenClassification, CharBertTokenizer
from charbert.backbones import BACKBONES, find_backbone, register_backbone


@pytest.fixture
def camembert() -> Iterator[None]:
    """Camembert, as RoBERTa but for its name, is known while a test runs."""
    register_backbone(
        BACKBONES["roberta"]._replace(model_type="camembert", masked_lm="transformers.CamembertForMaskedLM")
    )
    yield
    del BACKBONES["camembert"]


def test_registered_backbone_is_loaded_trained_and_saved(camembert: None, tmp_path: Path) -> None:
    config = transformers.CamembertConfig(
        **tiny.backbone_config("roberta").to_diff_dict() | {"vocab_size": 300}
    )
    plain = transformers.CamembertModel(config)
    plain.save_pretrained(tmp_path / "plain")
    tokenizer = CharBertTokenizer.from_stock(tiny.stock_tokenizer("roberta"))
    model = CharBertForTokenClassification.from_backbone(
        tmp_path / "plain", tokenizer=tokenizer, num_labels=3
    )
    assert type(model.charbert.backbone) is transformers.CamembertModel
    batch = tokenizer(["a new one"], return_tensors="pt")
    model(**batch, labels=batch["input_ids"] % 3).loss.backward()
    model.eval().save_pretrained(tmp_path / "ours")
    again = CharBertForTokenClassification.from_pretrained(tmp_path / "ours")
    assert tiny.largest_difference(again(**batch).logits, model(**batch).logits) < 1e-6


def test_positions_of_padding_are_kept_free_where_the_backbone_asks_for_it() -> None:
    assert BACKBONES["bert"].max_position_embeddings(512, pad_token_id=0) == 512
    assert BACKBONES["roberta"].max_position_embeddings(512, pad_token_id=1) == 514


def test_unknown_backbone_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CharBertError, match="no backbone 'gpt'; choose one of bert, roberta"):
        find_backbone("gpt")
