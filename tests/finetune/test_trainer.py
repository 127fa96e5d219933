"""Learning rates by layer, weights of classes."""

from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
import transformers
from transformers import BertForSequenceClassification, TrainerCallback, TrainingArguments

import charbert
from charbert.char_encoder import CharacterEncoder
from finetune.batches import Padding, Rows
from finetune.trainer import FinetuneTrainer, balance_weights


def rates(model: Any, tmp_path: Path, decay: float) -> dict[str, float]:
    """The learning rate of each weight."""
    trainer = FinetuneTrainer(
        model=model,
        args=TrainingArguments(str(tmp_path), learning_rate=1.0, weight_decay=0.1, use_cpu=True),
        data_collator=Padding(tiny.stock_tokenizer("bert")),
        task=None,
        dev={},
        layer_decay=decay,
    )
    optimizer = trainer.create_optimizer()
    names = {weight: name for name, weight in model.named_parameters()}
    return {names[weight]: group["lr"] for group in optimizer.param_groups for weight in group["params"]}


def test_a_layer_learns_slower_than_the_one_above_it(tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForSequenceClassification, "bert")
    found = rates(model, tmp_path, decay=0.5)
    assert found.keys() == dict(model.named_parameters()).keys()
    assert found["classifier.weight"] == 1.0
    assert found["charbert.interactions.0.convolution.weight"] == 1.0
    assert found["charbert.backbone.encoder.layer.1.output.dense.weight"] == 0.5
    assert found["charbert.backbone.encoder.layer.0.output.dense.bias"] == 0.25
    assert found["charbert.backbone.embeddings.word_embeddings.weight"] == 0.125
    assert found["charbert.char_encoder.embeddings.weight"] == 0.125


def test_layers_of_a_plain_model_are_told_apart_too(tmp_path: Path) -> None:
    found = rates(BertForSequenceClassification(tiny.backbone_config("bert")), tmp_path, decay=0.5)
    assert found["bert.encoder.layer.0.output.dense.weight"] == 0.25
    assert found["bert.embeddings.word_embeddings.weight"] == 0.125


def test_without_decay_all_learn_alike(tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForSequenceClassification, "bert")
    assert set(rates(model, tmp_path, decay=1.0).values()) == {1.0}


def test_rare_classes_weigh_more() -> None:
    assert balance_weights([0, 0, 0, 2], classes=3).tolist() == pytest.approx([4 / 9, 0.0, 4 / 3])


class _Gradients(TrainerCallback):
    """Keeps the gradients of the first step."""

    def __init__(self) -> None:
        self.first: dict[str, torch.Tensor] = {}

    def on_pre_optimizer_step(self, *_: Any, model: Any, **kwargs: Any) -> None:
        self.first = self.first or {
            name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None
        }


def training_rows(head: str) -> list[dict[str, Any]]:
    """16 rows of 3 to 15 words; of a token classifier every third token has a label, in one row none."""
    tokenizer = tiny.tokenizer("bert")
    rows = []
    for number in range(16):
        # Answers are sought in padding too, so their rows must be of one length to be compared.
        times = 1 if head == "QuestionAnswering" else 1 + 3 * number % 5
        row = dict(tokenizer("who spells it " * times, return_spelling=True))
        if head == "TokenClassification":
            places = range(len(row["input_ids"]))
            row["labels"] = [-100 if place % 3 or number == 5 else place % 2 for place in places]
        elif head == "QuestionAnswering":
            row |= {"start_positions": number % 3, "end_positions": number % 4}
        else:
            row["labels"] = number * number % 3 % 2
        rows.append(row)
    return rows


def first_gradients(
    head: str, size: int, folder: Path, weights: torch.Tensor | None = None, plain: bool = False
) -> dict[str, torch.Tensor]:
    """The gradients of a step of 16 rows in batches of `size`."""
    if plain:
        torch.manual_seed(0)
        model = getattr(transformers, f"BertFor{head}")(tiny.backbone_config("bert", num_labels=2))
    else:
        model = tiny.build(getattr(charbert, f"CharBertFor{head}"), "bert", num_labels=2)
    names = ("input_ids", "attention_mask", "labels", "start_positions", "end_positions")
    rows = [
        {name: value for name, value in row.items() if not plain or name in names}
        for row in training_rows(head)
    ]
    gradients = _Gradients()
    FinetuneTrainer(
        model=model,
        args=TrainingArguments(
            str(folder),
            per_device_train_batch_size=size,
            gradient_accumulation_steps=ceil(16 / size),
            max_steps=1,
            max_grad_norm=0.0,
            use_cpu=True,
            remove_unused_columns=False,
            report_to="none",
            save_strategy="no",
        ),
        train_dataset=Rows(rows),
        data_collator=Padding(tiny.tokenizer("bert")),
        task=None,
        dev={},
        class_weights=weights,
        callbacks=[gradients],
    ).train()
    return gradients.first


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])
@pytest.mark.parametrize("head", ["TokenClassification", "SequenceClassification"])
def test_a_step_has_the_same_gradients_in_batches_of_any_size(
    head: str, weighted: bool, size: int, tmp_path: Path
) -> None:
    weights = torch.tensor([0.25, 4.0]) if weighted else None
    whole = first_gradients(head, 16, tmp_path, weights)
    torch.testing.assert_close(first_gradients(head, size, tmp_path, weights), whole)


@pytest.mark.parametrize("head", ["TokenClassification", "QuestionAnswering"])
def test_accumulated_gradients_of_a_plain_model_are_right_too(head: str, tmp_path: Path) -> None:
    whole = first_gradients(head, 16, tmp_path, plain=True)
    torch.testing.assert_close(first_gradients(head, 1, tmp_path, plain=True), whole)


def test_the_weighted_loss_is_the_mean_over_labels_of_weight_times_loss(tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForTokenClassification, "bert")
    weights = torch.tensor([1.0, 2.0, 0.5])
    trainer = FinetuneTrainer(
        model=model,
        args=TrainingArguments(str(tmp_path), use_cpu=True),
        data_collator=Padding(tiny.stock_tokenizer("bert")),
        task=None,
        dev={},
        class_weights=weights,
    )
    batch = tiny.ragged_batch("bert", return_spelling=True)
    labels = torch.where(batch["attention_mask"] > 0, batch["input_ids"] % 3, -100)
    logits = model(**batch).logits
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    wanted = (weights[labels.clamp(min=0)] * losses).sum() / (labels >= 0).sum()
    torch.testing.assert_close(trainer.compute_loss(model, {**batch, "labels": labels}), wanted)


@pytest.mark.parametrize("head", ["SequenceClassification", "TokenClassification", "QuestionAnswering"])
def test_batches_of_other_sizes_are_not_compiled_again(monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    # The operator that GPUs use is one call of a graph; torch's GRU would cut it.
    monkeypatch.setattr(CharacterEncoder, "_fused_dtype", lambda *_: torch.float32)
    tokenizer = tiny.tokenizer("bert")
    model = tiny.build(getattr(charbert, f"CharBertFor{head}"), "bert", num_labels=2).train()
    model.config.problem_type = "single_label_classification"  # as the task says
    trainer = SimpleNamespace(args=SimpleNamespace(device=torch.device("cpu"), torch_compile=True))
    torch.compiler.reset()
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    for rows, words in ((4, 2), (4, 6), (3, 3)):
        inputs = tokenizer(["who spells it " * words] * rows, return_spelling=True)
        batch = Padding(tokenizer)([{name: inputs[name][row] for name in inputs} for row in range(rows)])
        numbers = torch.zeros(rows, dtype=torch.long)
        if head == "QuestionAnswering":
            batch |= {"start_positions": numbers, "end_positions": numbers}
        else:
            batch["labels"] = numbers if head.startswith("Sequence") else batch["input_ids"] % 2
        compiled(**FinetuneTrainer._prepare_inputs(trainer, batch)).loss.backward()
    torch.compiler.reset()
    assert len(graphs) == 1


@pytest.mark.parametrize("allowed", [False, True])
def test_a_step_may_or_may_not_leave_attention_to_cudnn(allowed: bool, tmp_path: Path) -> None:
    before = torch.backends.cuda.cudnn_sdp_enabled()
    seen: list[bool] = []
    model = tiny.build(charbert.CharBertForSequenceClassification, "bert", num_labels=2)
    model.register_forward_pre_hook(lambda *_: seen.append(torch.backends.cuda.cudnn_sdp_enabled()))
    FinetuneTrainer(
        model=model,
        args=TrainingArguments(
            str(tmp_path), max_steps=1, use_cpu=True, report_to="none", save_strategy="no"
        ),
        train_dataset=Rows(training_rows("SequenceClassification")),
        data_collator=Padding(tiny.tokenizer("bert")),
        task=None,
        dev={},
        **({"cudnn_attention": True} if allowed else {}),
    ).train()
    assert seen == [before and allowed]
    assert torch.backends.cuda.cudnn_sdp_enabled() == before


@pytest.mark.parametrize("labelled", (True, False), ids=("classes", "rows"))
def test_the_loss_of_a_step_is_made_on_the_device_of_its_batches(labelled: bool, tmp_path: Path) -> None:
    """Tensors without values stand for those of a GPU: neither can be mixed with those of the CPU."""
    away = torch.device("meta")

    class Mean(torch.nn.Module):
        def forward(self, labels: torch.Tensor, **_: Any) -> dict[str, torch.Tensor]:
            return {"loss": labels.float().mean()}

    trainer = FinetuneTrainer(
        model=Mean(), args=TrainingArguments(str(tmp_path), use_cpu=True), task=None, dev={}
    )
    batch = tiny.stock_tokenizer("bert")(["one", "two"], return_tensors="pt").to(away)
    labels = torch.ones(2, dtype=torch.long) if labelled else torch.ones(2, 3)
    [read], counts = trainer.get_batch_samples(iter([{**batch, "labels": labels.to(away)}]), 1, away)
    loss = trainer.compute_loss(trainer.model, read, num_items_in_batch=counts)
    assert counts.device == loss.device == away
