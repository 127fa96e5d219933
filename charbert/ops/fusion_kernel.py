"""The Triton kernel of `charbert::interact`: sums the taps of the convolution, adds and normalises."""

import torch
import triton
import triton.language as tl


@triton.jit
def _normalized(states, fused, weight, shift, out, units, inside, eps, SIZE: tl.constexpr):
    """One channel at one position: LN(state + fused)."""
    total = tl.load(states + units, inside, other=0.0).to(tl.float32) + fused
    mean = tl.sum(tl.where(inside, total, 0.0)) / SIZE
    centred = tl.where(inside, total - mean, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(centred * centred) / SIZE + eps)
    weight = tl.load(weight + units, inside, other=0.0).to(tl.float32)
    shift = tl.load(shift + units, inside, other=0.0).to(tl.float32)
    tl.store(out + units, (centred * scale * weight + shift).to(out.dtype.element_ty), inside)


@triton.jit
def _kernel(
    both, made, mask, bias, token_weight, token_shift, char_weight, char_shift, out,
    positions, length, eps, SIZE: tl.constexpr, TAPS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    units = tl.arange(0, BLOCK)
    inside = units < SIZE
    fused = tl.load(bias + units, inside, other=0.0).to(tl.float32)
    for tap in tl.static_range(TAPS):
        place = row % length + tap - TAPS // 2
        near = row + tap - TAPS // 2
        there = (place >= 0) & (place < length)
        there = there & (tl.load(mask + near, there, other=0.0).to(tl.float32) != 0.0)
        start = near * (TAPS * SIZE) + tap * SIZE
        fused += tl.load(made + start + units, inside & there, other=0.0).to(tl.float32)
    tokens = row * SIZE
    characters = (positions + row) * SIZE
    _normalized(both + tokens, fused, token_weight, token_shift, out + tokens, units, inside, eps, SIZE)
    _normalized(both + characters, fused, char_weight, char_shift, out + characters, units, inside, eps, SIZE)


def add_and_normalize(
    both: torch.Tensor,
    made: torch.Tensor,
    mask: torch.Tensor,
    bias: torch.Tensor,
    norms: list[torch.Tensor],
    eps: float,
) -> torch.Tensor:
    """The channels (2 B, L, H) from `both`, the taps `made` (B, L, k * H) and the norms; see `interact`."""
    both, out = both.contiguous(), both.new_empty(both.shape)
    length, size = both.shape[1:]
    positions = made.shape[0] * length
    if positions:
        with torch.cuda.device(both.device):
            _kernel[(positions,)](
                both, made.contiguous(), mask.contiguous(), bias, *norms, out,
                positions, length, eps, size, made.shape[-1] // size, triton.next_power_of_2(size),
            )  # fmt: skip
    return out
