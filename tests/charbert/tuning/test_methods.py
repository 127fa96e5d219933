"""Every method of delta tuning on every head: what it trains, and that it is saved, loaded and merged."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

import charbert
from charbert.tuning import (
    TuningSettings,
    add_delta,
    load_delta,
    merge_delta,
    save_delta,
    trainable_table,
    use_delta,
)

METHODS: dict[str, dict[str, Any]] = {
    "lora": {"tuning": "lora"},
    "dora": {"tuning": "lora", "dora": True},
    "rslora": {"tuning": "lora", "rank_stabilized": True, "lora_dropout": 0.1},
    "lora everywhere": {"tuning": "lora", "lora_targets": ["layers", "interaction", "gru"]},
    "ia3": {"tuning": "ia3"},
    "houlsby": {"tuning": "adapter", "bottleneck": 8},
    "pfeiffer": {"tuning": "adapter", "adapter": "pfeiffer", "bottleneck": 8},
    "bitfit": {"tuning": "bitfit"},
    "freeze head": {"tuning": "freeze"},
    "freeze layers:1": {"tuning": "freeze", "freeze": "layers:1"},
    "freeze all-but-characters": {"tuning": "freeze", "freeze": "all-but-characters"},
}
MERGED = [name for name, given in METHODS.items() if given["tuning"] != "adapter"]
HEADS = [head for head in tiny.HEADS if head is not charbert.CharBertModel]


def batch_for(head: Any, kind: str = "bert") -> dict[str, torch.Tensor]:
    """A batch with labels for a head, which its texts do not tell."""
    batch = tiny.ragged_batch(kind)
    tokens = batch["attention_mask"].cumsum(1)
    if head is charbert.CharBertForTokenClassification:
        return {**batch, "labels": tokens % 3}
    if head is charbert.CharBertForSequenceClassification:
        return {**batch, "labels": torch.tensor([2, 0, 1])}
    if head is charbert.CharBertForQuestionAnswering:
        return {**batch, "start_positions": torch.tensor([3, 1, 2]), "end_positions": torch.tensor([4, 4, 3])}
    if head is charbert.CharBertForMultipleChoice:
        return {**{name: value[None] for name, value in batch.items()}, "labels": torch.tensor([1])}
    labels = {"labels": tokens + 5}
    if head is charbert.CharBertForPreTraining:
        labels["nlm_labels"] = tokens % 7
    return {**batch, **labels}


def tuned(head: Any, method: str, kind: str = "bert", **changes: Any) -> Any:
    model = tiny.build(head, kind, **changes)
    torch.manual_seed(0)
    add_delta(model, TuningSettings(**METHODS[method]))
    return model


def train(model: Any, batch: dict[str, torch.Tensor], steps: int = 40, bf16: bool = False) -> list[float]:
    """The loss of each step."""
    model.train()
    optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=1e-2)
    losses = []
    for _ in range(steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.eval()
    return losses


def outputs(model: Any, batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Logits, whatever they are called."""
    labels = ("labels", "nlm_labels", "start_positions", "end_positions")
    made = model(**{name: value for name, value in batch.items() if name not in labels})
    return [value.detach() for name, value in made.items() if name.endswith("logits")]


def difference(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    return max(tiny.largest_difference(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.__name__)
@pytest.mark.parametrize("method", METHODS)
def test_a_delta_learns_a_batch_and_nothing_else_moves(method: str, head: Any, tmp_path: Path) -> None:
    batch = batch_for(head)
    base = tiny.build(head, "bert")
    plain = outputs(base, batch)
    model = tuned(head, method)
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


@pytest.mark.parametrize("method", MERGED)
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
