"""Deltas of small models: every method of delta tuning, and a batch for every head."""

from typing import Any

import tiny
import torch

import charbert
from charbert.tuning import TuningSettings, add_delta

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
    "prompt": {"tuning": "prompt"},
    "p-tuning": {"tuning": "p-tuning", "prompt_units": 32},
    "prefix": {"tuning": "prefix", "prompt_units": 32},
    "p-tuning-v2": {"tuning": "p-tuning-v2"},
}
PROMPTS = ("prompt", "p-tuning", "prefix", "p-tuning-v2")
MERGEABLE = [name for name, given in METHODS.items() if given["tuning"] not in ("adapter", *PROMPTS)]
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
