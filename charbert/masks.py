"""The attention mask of the layers."""

import torch
from transformers import PreTrainedConfig
from transformers.masking_utils import create_bidirectional_mask

from charbert.inspection import dtype_of_products


def layer_mask(
    config: PreTrainedConfig, states: torch.Tensor, attention_mask: torch.Tensor
) -> torch.Tensor | None:
    """What the layers of a backbone take as their attention mask, in the form its attention asks for.

    Shape: `states` (B, L, H), `attention_mask` (B, L), 0 at padding.

    On a GPU, sdpa gets a row of numbers to add for each sequence, expanded to (B, 1, L, L): attention reads
    it out of the cache, and the host does not wait for its values, as it would to see whether one is needed.
    """
    if states.device.type != "cuda" or config._attn_implementation != "sdpa":
        return create_bidirectional_mask(config=config, inputs_embeds=states, attention_mask=attention_mask)
    dtype = dtype_of_products(states)
    row = torch.zeros(attention_mask.shape, dtype=dtype, device=states.device)
    row = row.masked_fill(attention_mask == 0, torch.finfo(dtype).min)
    return row[:, None, None].expand(-1, 1, states.shape[1], -1)
