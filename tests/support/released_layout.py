"""Small models written in the layout of the released CharBERTs, by a table of names of the tests' own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny
import torch

import charbert

HEADS = {
    "mlm": charbert.CharBertForPreTraining,
    "token": charbert.CharBertForTokenClassification,
    "sequence": charbert.CharBertForSequenceClassification,
    "qa": charbert.CharBertForQuestionAnswering,
}
ENCODER = {
    "charbert.char_encoder.embeddings.": "{}.char_embeddings.char_embeddings.",
    "charbert.char_encoder.forward_gru.": "{}.char_embeddings.rnn_layer.",
    "charbert.interactions.0.token_projection.": "{}.encoder.word_linear1.",
    "charbert.interactions.0.char_projection.": "{}.encoder.char_linear1.",
    "charbert.interactions.0.convolution.": "{}.encoder.fusion_layer.",
    "charbert.interactions.0.token_norm.": "{}.encoder.word_norm.",
    "charbert.interactions.0.char_norm.": "{}.encoder.char_norm.",
    "charbert.backbone.": "{}.",
}
PRETRAINING = {
    "bert": {
        "mlm_head.dense.": "cls.predictions.transform.dense.",
        "mlm_head.layer_norm.": "cls.predictions.transform.LayerNorm.",
        "mlm_head.decoder.weight": "cls.predictions.decoder.weight",
        "mlm_head.decoder.bias": "cls.predictions.bias",
        "nlm_head.dense.": "cls.predictions.adv_transform.dense.",
        "nlm_head.layer_norm.": "cls.predictions.adv_transform.LayerNorm.",
        "nlm_head.decoder.": "cls.predictions.adv_decoder.",
    },
    "roberta": {
        "mlm_head.dense.": "lm_head.dense.",
        "mlm_head.layer_norm.": "lm_head.layer_norm.",
        "mlm_head.decoder.weight": "lm_head.decoder.weight",
        "mlm_head.decoder.bias": "lm_head.bias",
        "nlm_head.dense.": "lm_head.char_dense.",
        "nlm_head.layer_norm.": None,  # one norm serves both tasks
        "nlm_head.decoder.": "lm_head.adv_decoder.",
    },
}


def released_name(name: str, kind: str) -> str | None:
    """What the released code calls our tensor `name`; None where it has none of its own."""
    if ".backward_gru." in name:
        return released_name(name.replace("backward_gru", "forward_gru"), kind) + "_reverse"
    table = {ours: theirs.format(kind) for ours, theirs in ENCODER.items()} | PRETRAINING[kind]
    for ours, theirs in table.items():
        if name.startswith(ours):
            return None if theirs is None else theirs + name.removeprefix(ours)
    return None if ".spelling." in name else name


def save_released(folder: Path, kind: str, head: str = "mlm", **changes: Any) -> Any:
    """Write a model in the released layout, and give it back: our model of the same weights."""
    model = tiny.build(HEADS[head], kind, **changes)
    if head == "mlm" and kind == "roberta":
        model.nlm_head.layer_norm.load_state_dict(model.mlm_head.layer_norm.state_dict())
    names = {name: released_name(name, kind) for name in model.state_dict()}
    tensors = {
        theirs: model.state_dict()[ours].clone() for ours, theirs in names.items() if theirs is not None
    }
    if (kind, head) == ("roberta", "sequence"):
        tensors = {
            name.replace("classifier.", "char_classifier."): tensor for name, tensor in tensors.items()
        }
    config = model.config.backbone_config.to_dict()
    del config["model_type"]  # the released files have none
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(tensors, folder / "pytorch_model.bin")
    return model


def edit_weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    edit(tensors)
    torch.save(tensors, folder / "pytorch_model.bin")
