"""Losses are means over labelled positions; other labels choose other losses."""

from typing import Any

import pytest
import tiny
import torch

import charbert
from charbert.losses import mean_cross_entropy


def test_losses_are_zero_where_nothing_is_labelled() -> None:
    model, batch = tiny.build(charbert.CharBertForPreTraining, "bert"), tiny.ragged_batch("bert")
    nothing = torch.full_like(batch["input_ids"], -100)
    output = model(**batch, labels=nothing, nlm_labels=nothing)
    output.loss.backward()
    assert [output.loss, output.mlm_loss, output.nlm_loss] == [0, 0, 0]
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    "model_class", [charbert.CharBertForMaskedLM, charbert.CharBertForTokenClassification]
)
def test_losses_of_single_tasks_are_zero_where_nothing_is_labelled(model_class: Any) -> None:
    batch = tiny.ragged_batch("bert")
    loss = tiny.build(model_class, "bert")(**batch, labels=torch.full_like(batch["input_ids"], -100)).loss
    assert loss == 0


def test_answer_outside_the_sequence_counts_for_nothing() -> None:
    model, batch = tiny.build(charbert.CharBertForQuestionAnswering, "bert"), tiny.ragged_batch("bert")
    inside, outside = torch.tensor([1, 2, 3]), torch.tensor([1, -1, 1000])
    loss = model(**batch, start_positions=outside, end_positions=inside).loss
    first = {name: tensor[:1] for name, tensor in batch.items()}
    alone = model(**first, start_positions=inside[:1], end_positions=inside[:1])
    ends = model(**batch, start_positions=inside, end_positions=inside)
    by_start = mean_cross_entropy(alone.start_logits, inside[:1])
    by_end = mean_cross_entropy(ends.end_logits, inside)
    assert tiny.largest_difference(loss, (by_start + by_end) / 2) < 1e-5


def test_losses_are_means_over_labelled_positions() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
    both, first, second = (
        mean_cross_entropy(logits, torch.tensor(labels))
        for labels in ([0, 0, -100], [0, -100, -100], [-100, 0, -100])
    )
    assert torch.isclose(both, (first + second) / 2)


def test_losses_are_at_least_single_precision() -> None:
    for dtype, wanted in ((torch.bfloat16, torch.float32), (torch.float64, torch.float64)):
        assert mean_cross_entropy(torch.zeros(1, 2, dtype=dtype), torch.tensor([0])).dtype == wanted


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (torch.tensor([0, 2, 1]), "single_label_classification"),
        (torch.tensor([[0.0, 1.0, 1.0]] * 3), "multi_label_classification"),
    ],
)
def test_kind_of_labels_tells_the_problem(labels: torch.Tensor, problem: str) -> None:
    model = tiny.build(charbert.CharBertForSequenceClassification, "bert")
    assert model(**tiny.ragged_batch("bert"), labels=labels).loss > 0
    assert model.config.problem_type == problem


def test_single_label_is_a_number_to_predict() -> None:
    model = tiny.build(charbert.CharBertForSequenceClassification, "bert", num_labels=1)
    batch, labels = tiny.ragged_batch("bert"), torch.tensor([0.5, 1.5, -1.0])
    output = model(**batch, labels=labels)
    assert torch.isclose(output.loss, (output.logits.squeeze(-1) - labels).pow(2).mean())
