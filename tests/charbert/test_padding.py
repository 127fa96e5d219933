"""Padding never matters: a sentence gives the same output alone and in any batch."""

from typing import Any

import pytest
import tiny
import torch

import charbert

SENTENCE = "the lazy dog jumps ."
SHORTER = "a dog"
LONGER = " ".join(["the fox and the dog"] * 5)
ROWS = {
    "a shorter neighbour": (SENTENCE, SHORTER),
    "a longer neighbour": (SENTENCE, tiny.SENTENCES[0]),
    "a much longer neighbour": (SENTENCE, LONGER),
    "neighbours on both sides": (LONGER, SENTENCE, SHORTER),
    "an empty neighbour": ("", SENTENCE),
}
TOLERANCE = 1e-5


def encoded(kind: str, texts: tuple[str, ...], spelled: bool, side: str = "right") -> dict[str, torch.Tensor]:
    """A padded batch; on the left its positions follow the attention mask."""
    batch = tiny.ragged_batch(kind, texts, padding_side=side, return_spelling=spelled)
    if side == "left":
        first = 0 if kind == "bert" else 2
        positions = batch["attention_mask"].cumsum(dim=1) - 1
        batch["position_ids"] = (positions + first).masked_fill(batch["attention_mask"] == 0, first)
    return batch


def run(model: Any, batch: dict[str, torch.Tensor]) -> Any:
    with torch.no_grad():
        return model(**batch)


@pytest.fixture(params=[False, True], ids=["spelled by the table", "spelled explicitly"])
def spelled(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.mark.parametrize("texts", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("side", ["right", "left"])
def test_both_channels(kind: str, spelled: bool, texts: tuple[str, ...], side: str) -> None:
    model = tiny.build(charbert.CharBertModel, kind)
    alone = run(model, encoded(kind, (SENTENCE,), spelled))
    batch = encoded(kind, texts, spelled, side)
    row = texts.index(SENTENCE)
    together, real = run(model, batch), batch["attention_mask"][row].bool()
    for name in ("last_hidden_state", "char_last_hidden_state"):
        assert tiny.largest_difference(together[name][row, real], alone[name][0]) < TOLERANCE


@pytest.mark.parametrize(
    "changes",
    [
        {"interaction": "paper"},
        {"interaction_per_layer": True, "interaction_kernel_size": 5},
        {"interaction": "none"},
        {"char_encoder": "embedding"},
    ],
    ids=str,
)
def test_every_variant(kind: str, changes: dict[str, Any]) -> None:
    model = tiny.build(charbert.CharBertModel, kind, **changes)
    alone = run(model, encoded(kind, (SENTENCE,), spelled=False))
    together = run(model, encoded(kind, (SENTENCE, LONGER), spelled=False))
    length = alone.last_hidden_state.shape[1]
    for name in ("last_hidden_state", "char_last_hidden_state"):
        assert tiny.largest_difference(together[name][:1, :length], alone[name]) < TOLERANCE


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_every_attention_kernel(kind: str, attention: str) -> None:
    model = tiny.build(charbert.CharBertModel, kind, attention=attention)
    alone = run(model, encoded(kind, (SENTENCE,), spelled=False))
    together = run(model, encoded(kind, (SENTENCE, LONGER), spelled=False))
    length = alone.last_hidden_state.shape[1]
    assert (
        tiny.largest_difference(together.last_hidden_state[:1, :length], alone.last_hidden_state) < TOLERANCE
    )


def test_score_of_a_sequence(kind: str, spelled: bool) -> None:
    model = tiny.build(charbert.CharBertForSequenceClassification, kind)
    alone = run(model, encoded(kind, (SENTENCE,), spelled)).logits
    together = run(model, encoded(kind, (SENTENCE, LONGER), spelled)).logits
    assert tiny.largest_difference(together[:1], alone) < TOLERANCE


def test_score_of_a_choice(kind: str) -> None:
    model = tiny.build(charbert.CharBertForMultipleChoice, kind)
    alone, together = (
        {name: tensor.unsqueeze(0) for name, tensor in encoded(kind, texts, spelled=False).items()}
        for texts in ((SENTENCE,), (SENTENCE, LONGER))
    )
    assert tiny.largest_difference(run(model, together).logits[:, :1], run(model, alone).logits) < TOLERANCE


def test_losses_of_pretraining(kind: str) -> None:
    model = tiny.build(charbert.CharBertForPreTraining, kind)
    losses = []
    for texts in ((SENTENCE,), (SENTENCE, LONGER)):
        batch = encoded(kind, texts, spelled=True)
        labels, nlm_labels = (torch.full_like(batch["input_ids"], -100) for _ in range(2))
        labels[0, 2], nlm_labels[0, 3] = 8, 11
        losses.append(run(model, {**batch, "labels": labels, "nlm_labels": nlm_labels}).loss)
    assert tiny.largest_difference(*losses) < TOLERANCE


def test_gradients(kind: str) -> None:
    gradients = []
    for texts in ((SENTENCE,), (SENTENCE, LONGER)):
        model = tiny.build(charbert.CharBertForTokenClassification, kind)
        batch = encoded(kind, texts, spelled=False)
        labels = torch.full_like(batch["input_ids"], -100)
        labels[0, :4] = torch.tensor([0, 1, 2, 1])
        model(**batch, labels=labels).loss.backward()
        gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
    alone, together = gradients
    assert max(tiny.largest_difference(together[name], alone[name]) for name in alone) < TOLERANCE


def test_more_blanks_at_the_end_of_the_characters(kind: str) -> None:
    model, batch = tiny.build(charbert.CharBertModel, kind), encoded(kind, (SENTENCE,), spelled=True)
    wider = {**batch, "char_input_ids": torch.nn.functional.pad(batch["char_input_ids"], (0, 40))}
    difference = run(model, wider).char_last_hidden_state - run(model, batch).char_last_hidden_state
    assert difference.abs().max() < TOLERANCE


def test_vectors_of_the_character_encoder_are_zero_at_padding(kind: str) -> None:
    model, batch = tiny.build(charbert.CharBertModel, kind), encoded(kind, (SENTENCE, SHORTER), True)
    spelled, mask = (batch[name] for name in tiny.SPELLED), batch["attention_mask"]
    vectors = model.char_encoder(*spelled, mask)
    assert not vectors[mask == 0].any()
    assert vectors[mask == 1].all()


def test_tokens_under_the_padding() -> None:
    model, batch = tiny.build(charbert.CharBertModel, "bert"), encoded("bert", (SENTENCE, SHORTER), False)
    padding = batch["attention_mask"] == 0
    garbage = {**batch, "input_ids": batch["input_ids"].masked_fill(padding, 30)}
    real = ~padding
    for name in ("last_hidden_state", "char_last_hidden_state"):
        assert tiny.largest_difference(run(model, garbage)[name][real], run(model, batch)[name][real]) == 0


def test_row_of_padding_alone_stays_finite(kind: str) -> None:
    model, batch = (
        tiny.build(charbert.CharBertForSequenceClassification, kind),
        encoded(kind, (SENTENCE,), False),
    )
    nothing = {name: torch.cat([tensor, torch.zeros_like(tensor)]) for name, tensor in batch.items()}
    logits = run(model, nothing).logits
    assert logits.isfinite().all()
    assert tiny.largest_difference(logits[:1], run(model, batch).logits) < TOLERANCE


@pytest.mark.parametrize("mask_type", [torch.bool, torch.float32])
def test_mask_of_any_type(kind: str, mask_type: torch.dtype) -> None:
    model = tiny.build(charbert.CharBertForSequenceClassification, kind)
    batch = encoded(kind, (SENTENCE, LONGER), spelled=False)
    retyped = {**batch, "attention_mask": batch["attention_mask"].to(mask_type)}
    assert torch.equal(run(model, retyped).logits, run(model, batch).logits)
