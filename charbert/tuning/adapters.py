"""Adapters: bottlenecks inside of the layers, as of Houlsby et al. (2019) and Pfeiffer et al. (2021)."""

from typing import Any

import torch
from torch import nn
from transformers.activations import ACT2FN

from charbert.errors import CharBertError
from charbert.tuning.delta import Delta, replace_module, require_layers


class Bottleneck(nn.Module):
    """h -> U f(D h), zero at first. Shape: (..., H) -> (..., H)."""

    def __init__(self, size: int, units: int, activation: str, like: torch.Tensor) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": like.device, "dtype": like.dtype}
        self.down = nn.Linear(size, units, **place)
        self.up = nn.Linear(units, size, **place)
        self.activation = ACT2FN[activation]
        nn.init.normal_(self.down.weight, std=0.02)
        for parameter in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(parameter)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.up(self.activation(self.down(states)))


class AdaptedOutput(nn.Module):
    """The end of a layer's attention or feed-forward part: projection, dropout, bottleneck, residual, norm.

    In the form of Pfeiffer the bottleneck reads the normalised sum with the residual instead.
    """

    def __init__(self, base_layer: Any, bottleneck: Bottleneck, reads_norm: bool) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck = bottleneck
        self.reads_norm = reads_norm

    def forward(self, hidden_states: torch.Tensor, input_tensor: torch.Tensor) -> torch.Tensor:
        base = self.base_layer
        states = base.dropout(base.dense(hidden_states))
        read = base.LayerNorm(states + input_tensor) if self.reads_norm else states
        return base.LayerNorm(states + self.bottleneck(read) + input_tensor)


class Adapters(Delta):
    """`houlsby`: bottlenecks after attention and after the feed-forward part; `pfeiffer`: the second alone.

    Both channels pass through a layer, and so through its bottlenecks.
    """

    def check(self, model: Any) -> None:
        parts = ("attention.output", "output")
        for name in (f"{part}.{each}" for part in parts for each in ("dense", "dropout", "LayerNorm")):
            try:
                require_layers(model)[0].get_submodule(name)
            except AttributeError as error:
                raise CharBertError(
                    f"--tuning adapter: layers of {type(model).__name__} have no {name}"
                ) from error

    def attach(self, model: Any) -> None:
        is_pfeiffer = self.settings.adapter == "pfeiffer"
        for layer in require_layers(model):
            for name in ("output",) if is_pfeiffer else ("attention.output", "output"):
                base = layer.get_submodule(name)
                bottleneck = Bottleneck(
                    base.dense.out_features,
                    self.settings.bottleneck,
                    "relu" if is_pfeiffer else "gelu",
                    base.dense.weight,
                )
                replace_module(layer, name, AdaptedOutput(base, bottleneck, reads_norm=is_pfeiffer))

    def detach(self, model: Any) -> None:
        for layer in require_layers(model):
            for name in ("attention.output", "output"):
                part = layer.get_submodule(name)
                if isinstance(part, AdaptedOutput):
                    replace_module(layer, name, part.base_layer)
