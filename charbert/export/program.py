"""Exported programs: a CharBERT traced by `torch.export` once, for all batch sizes and lengths."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from charbert.errors import CharBertError
from charbert.interaction import FoldedConvolution, fold
from charbert.spelling import NO_SPELLING

EXAMPLE_SIZES = {"batch": 2, "choices": 3, "length": 10}
_EVERY_USE = 2**40  # positions, so that folding pays


def export_program(model: Any, strict: bool = False) -> ExportedProgram:
    """Trace a CharBERT with any head: called as it, with the inputs of `input_names`.

    The characters of the tokens are found inside the program, by the model's spelling table. It runs where
    `charbert.ops.gru` has been imported, which holds an operator of it.

    Args:
        model: in evaluation mode, on a CPU; not changed.
        strict: as of `torch.export`.

    Raises:
        CharBertError: the model cannot spell.
    """
    if model.base_model.spelling is None or model.base_model.spelling.is_empty:
        raise CharBertError(NO_SPELLING)
    longest = model.base_model.max_tokens
    sizes = {**EXAMPLE_SIZES, "length": min(EXAMPLE_SIZES["length"], longest)}
    shape = [sizes[name] for name in model.input_axes]
    inputs = make_inputs(model, torch.full(shape, model.config.vocab_size - 1), torch.ones(shape).long())
    return trace(model, inputs, model.input_axes, longest, strict)


def trace(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    axes: Sequence[str],
    longest: int,
    strict: bool = False,
) -> ExportedProgram:
    """Trace any model for all sizes of its inputs, which have the same dimensions.

    Args:
        inputs: an example.
        axes: names of the dimensions, `"length"` among them.
        longest: the greatest length.
    """
    dimensions = [Dim(name, max=longest) if name == "length" else Dim(name) for name in axes]
    shapes = {name: dict(enumerate(dimensions)) for name in inputs}
    with torch.no_grad():
        return torch.export.export(model, (), inputs, dynamic_shapes=shapes, strict=strict)


def input_names(model: Any) -> list[str]:
    """The inputs of an exported model: token types only where the backbone has more than one."""
    names = ["input_ids", "attention_mask"]
    return [*names, "token_type_ids"] if model.config.type_vocab_size > 1 else names


def make_inputs(
    model: Any,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    token_type_ids: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """The inputs of an exported model, by name."""
    types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
    given = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": types}
    return {name: given[name] for name in input_names(model)}


@contextmanager
def folded_interactions(model: Any) -> Iterator[None]:
    """Meanwhile W1, W2 and the convolution of each interaction are one matrix, computed once.

    What is not as it was, such as an interaction with an adapter, stays.
    """
    base = model.base_model
    steps = base.interactions
    folded = [(step, fold(step, _EVERY_USE, uses=1)) for step in steps]
    base.interactions = nn.ModuleList(
        step if weights is None else _FoldedInteraction(step, weights) for step, weights in folded
    )
    try:
        yield
    finally:
        base.interactions = steps


class _FoldedInteraction(nn.Module):
    """A step whose folded convolution is a weight of its own."""

    def __init__(self, step: nn.Module, folded: FoldedConvolution) -> None:
        super().__init__()
        self.step = step
        # A graph multiplies by the transposed matrix; kept so, it is one constant, also for int8.
        self.weight = nn.Buffer(folded.weight.detach().t().contiguous())
        self.bias = None if folded.bias is None else nn.Buffer(folded.bias.detach())

    def forward(
        self, tokens: torch.Tensor, characters: torch.Tensor, mask: torch.Tensor, folded: None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self.step(tokens, characters, mask, FoldedConvolution(self.weight.t(), self.bias))
