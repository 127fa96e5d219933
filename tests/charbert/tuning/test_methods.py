"""Every method of delta tuning on every head: what it trains, and that it is saved, loaded and merged."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from small_tuning import HEADS, MERGEABLE, METHODS, PROMPTS, batch_for, difference, outputs, train, tuned

import charbert
from charbert import CharBertError
from charbert.interaction import fold
from charbert.tuning import (
    TuningSettings,
    add_delta,
    load_delta,
    merge_delta,
    save_delta,
    trainable_table,
    use_delta,
)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.__name__)
@pytest.mark.parametrize("method", METHODS)
def test_a_delta_learns_a_batch_and_nothing_else_moves(method: str, head: Any, tmp_path: Path) -> None:
    batch = batch_for(head)
    base = tiny.build(head, "bert")
    plain = outputs(base, batch)
    model = tuned(head, method)
    if method not in PROMPTS:
        assert difference(outputs(model, batch), plain) < 1e-4
    losses = train(model, batch)
    assert losses[-1] < 0.4 * losses[0]

    trained = outputs(model, batch)
    assert difference(trained, plain) > 0.1
    save_delta(model, tmp_path)
    loaded = tiny.build(head, "bert")
    load_delta(loaded, tmp_path)
    assert difference(outputs(loaded, batch), trained) == 0

    use_delta(model, None)
    assert not tiny.differing(model, base)
    use_delta(model, "default")
    assert difference(outputs(model, batch), trained) == 0


@pytest.mark.parametrize("method", MERGEABLE)
def test_a_merged_delta_is_a_plain_model(method: str, tmp_path: Path) -> None:
    head = charbert.CharBertForTokenClassification
    batch, model = batch_for(head), tuned(head, method)
    train(model, batch, steps=5)
    wanted = outputs(model, batch)
    merge_delta(model)
    assert difference(outputs(model, batch), wanted) < 1e-5
    assert all(weight.requires_grad for weight in model.parameters())
    model.save_pretrained(tmp_path)
    assert difference(outputs(head.from_pretrained(tmp_path).eval(), batch), wanted) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_a_model_is_not_saved_as_if_it_had_no_delta(method: str, tmp_path: Path) -> None:
    head = charbert.CharBertForTokenClassification
    model = tuned(head, method)
    with pytest.raises(CharBertError, match=r"a delta is on.*save_delta"):
        model.save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())
    use_delta(model, None)
    model.save_pretrained(tmp_path)
    assert not tiny.differing(head.from_pretrained(tmp_path), tiny.build(head, "bert"))


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_the_same_with_checkpointing(method: str) -> None:
    head = charbert.CharBertForTokenClassification
    found = []
    for checkpointing in (False, True):
        model = tuned(head, method).train()
        if checkpointing:
            getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
        torch.manual_seed(1)
        model(**batch_for(head)).loss.backward()
        found.append({name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad})
    plain, checkpointed = found
    for name, gradient in plain.items():
        assert gradient is not None and torch.allclose(gradient, checkpointed[name], atol=1e-6), name


@pytest.mark.parametrize("weights", (False, True), ids=("autocast", "weights"))
@pytest.mark.parametrize("method", METHODS)
def test_a_delta_learns_in_bf16(method: str, weights: bool, tmp_path: Path) -> None:
    head = charbert.CharBertForSequenceClassification
    batch = batch_for(head)
    model = tiny.build(head, "bert")
    model = model.bfloat16() if weights else model
    torch.manual_seed(0)
    add_delta(model, TuningSettings(**METHODS[method]))
    losses = train(model, batch, bf16=not weights)
    with torch.autocast("cpu", torch.bfloat16, enabled=not weights):
        wanted = outputs(model, batch)
    assert losses[-1] < 0.4 * losses[0]
    save_delta(model, tmp_path)
    other = tiny.build(head, "bert")  # the same base, loaded in another type or not
    load_delta(other, tmp_path)
    assert difference(outputs(other, batch), wanted) < 0.1 * wanted[0].abs().max()


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_the_table_counts_what_is_trained_by_module(kind: str) -> None:
    table = trainable_table(tuned(charbert.CharBertForTokenClassification, "bitfit", kind))
    assert [row.module for row in table] == [
        *("backbone.embeddings", "backbone.encoder", "char_encoder", "interactions", "classifier", "all")
    ]
    by_name = {row.module: row for row in table}
    assert by_name["classifier"].trainable == by_name["classifier"].total == 3 * 64 + 3
    assert by_name["char_encoder"].trainable == 4 * 3 * 8
    assert by_name["all"].trainable == sum(row.trainable for row in table[:-1])
    assert 0 < by_name["all"].percent < 10


def test_fast_paths_give_way_to_adapters_alone() -> None:
    head = charbert.CharBertForTokenClassification
    for method in METHODS:
        encoder = tuned(head, method).charbert
        is_adapted = METHODS[method]["tuning"] == "lora"
        assert encoder.char_encoder._is_plain() == (method != "lora everywhere")
        assert (fold(encoder.interactions[0], 10**6, uses=2) is None) == is_adapted


@pytest.mark.slow
def test_a_compiled_model_has_no_more_graphs_than_without_a_delta() -> None:
    head = charbert.CharBertForTokenClassification
    breaks = []
    for model in (tiny.build(head, "bert"), tuned(head, "lora"), tuned(head, "prefix")):
        torch._dynamo.reset()
        breaks.append(torch._dynamo.explain(model)(**batch_for(head)).graph_break_count)
    assert breaks == breaks[:1] * 3


@pytest.mark.parametrize("target", ("embeddings", "word_embeddings", "token_type_embeddings"))
def test_tables_are_adapted_and_merged_where_no_head_shares_them(target: str) -> None:
    head = charbert.CharBertForTokenClassification
    model, batch = tiny.build(head, "bert"), batch_for(head)
    add_delta(model, TuningSettings(tuning="lora", lora_targets=[target]))
    train(model, batch, steps=2)
    before = outputs(model, batch)
    merge_delta(model)
    assert difference(outputs(model, batch), before) < 1e-5


def test_a_table_that_the_head_shares_is_not_merged() -> None:
    head = charbert.CharBertForMaskedLM
    model, batch = tiny.build(head, "bert"), batch_for(head)
    add_delta(model, TuningSettings(tuning="lora", lora_targets=["word_embeddings"]))
    train(model, batch, steps=2)
    before = outputs(model, batch)
    with pytest.raises(CharBertError, match=r"would change the head too, .*; leave word_embeddings out"):
        merge_delta(model)
    assert difference(outputs(model, batch), before) == 0
