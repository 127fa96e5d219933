"""Fast paths: whether a module is unmodified, so that faster code may take its place; attention masks."""

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers.masking_utils import create_bidirectional_mask


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


def layer_attention_mask(
    config: PreTrainedConfig, states: torch.Tensor, attention_mask: torch.Tensor
) -> torch.Tensor | None:
    """The attention mask of a backbone's layers, in the form that its attention implementation takes.

    Shape: `states` (B, L, H), `attention_mask` (B, L), 0 at padding.

    On a GPU, sdpa gets a row of numbers to add for each sequence, expanded to (B, 1, L, L): attention reads
    it from the cache, and the host does not wait for its values, as it would to see whether one is needed.
    """
    on_cpu = states.device.type != "cuda" and not is_exporting()
    if on_cpu or config._attn_implementation != "sdpa":
        return create_bidirectional_mask(config=config, inputs_embeds=states, attention_mask=attention_mask)
    make = _numbers_to_add if is_exporting() or torch.is_grad_enabled() else mask_row
    row = make(attention_mask, compute_dtype(states))
    return row[:, None, None].expand(-1, 1, states.shape[1], -1)


def _numbers_to_add(attention_mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    row = torch.zeros(attention_mask.shape, dtype=dtype, device=attention_mask.device)
    return row.masked_fill(attention_mask == 0, torch.finfo(dtype).min)


@torch.library.custom_op("charbert::mask_row", mutates_args=())
def mask_row(attention_mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The row (B, L) as one operator: made in the graph, the compiler writes it out for all pairs."""
    return _numbers_to_add(attention_mask, dtype)


@mask_row.register_fake
def _(attention_mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return attention_mask.new_empty(attention_mask.shape, dtype=dtype)
