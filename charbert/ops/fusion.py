"""An interaction in inference on a GPU, as the operator `charbert::interact`: a copy, a product and a kernel.

The convolution is one matrix by then (`charbert.interaction.fold`). Its product gives what each position adds
to itself and to its neighbours; the kernel sums these taps, adds them to both channels, and normalises.
"""

import functools

import torch
from torch.nn import functional as F
from transformers.utils import logging

logger = logging.get_logger(f"transformers.{__name__}")

TYPES = (torch.bfloat16, torch.float16)


@torch.compiler.assume_constant_result
def usable(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the kernel runs on this device, in this type.

    The first call for a GPU tries it. It is Triton's, which comes with torch for CUDA and needs a C compiler.
    If it cannot run, the reason is logged once.
    """
    if device.type != "cuda" or dtype not in TYPES or torch.version.cuda is None:
        return False
    reason = _refusal(device, dtype)
    if reason:
        logger.warning_once(f"Interactions run as modules, which is slower: {reason}")
    return not reason


@functools.cache
def _refusal(device: torch.device, dtype: torch.dtype) -> str:
    """Why the kernel cannot be had; empty where it can."""
    try:
        from charbert.ops.fusion_kernel import add_and_normalize

        both = torch.zeros(2, 1, 16, dtype=dtype, device=device)
        add_and_normalize(both, both[:1], both[:1, :, :1], both[0, 0], [both[0, 0]] * 4, 1.0)
    except Exception as error:  # Triton's have no other class in common
        return f"Triton: {error}".strip().partition("\n")[0]
    return ""


@torch.library.custom_op("charbert::interact", mutates_args=())
def interact(
    both: torch.Tensor,
    mask: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    norms: list[torch.Tensor],
    eps: float,
) -> torch.Tensor:
    """T = LN(t + m), H = LN(h + m) with m = Conv([t; h]), of the channels t (tokens) and h (characters).

    Shape: `both` (2 B, L, H), tokens first, `mask` (B, L, 1), zero at padding, `weight` (k * H, 2 H), tap by
    tap, `bias` (H,), `norms` weight and bias of either norm (H,) -> (2 B, L, H).
    """
    made = F.linear(torch.cat(both.chunk(2), dim=-1), weight)
    if both.is_cuda:
        from charbert.ops.fusion_kernel import add_and_normalize  # there is no Triton beside torch for a CPU

        return add_and_normalize(both, made, mask, bias, norms, eps)
    return _add_and_normalize(both, made, mask, bias, norms, eps)


@interact.register_fake
def _(both: torch.Tensor, *_: object) -> torch.Tensor:
    return both.new_empty(both.shape)


def _add_and_normalize(
    both: torch.Tensor,
    made: torch.Tensor,
    mask: torch.Tensor,
    bias: torch.Tensor,
    norms: list[torch.Tensor],
    eps: float,
) -> torch.Tensor:
    """What the kernel computes, in plain torch: the reference that it is tested by."""
    length, size = both.shape[1:]
    taps = (made * mask).float().unflatten(-1, (-1, size)).unbind(2)
    middle = len(taps) // 2
    fused = bias.float()
    for number, tap in enumerate(taps):
        padded = F.pad(tap, (0, 0, middle, middle))
        fused = fused + padded[:, number : number + length]
    channels = [
        F.layer_norm(channel.float() + fused, (size,), weight.float(), shift.float(), eps)
        for channel, weight, shift in zip(both.chunk(2), norms[::2], norms[1::2], strict=True)
    ]
    return torch.cat(channels).to(both.dtype)
