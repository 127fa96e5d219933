"""Heterogeneous interaction: fuse both channels with a convolution over positions, then divide them again."""

import torch
from torch import nn
from torch.nn import functional as F

from charbert.configuration import CharBertConfig


class HeterogeneousInteraction(nn.Module):
    """One step of fusing and dividing the channels t (tokens) and h (characters), Section 3.2.

    `"released"`: m = Conv([W1 t; W2 h]); T = LN(t + m), H = LN(h + m).
    `"paper"`: m = tanh(Conv([W1 t + b1; W2 h + b2])); T = LN(t + gelu(W4 m + b4)), H likewise with W5, b5.

    Shape: `tokens`, `characters` (B, L, H), `mask` (B, L, 1) -> two tensors (B, L, H). Padding is zero before
    the convolution, so that it reaches no neighbour.
    """

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.nonlinear = config.interaction == "paper"
        self.token_projection = nn.Linear(size, size, bias=self.nonlinear)
        self.char_projection = nn.Linear(size, size, bias=self.nonlinear)
        kernel_size = config.interaction_kernel_size
        self.convolution = nn.Conv1d(2 * size, size, kernel_size, padding=kernel_size // 2)
        if self.nonlinear:
            self.token_output = nn.Linear(size, size)
            self.char_output = nn.Linear(size, size)
        self.token_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.char_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)

    def forward(
        self, tokens: torch.Tensor, characters: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        both = torch.cat([self.token_projection(tokens), self.char_projection(characters)], dim=-1) * mask
        fused = self.convolution(both.transpose(1, 2)).transpose(1, 2)
        if self.nonlinear:
            fused = torch.tanh(fused)
            token_part, char_part = F.gelu(self.token_output(fused)), F.gelu(self.char_output(fused))
        else:
            token_part = char_part = fused
        return self.token_norm(tokens + token_part), self.char_norm(characters + char_part)
