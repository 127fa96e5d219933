"""Losses of masked LM, noisy LM and the fine-tuning heads: mean cross-entropy over labelled positions."""

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
    head: nn.Module, states: torch.Tensor, labels: torch.Tensor, positions: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The head's scores at the labelled positions alone, and their labels.

    To find these the host waits for the device, unless they are given: `positions` b * L + i, then -1 up to
    any length, at which the label is -100.

    Shape: `states` (B, L, H), `labels` (B, L), `positions` (N,) -> (N, V), (N,) for N positions.
    """
    if positions is None:
        labelled = labels != IGNORED
        return head(states[labelled]), labels[labelled]
    indices = positions.clamp(min=0)
    found = labels.flatten().index_select(0, indices).masked_fill(positions < 0, IGNORED)
    return head(states.flatten(0, 1).index_select(0, indices)), found


def language_model_loss(
    head: nn.Module, states: torch.Tensor, labels: torch.Tensor, positions: torch.Tensor | None = None
) -> torch.Tensor:
    """Masked-LM loss of the token channel, or noisy-LM loss of the character channel (Section 3.3).

    Both are the mean cross-entropy at the labelled positions: with original tokens at masked ones, with the
    ids of original words at the pieces of noised ones. `CharBertForPreTraining` adds the two.

    Shape: `states` (B, L, H), `labels` (B, L), `positions` as of `score_labelled` -> a number.
    """
    return mean_cross_entropy(*score_labelled(head, states, labels, positions))
