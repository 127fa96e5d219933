"""A bidirectional GRU over characters, as the custom operator `charbert::gru`.

A vocabulary of characters is small, so what a character adds to the gates is a row of a table; only the
recurrent part is left to the loop over steps. The loop exists twice: as a CUDA kernel (`ops.cuda`) and, step
by step, in `ops.reference`, which defines what the kernel computes.

Backward, nothing is computed twice: with h' = (1 - z) n + z h, n = tanh(x_n + r q), q = W_n h + b, the
gradient of each gate is that of h' times a factor known in the forward pass, which saves the factors. The
gradients of the weights are two matrix products over all steps, that of the table one sum over the uses of
each character.
"""

import warnings
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization

from charbert.fast_path import is_exporting
from charbert.ops import cuda as gru_cuda
from charbert.ops import reference as gru_reference
from charbert.ops.reference import NEW
from charbert.ragged import round_up

FACTORS = 5  # of n, r and z before their activations, of q, and of the state before


class DirectionalGRU(nn.Module):
    """One layer in one direction with the parameters of an `nn.GRU`, by their names.

    It is no `nn.GRU`, since `torch.compile` leaves its graph wherever it sees one. Called, it does run
    torch's own, outside of any graph: traced, its loop would be unrolled step by step.

    Shape: (B, T, E) -> states (B, T, D) from zero on.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        # cuDNN copies these weights into one piece at each call, and warns of it.
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.empty(3 * hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform within 1 / sqrt(D), as an `nn.GRU` begins."""
        bound = self.hidden_size**-0.5
        for parameter in self.parameters():
            initialization.uniform_(parameter, -bound, bound)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        weights = [self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0]
        if is_exporting():
            return gru_states(inputs, weights)
        # Without dropout `train` says only whether cuDNN keeps what a backward pass needs.
        return _states_outside_of_graphs(inputs, weights, torch.is_grad_enabled())

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


def _states(inputs: torch.Tensor, weights: list[torch.Tensor], training: bool) -> torch.Tensor:
    first = inputs.new_zeros(1, len(inputs), weights[1].shape[-1])
    return torch.gru(inputs, first, weights, True, 1, 0.0, training, False, True)[0]


_states_outside_of_graphs = torch.compiler.disable(_states)


@torch.library.custom_op("charbert::gru_states", mutates_args=())
def gru_states(inputs: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
    """torch's GRU as one operator of exported programs: traced, it would be for one number of steps."""
    return _states(inputs, weights, False)


@gru_states.register_fake
def _(inputs: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
    return inputs.new_empty(*inputs.shape[:2], weights[1].shape[-1])


def bidirectional_gru(
    embeddings: torch.Tensor,
    char_input_ids: torch.Tensor,
    lengths: torch.Tensor,
    directions: tuple[DirectionalGRU, DirectionalGRU],
    dtype: torch.dtype,
) -> torch.Tensor:
    """The states of both directions at every character; the backward one begins at each sequence's last.

    Shape: `embeddings` (V, E), `char_input_ids` (B, T), `lengths` (B,) characters of each sequence, 0 to T ->
    (B, T + 1, 2 D) for D units in each direction, zero after a sequence's end.

    Args:
        directions: the layers that hold the weights, of one direction each.
        dtype: of the table, the recurrent weights and the states; sums and the state carried along are fp32
            (on a CPU: at least).
    """
    units = directions[0].hidden_size
    room = gru_cuda.round_up_units(units) - units
    with torch.autocast(embeddings.device.type, enabled=False):
        table = torch.stack([_table(embeddings, layer) for layer in directions])
        weight = torch.stack([layer.weight_hh_l0.view(3, units, units) for layer in directions])
        bias = torch.stack([layer.bias_hh_l0.view(3, units)[NEW] for layer in directions])
        trained = any(tensor.requires_grad for tensor in (table, weight, bias))
        # Units of zero weights stay at zero.
        inputs = (
            F.pad(table, (0, room)).to(dtype),
            char_input_ids,
            lengths,
            F.pad(weight, (0, room, 0, room)).to(dtype),
            F.pad(bias, (0, room)),
        )
        saved = torch.is_grad_enabled() and trained
        if table.is_cuda and not saved:
            states = gru_forward(*gru_cuda.prepare(*inputs), char_input_ids, len(embeddings))
        else:
            states, _ = gru(*inputs, saved)
        return states[..., :units].flatten(2)


def _table(embeddings: torch.Tensor, layer: DirectionalGRU) -> torch.Tensor:
    """What each character adds to the gates (V, 3, D), the hidden biases of r and z with it."""
    hidden_bias = layer.bias_hh_l0.view(3, -1)
    bias = layer.bias_ih_l0 + torch.cat([hidden_bias[:NEW], torch.zeros_like(hidden_bias[NEW:])]).flatten()
    return F.linear(embeddings, layer.weight_ih_l0, bias).unflatten(-1, (3, -1))


@torch.library.custom_op("charbert::gru", mutates_args=())
def gru(
    table: torch.Tensor,
    char_input_ids: torch.Tensor,
    lengths: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    save: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The states, and for the backward pass (`save`) the factors.

    Shape: `table` (2, V, 3, D), `char_input_ids` (B, T), `lengths` (B,), `weight` (2, 3, D, D), `bias` (2, D)
    -> (B, T + 1, 2, D), (2, B', T, 5, D), where B' is B in full blocks of the kernel, which lays the factors
    out in an order of its own.
    """
    states, factors = _empty(table, char_input_ids, save)
    kept = factors if save else None
    inputs = (table, char_input_ids, lengths, weight, bias)
    if table.is_cuda:
        gru_cuda.forward(gru_cuda.prepare(*inputs), char_input_ids, table.shape[1], states.zero_(), kept)
    else:
        gru_reference.forward(*inputs, states.zero_(), kept)
    return states, factors


@gru.register_fake
def _(*given: Any) -> tuple[torch.Tensor, torch.Tensor]:
    table, char_input_ids, *_, save = given
    return _empty(table, char_input_ids, save)


def _empty(
    table: torch.Tensor, char_input_ids: torch.Tensor, save: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    (batch_size, characters), units = char_input_ids.shape, table.shape[-1]
    rows = round_up(batch_size, gru_cuda.ROWS_OF_A_BLOCK) if save else 0
    factors = table.new_empty(2, rows, characters, FACTORS, units)
    return _empty_states(table, char_input_ids, units), factors


def _empty_states(table: torch.Tensor, char_input_ids: torch.Tensor, units: int) -> torch.Tensor:
    batch_size, characters = char_input_ids.shape
    return table.new_empty(batch_size, characters + 1, 2, units)


@torch.library.custom_op("charbert::gru_forward", mutates_args=())
def gru_forward(
    weight: torch.Tensor,
    bias: torch.Tensor,
    table: torch.Tensor,
    entries: torch.Tensor,
    lengths: torch.Tensor,
    char_input_ids: torch.Tensor,
    vocabulary_size: int,
) -> torch.Tensor:
    """The states alone, on a GPU, from what `ops.cuda.prepare` laid out: the compiler sees how."""
    states = _empty_states(table, char_input_ids, bias.shape[-1]).zero_()
    prepared = gru_cuda.Prepared(weight, bias, table, entries, lengths)
    gru_cuda.forward(prepared, char_input_ids, vocabulary_size, states, None)
    return states


@gru_forward.register_fake
def _(*given: Any) -> torch.Tensor:
    _, bias, table, _, _, char_input_ids, _ = given
    return _empty_states(table, char_input_ids, bias.shape[-1])


@torch.library.custom_op("charbert::gru_backward", mutates_args=())
def gru_backward(
    state_gradients: torch.Tensor,
    states: torch.Tensor,
    factors: torch.Tensor,
    char_input_ids: torch.Tensor,
    lengths: torch.Tensor,
    weight: torch.Tensor,
    vocabulary_size: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradients of `table`, `weight` and `bias`, given those of the states."""
    batch_size, width, _, units = states.shape
    gradients = states.new_zeros(batch_size, width, 2, 4, units)  # of n, r, z and q
    walk = gru_cuda.backward if states.is_cuda else gru_reference.backward
    walk(state_gradients.contiguous(), factors, lengths, weight, gradients)

    rows, steps = gradients.flatten(0, 1), states.flatten(0, 1)
    # Row i of the flat states is the state before step i + 1 of the forward direction, and before step i - 1
    # of the backward one. The empty row after each sequence is the zero state that either begins with.
    weight_gradient = torch.stack(
        [
            rows[1:, 0, 1:].flatten(1).t() @ steps[:-1, 0],
            rows[:-1, 1, 1:].flatten(1).t() @ steps[1:, 1],
        ]
    )
    uses = F.pad(char_input_ids, (0, 1)).flatten()
    by_character = torch.ops.aten.embedding_dense_backward(rows.flatten(1), uses, vocabulary_size, -1, False)
    new, reset, update, recurrent = by_character.view(vocabulary_size, 2, 4, units).transpose(0, 1).unbind(2)
    return (
        torch.stack([reset, update, new], dim=2),
        weight_gradient.view_as(weight),
        recurrent.sum(1, dtype=torch.promote_types(states.dtype, torch.float32)),
    )


@gru_backward.register_fake
def _(*given: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    _, states, *_, weight, vocabulary_size = given
    units = weight.shape[-1]
    return (
        weight.new_empty(2, vocabulary_size, 3, units),
        torch.empty_like(weight),
        weight.new_empty(2, units, dtype=torch.promote_types(states.dtype, torch.float32)),
    )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, torch.Tensor]) -> None:
    table, char_input_ids, lengths, weight, _bias, _save = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(*output, char_input_ids, lengths, weight)
    ctx.vocabulary_size = table.shape[1]


def _differentiate(ctx: Any, state_gradients: torch.Tensor, _: Any) -> tuple[torch.Tensor | None, ...]:
    table, weight, bias = gru_backward(state_gradients, *ctx.saved_tensors, ctx.vocabulary_size)
    return table, None, None, weight, bias, None


gru.register_autograd(_differentiate, setup_context=_keep)
