"""Learning rates by layer, weights of classes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
from transformers import BertForSequenceClassification, TrainingArguments

import charbert
from charbert.char_encoder import CharacterEncoder
from finetune.batches import Padding
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


def test_the_weighted_loss_is_that_of_torch(tmp_path: Path) -> None:
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
    wanted = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, weights)
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
