"""The sensitivity of states to noise."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from small_tasks import tag_task, tagged, text_task
from transformers import AutoModelForSequenceClassification, BertForTokenClassification

import charbert
from data.examples.types import QuestionExample, TextExample
from finetune.robustness.models import LoadedModel, Run
from finetune.robustness.sensitivity import measure_sensitivity
from finetune.settings import FinetuneSettings


def loaded(folder: Path, model: Any, tokenizer: Any, task: Any) -> LoadedModel:
    """A model at work, from the folder of a run."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings = FinetuneSettings(task="text", output=str(folder), model="m")
    return LoadedModel(Run(folder, settings, task), None, batch_tokens=20)


@pytest.fixture
def plain(tmp_path: Path) -> LoadedModel:
    """A BERT that tags words."""
    model = BertForTokenClassification(tiny.backbone_config("bert", num_labels=2))
    tiny.scatter_weights(model)
    return loaded(tmp_path, model, tiny.stock_tokenizer("bert"), tag_task("B-LOC", "O"))


def text_model(folder: Path, kind: str) -> LoadedModel:
    """A model that gives texts one of two classes."""
    model = AutoModelForSequenceClassification.from_config(tiny.backbone_config(kind, num_labels=2))
    return loaded(folder, model, tiny.stock_tokenizer(kind), text_task("a", "b"))


def sentences(*texts: str) -> list[Any]:
    return [tagged(text, " ".join("O" for _ in text.split())) for text in texts]


def test_without_noise_nothing_moves(plain: LoadedModel) -> None:
    same = sentences("the quick fox", "a dog")
    found = measure_sensitivity(plain, same, same, contexts=False)
    assert found["token_channel"] == {
        "all": pytest.approx(0, abs=1e-6),
        "unchanged": pytest.approx(0, abs=1e-6),
    }
    assert (found["words"], found["changed_words"], found["left_out"]) == (5, 0, 0)


def test_it_is_the_mean_over_words_of_their_first_tokens(plain: LoadedModel) -> None:
    model = plain
    clean, noised = "the foxes jump", "the fxoes jump"
    tokens = model.tokenizer.tokenize(clean), model.tokenizer.tokenize(noised)
    assert tokens[0] == ["the", "fox", "##es", "jump"]
    assert tokens[1][:2] == ["the", "f"]
    first = [1, 2, 4], [1, 2, len(tokens[1])]  # behind [CLS]
    states = []
    for text, places in zip((clean, noised), first, strict=True):
        inputs = model.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states.append(model.model.bert(**inputs).last_hidden_state[0, places].double())
    one, other = states
    cosine = (one * other).sum(-1) / one.norm(dim=-1) / other.norm(dim=-1)
    expected = (0.5 - 0.5 * cosine).tolist()
    # Beside a longer sentence, which pads it.
    longer = "a token is a word or a part of a word"
    found = measure_sensitivity(model, sentences(clean, longer), sentences(noised, longer), contexts=False)
    assert found["token_channel"]["changed"] == pytest.approx(expected[1], abs=1e-5)
    assert found["token_channel"]["all"] == pytest.approx(sum(expected) / 14, abs=1e-5)
    assert found["token_channel"]["unchanged"] == pytest.approx((expected[0] + expected[2]) / 13, abs=1e-5)
    assert (found["words"], found["changed_words"]) == (14, 1)


def test_an_example_with_other_words_is_left_out(plain: LoadedModel) -> None:
    clean, noised = sentences("the dog", "a fox jumps"), sentences("thedog", "a fxo jumps")
    found = measure_sensitivity(plain, clean, noised, contexts=False)
    assert (found["words"], found["left_out"]) == (3, 1)


def test_without_any_word_to_compare_there_are_no_means(plain: LoadedModel) -> None:
    found = measure_sensitivity(plain, sentences("the dog"), sentences("thedog"), contexts=False)
    assert found == {"token_channel": {}, "words": 0, "changed_words": 0, "left_out": 1}


def test_a_charbert_has_two_channels(kind: str, tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForTokenClassification, kind, num_labels=2)
    given = loaded(tmp_path, model, tiny.tokenizer(kind), tag_task("B-LOC", "O"))
    found = measure_sensitivity(given, sentences("the quick fox"), sentences("the quikc fox"), contexts=False)
    assert found["token_channel"]["changed"] > 0.001
    assert found["character_channel"]["changed"] > 0.001
    assert found["token_channel"] != found["character_channel"]


def test_words_that_do_not_fit_are_not_counted(plain: LoadedModel) -> None:
    long = sentences(" ".join(["dog"] * 50))
    found = measure_sensitivity(plain, long, long, contexts=False)
    assert found["words"] == 30, "32 tokens, less [CLS] and [SEP]"


def pair(text: str, other: str | None) -> TextExample:
    return TextExample("0", text, other, "a", "file: row 1")


@pytest.mark.parametrize(("other", "words"), [(None, 3), ("the lazy  dog", 6)])
def test_both_texts_of_a_pair_count(kind: str, other: str | None, words: int, tmp_path: Path) -> None:
    clean, noised = [pair("the quick fox", other)], [pair("the qiuck fox", other)]
    found = measure_sensitivity(text_model(tmp_path, kind), clean, noised, contexts=False)
    assert (found["words"], found["changed_words"]) == (words, 1)


@pytest.mark.parametrize(("contexts", "words"), [(False, 2), (True, 5)])
def test_words_of_contexts_count_where_they_are_attacked(contexts: bool, words: int, tmp_path: Path) -> None:
    examples = [QuestionExample("0", "which dog", "the lazy dog", (), False, "", "file: row 1")]
    given = text_model(tmp_path, "bert")
    assert measure_sensitivity(given, examples, examples, contexts=contexts)["words"] == words
