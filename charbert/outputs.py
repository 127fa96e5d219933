"""Model outputs: the states of both channels, losses and logits, as dataclasses of `transformers`."""

from dataclasses import dataclass

import torch
from transformers.utils import ModelOutput


@dataclass
class CharBertModelOutput(ModelOutput):
    """What the dual-channel encoder returns; B sentences, L tokens, H units, A heads, N layers.

    `last_hidden_state`, `char_last_hidden_state`: (B, L, H), the token and the character channel.
    `pooler_output`, `char_pooler_output`: (B, H), the first position of each through the backbone's pooler.
    `hidden_states`, `char_hidden_states`: N + 1 tensors (B, L, H), the inputs of the first layer and what the
    interaction gave after each; None in the place of one that was not asked for.
    `attentions`, `char_attentions`: N tensors (B, A, L, L), or (B, A, L, V + L) with V virtual tokens of a
    delta, which are nowhere else in the output.
    """

    # Always there; ModelOutput allows only one field without a default.
    last_hidden_state: torch.Tensor = None  # type: ignore[assignment]
    char_last_hidden_state: torch.Tensor = None  # type: ignore[assignment]
    pooler_output: torch.Tensor | None = None
    char_pooler_output: torch.Tensor | None = None
    hidden_states: tuple[torch.Tensor | None, ...] | None = None
    char_hidden_states: tuple[torch.Tensor | None, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None
    char_attentions: tuple[torch.Tensor, ...] | None = None


@dataclass
class CharBertForPreTrainingOutput(ModelOutput):
    """Losses where labels were given, logits where they were not.

    `loss` = `mlm_loss` + `nlm_loss`; each the mean over its labelled positions, 0 where there are none.
    `mlm_logits` (B, L, V) over tokens, `nlm_logits` (B, L, W) over words.
    """

    loss: torch.Tensor | None = None
    mlm_loss: torch.Tensor | None = None
    nlm_loss: torch.Tensor | None = None
    mlm_logits: torch.Tensor | None = None
    nlm_logits: torch.Tensor | None = None
    hidden_states: tuple[torch.Tensor | None, ...] | None = None
    char_hidden_states: tuple[torch.Tensor | None, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None
    char_attentions: tuple[torch.Tensor, ...] | None = None
