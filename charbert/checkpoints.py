"""Checkpoint conversion: names of tensors in released CharBERTs and in plain backbones -> our names.

The tables are `CHARACTER_CHANNEL` and `TASK_HEADS` here, and `head_names` of each entry in `BACKBONES`.
"""

import os
import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from transformers import PreTrainedConfig
from transformers.modeling_utils import load_state_dict
from transformers.utils import (
    ADAPTER_SAFE_WEIGHTS_NAME,
    CONFIG_NAME,
    SAFE_WEIGHTS_INDEX_NAME,
    SAFE_WEIGHTS_NAME,
    WEIGHTS_INDEX_NAME,
    WEIGHTS_NAME,
)
from transformers.utils.hub import cached_file, get_checkpoint_shard_files

from charbert.backbones import BACKBONES
from charbert.errors import CharBertError, describe_failure, reading

Tensors = dict[str, torch.Tensor]
DELTA = "delta.json"
"""Describes a saved delta, whose folder has no other weights than what was trained."""
DELTA_WEIGHTS = ADAPTER_SAFE_WEIGHTS_NAME
MOST_LAYERS = 1000

# Pairs of (their name, ours), as beginnings of names; the first that fits counts. Theirs stand without the
# prefix of the backbone, whose own tensors keep their names.
CHARACTER_CHANNEL = (
    ("char_embeddings.char_embeddings.", "char_encoder.embeddings."),
    ("char_embeddings.rnn_layer.", "char_encoder.forward_gru."),
    ("encoder.word_linear1.", "interactions.0.token_projection."),
    ("encoder.char_linear1.", "interactions.0.char_projection."),
    ("encoder.fusion_layer.", "interactions.0.convolution."),
    ("encoder.word_norm.", "interactions.0.token_norm."),
    ("encoder.char_norm.", "interactions.0.char_norm."),
)
TASK_HEADS = (
    ("char_classifier.", "classifier."),
    ("classifier.", "classifier."),
    ("qa_outputs.", "qa_outputs."),
)
_LISTED_FUSION = re.compile(r"(.*encoder\.)fusion_layer_list\.\d+(\..+)")


class Checkpoint(NamedTuple):
    """A checkpoint as it was found: its configuration, its tensors, and the kind of backbone."""

    source: str
    config: dict[str, Any]
    tensors: Tensors
    backbone: str

    @property
    def has_character_channel(self) -> bool:
        return any("char_embeddings." in name for name in self.tensors)


def read_config(source: str | PathLike[str], **hub: Any) -> dict[str, Any]:
    """The `config.json` of a folder or hub id as a dict.

    Raises:
        CharBertError: there is none.
    """
    try:
        config, _ = PreTrainedConfig.get_config_dict(source, **hub)
    except Exception as error:  # of a file that holds anything, it raises almost anything
        raise CharBertError(
            f"{source}: no config.json there that can be read ({describe_failure(source, error)})"
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str | None):
        raise CharBertError(f"{source}: its config.json is none of a model")
    if any(
        not isinstance(layers, int) or layers > MOST_LAYERS for layers in _find(config, "num_hidden_layers")
    ):
        raise CharBertError(f"{source}: its config.json has a num_hidden_layers that no model has")
    model_type, classes = config.get("model_type"), config.get("architectures")
    for name in classes if model_type and isinstance(classes, list) else ():
        model_class = getattr(transformers, str(name), None)
        if getattr(getattr(model_class, "config_class", None), "model_type", model_type) != model_type:
            raise CharBertError(
                f"{source}: its config.json has model_type={model_type}, but it was saved as {name}"
            )
    return config


def _find(config: dict[str, Any], key: str) -> Iterator[Any]:
    """The values of a key, in configurations that are nested in this one too."""
    for name, value in config.items():
        if name == key:
            yield value
        elif isinstance(value, dict):
            yield from _find(value, key)


def find_delta(source: str | PathLike[str], **hub: Any) -> Path | None:
    """The folder of a saved delta, which of a hub id is downloaded; None if it holds none."""
    if os.path.exists(source):  # of a name that is too long, `Path.exists` raises
        return Path(source) if (Path(source) / DELTA).is_file() else None
    if not (path := _find_file(source, DELTA, hub)):
        return None
    for name in (DELTA_WEIGHTS, CONFIG_NAME):
        _find_file(source, name, hub)
    return Path(path).parent


def _find_file(source: str | PathLike[str], name: str, hub: dict[str, Any]) -> str | None:
    """A file of a hub id, if it is there and the hub can be reached."""
    failures = ("gated_repo", "missing_entries", "connection_errors")
    try:
        quiet = {f"_raise_exceptions_for_{failure}": False for failure in failures}
        return cached_file(source, name, **quiet, **hub)
    except OSError:  # no name that the hub could have
        return None


def read_checkpoint(source: str | PathLike[str], config: dict[str, Any], **hub: Any) -> Checkpoint:
    """Read the weights of a folder or hub id: safetensors or torch's, old or new, whole or in shards.

    Raises:
        CharBertError: there are none, or they are not those of a BERT or RoBERTa.
    """
    tensors: Tensors = {}
    for path in _weight_files(source, hub):
        with reading(path, "weights"):
            tensors |= load_state_dict(path)
    if not all(isinstance(entry, torch.Tensor) for entry in tensors.values()):
        raise CharBertError(f"{source}: its weights are no tensors by name alone")
    tensors = {_modernize(name): tensor for name, tensor in tensors.items()}
    return Checkpoint(str(source), config, tensors, _detect_backbone(str(source), config, tensors))


def convert(checkpoint: Checkpoint) -> Tensors:
    """The tensors of a checkpoint in this project's names, those of the encoder under `charbert.`.

    Raises:
        CharBertError: the interaction's convolution is there several times, and not the same.
    """
    backbone = BACKBONES[checkpoint.backbone]
    converted: Tensors = {}
    for name, tensor in _merge_fusion_layers(checkpoint).items():
        head = _rename(name, (*backbone.head_names, *TASK_HEADS))
        if head is not None:
            converted[head] = tensor
        elif not name.startswith(f"{backbone.masked_lm_head}."):
            inner = name.removeprefix(backbone.prefix)
            ours = _rename(inner, CHARACTER_CHANNEL)
            converted[f"charbert.{ours or 'backbone.' + inner}"] = tensor
    _split_directions(converted)
    own_norm = any(ours == "nlm_head.layer_norm." for _, ours in backbone.head_names)
    if "nlm_head.dense.weight" in converted and not own_norm:
        # RoBERTa's released heads share one norm.
        for end in ("weight", "bias"):
            if f"mlm_head.layer_norm.{end}" in converted:
                converted[f"nlm_head.layer_norm.{end}"] = converted[f"mlm_head.layer_norm.{end}"].clone()
    return converted


def infer_sizes(source: str, converted: Tensors, released: bool) -> dict[str, Any]:
    """The configuration that follows from the tensors: `backbone_config`, sizes of the character channel.

    Raises:
        CharBertError: there are layers missing, or a tensor that has not as many dimensions as it must.
    """

    def size(name: str, dimension: int, of: int) -> int | None:
        if name not in converted:
            return None
        if converted[name].dim() != of:
            raise CharBertError(f"{source}: {name} has {converted[name].dim()} dimensions, not {of}")
        return converted[name].shape[dimension]

    def rows(name: str) -> int | None:
        return size(name, 0, of=2)

    def columns(name: str) -> int | None:
        return size(name, 1, of=2)

    backbone = "charbert.backbone."
    layer = re.compile(re.escape(f"{backbone}encoder.layer.") + r"(\d+)\.")
    layers = {match[1] for match in map(layer.match, converted) if match}
    if layers != {str(number) for number in range(len(layers))}:
        raise CharBertError(
            f"{source}: its {len(layers)} layers are not numbered from 0 on: some are missing"
        )
    found: dict[str, Any] = {}
    if released:
        found = {
            "character_vocabulary_size": rows("charbert.char_encoder.embeddings.weight"),
            "char_embedding_size": columns("charbert.char_encoder.embeddings.weight"),
            "interaction_kernel_size": size("charbert.interactions.0.convolution.weight", 2, of=3),
            "word_vocabulary_size": rows("nlm_head.decoder.weight"),
            "num_labels": rows("classifier.weight"),
        }
    found["backbone_config"] = _without_none(
        {
            "vocab_size": rows(f"{backbone}embeddings.word_embeddings.weight"),
            "hidden_size": columns(f"{backbone}embeddings.word_embeddings.weight"),
            "max_position_embeddings": rows(f"{backbone}embeddings.position_embeddings.weight"),
            "type_vocab_size": rows(f"{backbone}embeddings.token_type_embeddings.weight"),
            "intermediate_size": rows(f"{backbone}encoder.layer.0.intermediate.dense.weight"),
            "num_hidden_layers": len(layers) or None,
        }
    )
    return _without_none(found)


def _without_none(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def _weight_files(source: str | PathLike[str], hub: dict[str, Any]) -> list[str]:
    for name in (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_NAME, WEIGHTS_INDEX_NAME):
        path = cached_file(source, name, _raise_exceptions_for_missing_entries=False, **hub)
        if path is not None and name.endswith(".json"):
            return get_checkpoint_shard_files(source, path, **hub)[0]
        if path is not None:
            return [path]
    raise CharBertError(f"{source}: no weights there ({SAFE_WEIGHTS_NAME} or {WEIGHTS_NAME})")


def _modernize(name: str) -> str:
    """Norms of the first TensorFlow conversions are called gamma and beta."""
    return re.sub(
        r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
    )


def _detect_backbone(source: str, config: dict[str, Any], tensors: Tensors) -> str:
    """The model type that config.json names, unless the tensors have the prefix of another one alone."""
    named = config.get("model_type")
    found = [
        each.model_type
        for each in BACKBONES.values()
        if any(name.startswith(each.prefix) for name in tensors)
    ]
    if named in BACKBONES and (named in found or not found):
        return named
    if found:
        return found[0]
    raise CharBertError(
        f"{source}: neither its weights nor its config.json (model_type={named!r}) are those of a "
        f"{' or '.join(BACKBONES)}"
    )


def _merge_fusion_layers(checkpoint: Checkpoint) -> Tensors:
    """The tensors with the interaction's convolution once: the released BERT repeats it for each layer."""
    single: Tensors = {}
    for name, tensor in checkpoint.tensors.items():
        listed = _LISTED_FUSION.fullmatch(name)
        target = f"{listed[1]}fusion_layer{listed[2]}" if listed else name
        if target in single and not torch.equal(single[target], tensor):
            raise CharBertError(
                f"{checkpoint.source}: {name} differs from the convolution of another layer, and a released "
                "CharBERT has the same in all; this is not such a checkpoint"
            )
        single[target] = tensor
    return single


def _split_directions(converted: Tensors) -> None:
    """One bidirectional GRU -> our two: the backward direction's names end in `_reverse`."""
    for name in [name for name in converted if name.endswith("_reverse")]:
        ours = name.replace("forward_gru", "backward_gru").removesuffix("_reverse")
        converted[ours] = converted.pop(name)


def _rename(name: str, table: tuple[tuple[str, str], ...]) -> str | None:
    for theirs, ours in table:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return None


def is_tied(converted: Tensors) -> bool:
    """Whether the masked-LM head scores with the token embeddings, as far as the checkpoint says."""
    decoder = converted.get("mlm_head.decoder.weight")
    embeddings = converted.get("charbert.backbone.embeddings.word_embeddings.weight")
    return decoder is None or embeddings is None or torch.equal(decoder, embeddings)


def compare_tensors(model: Any, tensors: Tensors) -> dict[str, Any]:
    """How tensors differ from those of a model, as `from_pretrained(output_loading_info=True)` says it."""
    own = model.state_dict()
    return {
        "missing_keys": own.keys() - tensors.keys(),
        "unexpected_keys": tensors.keys() - own.keys(),
        "mismatched_keys": [
            (name,) for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape
        ],
    }


def load_fitting(model: Any, tensors: Tensors) -> None:
    """Load the tensors that the model has too, in the same size."""
    own = model.state_dict()
    names = [name for name in own.keys() & tensors.keys() if own[name].shape == tensors[name].shape]
    model.load_state_dict({name: tensors[name] for name in names}, strict=False)
