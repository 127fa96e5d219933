"""Fast paths: checks whether a module is unmodified, so that faster code may take its place."""

import torch
from torch import nn


def is_unmodified(module: nn.Module, kind: type[nn.Module], *weights: str) -> bool:
    """Whether a call of `module` does what `kind` does with its weights, and nothing else.

    It does not where there is an adapter, a hook, a quantised weight, or another `forward`.
    """
    if type(module) is not kind or "forward" in vars(module):
        return False
    hooks = (
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    )
    # While a wrapper holds a weight, as FSDP does, it may be a tensor.
    ordinary = all(type(getattr(module, name)) in (nn.Parameter, torch.Tensor) for name in weights)
    return ordinary and not any(hooks)


def compute_dtype(tensor: torch.Tensor) -> torch.dtype:
    """What a matrix product with `tensor` is computed in: its own type, or that of autocast."""
    device = tensor.device.type
    if tensor.dtype == torch.float64 or device == "meta" or not torch.is_autocast_enabled(device):
        return tensor.dtype
    return torch.get_autocast_dtype(device)


@torch.compiler.assume_constant_result
def is_exporting() -> bool:
    """Whether `torch.export` is tracing. (To Dynamo, torch's own is always true in torch 2.11.)"""
    return torch.compiler.is_exporting()
