"""A delta: the base class of all methods, and the tensors that it adds to a model or trains in place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import PreTrainedModel

from charbert.backbones import layers_of
from charbert.checkpoints import DELTA, DELTA_WEIGHTS
from charbert.errors import CharBertError
from charbert.modeling import CharBertModel
from charbert.tuning.settings import TuningSettings

PEFT_CONFIG = "adapter_config.json"
FILES = (DELTA, DELTA_WEIGHTS, PEFT_CONFIG)
"""Of a saved delta; peft's configuration where peft has the method."""
ADAPTER = "default"
"""The name that peft gives to what it adds; a model has one delta on at a time."""
Tensors = dict[str, torch.Tensor]


class Delta:
    """What a method of delta tuning does to a model; a subclass says only what differs.

    The head is always trained. Beside it a method trains parameters of the model (`trained`), or modules that
    it adds (`attach`), or both. Freezing the rest, saving, loading and switching are the same for all.

    Args:
        settings: the method's options.
        folded: it comes from a folder, as `fold` saved it.
    """

    mergeable: ClassVar[bool] = False
    """Whether `merge` leaves a plain model."""

    def __init__(self, settings: TuningSettings, folded: bool = False) -> None:
        self.settings = settings
        self.folded = folded

    def check(self, model: Any) -> None:
        """Refuse a model that the method cannot take, before anything is changed.

        Raises:
            CharBertError: it cannot.
        """

    def trained(self, model: Any) -> list[str]:
        """Names of the model's own parameters that are trained in place, beside the head."""
        return []

    def attach(self, model: Any) -> None:
        """Add the method's modules; until they are trained the outputs stay as they are."""

    def detach(self, model: Any) -> None:
        """Remove what `attach` added."""

    def merge(self, model: Any) -> None:
        """Leave a plain model with the same outputs, where the method is `mergeable`."""
        self.detach(model)

    def file_name(self, name: str) -> str:
        """The name in a saved file of a parameter that was added."""
        return f"base_model.model.{name.replace(f'.{ADAPTER}', '')}"

    def fold(self, tensors: Tensors) -> Tensors:
        """What is saved of the tensors, by names of files, once nothing is to be trained any more."""
        return tensors

    def write_config(self, model: Any, folder: Path, base: str | None) -> None:
        """Write peft's `adapter_config.json`, where peft has the method and can load it."""


def unwrap(model: Any) -> Any:
    """The model of `transformers` that `torch.compile` or a parallel wrapper holds.

    Raises:
        CharBertError: there is none.
    """
    inner = model
    while not isinstance(inner, PreTrainedModel):
        inner = getattr(inner, "_orig_mod", None) or getattr(inner, "module", None)
        if inner is None:
            raise CharBertError(
                f"{type(model).__name__}: takes no delta; give a model of transformers itself"
            )
    return inner


def encoder_of(model: Any) -> Any:
    """The encoder of a model with a head or without: a `CharBertModel`, or a plain BERT or RoBERTa."""
    return model.base_model


def require_layers(model: Any) -> Any:
    """The transformer layers of a CharBERT or a plain model.

    Raises:
        CharBertError: a model without such layers.
    """
    layers = layers_of(model)
    if layers is None:
        raise CharBertError(
            f"--tuning: {type(model).__name__} has no layers like BERT's; tune a CharBERT, BERT or RoBERTa"
        )
    return layers


def require_charbert(model: Any, what: str) -> None:
    """Refuse a plain model.

    Raises:
        CharBertError: `model` has no character channel.
    """
    if not isinstance(encoder_of(model), CharBertModel):
        raise CharBertError(f"{what}: needs a CharBERT, and {type(model).__name__} has no character channel")


def head_names(model: Any) -> list[str]:
    """Names of the parameters of a model's head, and of a plain model's pooler, which may be new too."""
    encoder = encoder_of(model)
    inside = {id(weight) for name, weight in encoder.named_parameters() if not name.startswith("pooler.")}
    return [name for name, weight in model.named_parameters() if id(weight) not in inside]


def head_modules(model: Any) -> list[str]:
    """Names of the modules that hold a head: children of the model, and a plain model's pooler."""
    encoder = encoder_of(model)
    inside = {id(module) for module in encoder.modules()}
    names = [name for name, module in model.named_children() if id(module) not in inside]
    names = [name for name in names if any(True for _ in getattr(model, name).parameters())]
    return names + (["pooler"] if getattr(encoder, "pooler", None) is not None else [])


def replace_module(model: nn.Module, name: str, new: nn.Module) -> None:
    """Put a module in the place of the one of this name."""
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)


def check_shapes(folder: Any, own: Mapping[str, torch.Tensor], saved: Mapping[str, torch.Tensor]) -> None:
    """Refuse saved tensors that are not those of a delta.

    Raises:
        CharBertError: names or shapes differ.
    """
    for name in sorted(own.keys() | saved.keys()):
        mine, theirs = (None if name not in each else tuple(each[name].shape) for each in (own, saved))
        if mine != theirs:
            raise CharBertError(
                f"{folder}: does not fit this model: {name.removeprefix('base_model.model.')} is "
                f"{theirs or 'missing'} in it and {mine or 'missing'} in the model; give its base and a head "
                "of the same labels"
            )
