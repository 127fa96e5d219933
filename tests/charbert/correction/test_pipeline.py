"""The pipeline "typo-correction" gives what `charbert.correct` gives."""

import logging
from pathlib import Path
from typing import Any

import pytest
import tiny
from small_correction import WORDS, saved_model
from transformers import pipeline

import charbert
from charbert import CharBertError
from charbert.auto import register

TEXTS = ["The brwon fox", "", "a lzay 🙂  brwon dog"]


@pytest.fixture
def folder(kind: str, tmp_path: Path) -> str:
    return saved_model(tmp_path, kind, {"brown": 0.9, "lazy": 0.05, "dog": 0.03})


def as_dict(correction: charbert.Correction) -> dict[str, Any]:
    return {
        "text": correction.text,
        "words": [
            {
                **dict(zip(("start", "end", "word", "correction"), word, strict=False)),
                "suggestions": [
                    {"word": one, "probability": pytest.approx(chance, rel=1e-5)}
                    for one, chance in word.suggestions
                ],
            }
            for word in correction.words
        ],
    }


@pytest.mark.parametrize("batch_size", (1, 3))
def test_it_gives_what_correct_gives(folder: str, batch_size: int) -> None:
    restore = pipeline("typo-correction", model=folder, device="cpu", threshold=0.0)
    wanted = [as_dict(each) for each in charbert.correct(TEXTS, folder, threshold=0.0)]
    assert restore(TEXTS, batch_size=batch_size) == wanted
    assert restore(TEXTS[0]) == wanted[0]
    assert [len(each["words"]) for each in wanted] == [1, 0, 2]


def test_settings_of_a_call_and_of_the_pipeline(folder: str) -> None:
    restore = pipeline("typo-correction", model=folder, device="cpu", known=["lzay"])
    assert restore(TEXTS[2], threshold=0.0, top_k=1)["text"] == "a lzay 🙂  brown dog"
    assert restore(TEXTS[2], threshold=1.0)["text"] == TEXTS[2]


def test_a_setting_that_does_not_exist_is_refused_at_once(folder: str) -> None:
    with pytest.raises(TypeError, match="treshold"):
        pipeline("typo-correction", model=folder, device="cpu", treshold=0.3)


def test_an_iterator_of_texts_is_read_as_it_goes(folder: str) -> None:
    restore = pipeline("typo-correction", model=folder, device="cpu", threshold=0.0)
    assert [each["text"] for each in restore(text for text in TEXTS)] == [
        "The brown fox",
        "",
        "a lazy 🙂  brown dog",
    ]


@pytest.mark.parametrize("given", (3, ["a", None]))
def test_what_is_no_text_is_refused(folder: str, given: Any) -> None:
    with pytest.raises(CharBertError, match="is no text but"):
        pipeline("typo-correction", model=folder, device="cpu")(given)


def test_a_plain_model_is_refused(masked_lm_folder: Path) -> None:
    with pytest.raises(CharBertError, match="has no noisy LM"):
        pipeline("typo-correction", model=str(masked_lm_folder), device="cpu")


def test_a_fine_tuned_model_is_refused(kind: str, tmp_path: Path) -> None:
    tiny.build(charbert.CharBertForTokenClassification, kind).save_pretrained(tmp_path)
    tiny.tokenizer(kind, charbert.Vocabulary(WORDS)).save_pretrained(tmp_path)
    with pytest.raises(CharBertError, match="its noisy LM, which restores words, has never been trained"):
        pipeline("typo-correction", model=str(tmp_path), device="cpu")


def test_a_tokenizer_without_words_is_refused(kind: str, tmp_path: Path) -> None:
    tiny.build(charbert.CharBertForPreTraining, kind).save_pretrained(tmp_path)
    tiny.tokenizer(kind).save_pretrained(tmp_path)
    with pytest.raises(CharBertError, match=r"no words\.txt"):
        pipeline("typo-correction", model=str(tmp_path), device="cpu")


def test_registering_again_is_silent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    register()
    assert not caplog.records
