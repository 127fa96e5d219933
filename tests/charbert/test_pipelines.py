"""A saved CharBERT works in the pipelines of `transformers`, with its own tokenizer and with a stock one."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from transformers import pipeline

import charbert

TEXTS = ["the quick fox jumps .", "a dog"]


@pytest.fixture(params=["CharBertTokenizer", "stock tokenizer"])
def make(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Any:
    """Saves a model and a tokenizer to one folder, and gives a pipeline of that folder."""

    def make_pipeline(task: str, model_class: Any, **settings: Any) -> tuple[Any, Any]:
        model = tiny.build(model_class, kind)
        model.save_pretrained(tmp_path)
        made = tiny.tokenizer if request.param == "CharBertTokenizer" else tiny.stock_tokenizer
        made(kind).save_pretrained(tmp_path)
        return pipeline(task, model=str(tmp_path), device="cpu", **settings), model

    return make_pipeline


def encoded(kind: str, text: str) -> dict[str, torch.Tensor]:
    return tiny.ragged_batch(kind, (text,))


def test_feature_extraction(kind: str, make: Any) -> None:
    extract, model = make("feature-extraction", charbert.CharBertModel)
    with torch.no_grad():
        wanted = [model(**encoded(kind, text)).last_hidden_state for text in TEXTS]
    found = [torch.tensor(features) for features in extract(TEXTS)]
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(found, wanted, strict=True))


def test_fill_mask(kind: str, make: Any) -> None:
    fill, model = make("fill-mask", charbert.CharBertForMaskedLM, top_k=1)
    text = f"the {fill.tokenizer.mask_token} jumps ."
    batch = encoded(kind, text)
    masked = batch["input_ids"][0] == fill.tokenizer.mask_token_id
    with torch.no_grad():
        wanted = model(**batch).logits[0, masked].argmax()
    assert [found["token"] for found in fill(text)] == [wanted]


def test_token_classification(kind: str, make: Any) -> None:
    tag, model = make("token-classification", charbert.CharBertForTokenClassification, ignore_labels=[])
    with torch.no_grad():
        wanted = model(**encoded(kind, TEXTS[0])).logits[0, 1:-1].argmax(dim=-1)
    found = tag(TEXTS[0])
    assert [entity["entity"] for entity in found] == [model.config.id2label[int(label)] for label in wanted]
    assert "".join(TEXTS[0][entity["start"] : entity["end"]] for entity in found).replace(" ", "") == (
        TEXTS[0].replace(" ", "")
    )


def test_text_classification_of_a_batch(kind: str, make: Any) -> None:
    classify, model = make("text-classification", charbert.CharBertForSequenceClassification)
    with torch.no_grad():
        wanted = [model(**encoded(kind, text)).logits.softmax(dim=-1).max() for text in TEXTS]
    found = torch.tensor([label["score"] for label in classify(TEXTS, batch_size=2)])
    assert torch.allclose(found, torch.stack(wanted), atol=1e-5)


def test_text_classification_of_pairs(kind: str, make: Any) -> None:
    classify, model = make("text-classification", charbert.CharBertForSequenceClassification)
    batch = tiny.tokenizer(kind)(*TEXTS, return_tensors="pt")
    with torch.no_grad():
        wanted = model(**batch).logits.softmax(dim=-1).max()
    found = classify({"text": TEXTS[0], "text_pair": TEXTS[1]})
    assert abs(found["score"] - float(wanted)) < 1e-5
