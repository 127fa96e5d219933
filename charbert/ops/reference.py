"""Reference of the GRU kernels in plain torch, step by step: it runs on a CPU, and tests the kernels.

The model itself uses torch's GRU on a CPU, which is faster.
"""

from collections.abc import Callable

import torch

RESET, UPDATE, NEW = range(3)  # the gates r, z, n


def forward(
    table: torch.Tensor,
    char_input_ids: torch.Tensor,
    lengths: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    states: torch.Tensor,
    factors: torch.Tensor | None,
) -> None:
    """What `ops.cuda.forward` computes, step by step: fills `states` and `factors`."""
    exact = torch.promote_types(table.dtype, torch.float32)
    for direction, place in enumerate(_walks(lengths)):
        state = torch.zeros(len(lengths), table.shape[-1], dtype=exact, device=table.device)
        recurrent_weight = weight[direction].to(exact)
        for step in range(char_input_ids.shape[1]):
            rows, positions = place(step)
            before = state[rows]
            added = table[direction, char_input_ids[rows, positions]].to(exact)
            # The product reads the state as it is stored.
            product = torch.einsum("bj,gij->gbi", before.to(table.dtype).to(exact), recurrent_weight)
            r = torch.sigmoid(added[:, RESET] + product[RESET])
            z = torch.sigmoid(added[:, UPDATE] + product[UPDATE])
            q = product[NEW] + bias[direction].to(exact)
            n = torch.tanh(added[:, NEW] + r * q)
            state[rows] = n + z * (before - n)
            states[rows, positions, direction] = state[rows].to(states.dtype)
            if factors is not None:
                new = (1 - z) * (1 - n * n)
                of_step = [new, new * q * r * (1 - r), (before - n) * z * (1 - z), new * r, z]
                factors[direction, rows, step] = torch.stack(of_step, dim=1).to(factors.dtype)


def backward(
    state_gradients: torch.Tensor,
    factors: torch.Tensor,
    lengths: torch.Tensor,
    weight: torch.Tensor,
    gradients: torch.Tensor,
) -> None:
    """What `ops.cuda.backward` computes, step by step: fills `gradients` with those of n, r, z and q."""
    exact = torch.promote_types(weight.dtype, torch.float32)
    for direction, place in enumerate(_walks(lengths)):
        carried = torch.zeros_like(state_gradients[:, 0, 0], dtype=exact)
        recurrent_weight = weight[direction].to(exact)
        for step in reversed(range(factors.shape[2])):
            rows, positions = place(step)
            total = carried[rows] + state_gradients[rows, positions, direction].to(exact)
            *gates, kept = (total.unsqueeze(1) * factors[direction, rows, step].to(exact)).unbind(1)
            gradient = torch.stack(gates, dim=1).to(gradients.dtype)
            gradients[rows, positions, direction] = gradient
            carried[rows] = kept + torch.einsum("bgi,gij->bj", gradient[:, 1:].to(exact), recurrent_weight)


def _walks(lengths: torch.Tensor) -> list[Callable[[int], tuple[torch.Tensor, torch.Tensor]]]:
    """For each direction: a step -> the sequences that have it, and the character each of them is at."""

    def rows_at(step: int) -> torch.Tensor:
        return (lengths > step).nonzero().squeeze(1)

    return [
        lambda step: (rows_at(step), torch.full_like(rows_at(step), step)),
        lambda step: (rows_at(step), lengths[rows_at(step)] - 1 - step),
    ]
