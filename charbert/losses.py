"""The losses of the heads: means over labelled positions."""

import torch
from torch import nn
from torch.nn import functional as F

IGNORED = -100


def mean_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean over labelled positions, computed in fp32 or better; 0, not NaN, where none is labelled.

    Shape: `logits` (N, V), `labels` (N,) with -100 where there is none -> a number.
    """
    scores = logits.to(torch.promote_types(logits.dtype, torch.float32))
    total = F.cross_entropy(scores, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)


def score_labelled(
    head: nn.Module, states: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The head's scores at the labelled positions alone, and their labels.

    Shape: `states` (B, L, H), `labels` (B, L) -> (N, V), (N,) for N labelled positions.
    """
    labelled = labels != IGNORED
    return head(states[labelled]), labels[labelled]
