"""The character encoder: characters -> bidirectional GRU -> one vector for each token (Section 3.1)."""

import torch
from torch import nn

from charbert.configuration import CharBertConfig


class CharacterEncoder(nn.Module):
    """Reads the characters of a whole sequence and gives each token the states at its two ends.

    Token i gets [h(first character); h(last character)], where h(j) joins the states of both directions at
    character j. With `char_encoder="embedding"` the characters' embeddings take the place of the states.

    Shape: `char_input_ids` (B, T), `start_ids`, `end_ids`, `attention_mask` (B, L) -> (B, L, H), zero at
    padding.
    """

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__()
        self.recurrent = config.char_encoder == "gru"
        width = config.char_embedding_size if self.recurrent else 2 * config.char_hidden_size
        self.embeddings = nn.Embedding(config.character_vocabulary_size, width)
        if self.recurrent:
            self.forward_gru = nn.GRU(width, config.char_hidden_size, batch_first=True)
            self.backward_gru = nn.GRU(width, config.char_hidden_size, batch_first=True)

    def forward(
        self,
        char_input_ids: torch.Tensor,
        start_ids: torch.Tensor,
        end_ids: torch.Tensor,
        attention_mask: torch.Tensor,
    ) -> torch.Tensor:
        if self.recurrent:
            vectors = self._states_at(char_input_ids, start_ids, end_ids, attention_mask)
        else:
            characters = self.embeddings(char_input_ids)
            vectors = torch.cat([_gather(characters, start_ids), _gather(characters, end_ids)], dim=-1)
        return vectors * attention_mask.unsqueeze(-1).to(vectors.dtype)

    def _states_at(
        self,
        char_input_ids: torch.Tensor,
        start_ids: torch.Tensor,
        end_ids: torch.Tensor,
        attention_mask: torch.Tensor,
    ) -> torch.Tensor:
        # The backward direction reads each sequence reversed within its own length, so it starts at the last
        # real character. A packed sequence would do the same, with a copy to the host and, on a CPU, a
        # backward pass some ten times slower.
        last = (end_ids * attention_mask).amax(dim=1, keepdim=True) + 1  # the separator after the last token
        last = last.clamp(max=char_input_ids.shape[1] - 1)
        positions = torch.arange(char_input_ids.shape[1], device=char_input_ids.device)
        reversed_ids = char_input_ids.gather(1, (last - positions).clamp(min=0))

        forward_states, _ = self.forward_gru(self.embeddings(char_input_ids))
        backward_states, _ = self.backward_gru(self.embeddings(reversed_ids))
        return torch.cat(
            [
                _gather(forward_states, start_ids),
                _gather(backward_states, (last - start_ids).clamp(min=0)),
                _gather(forward_states, end_ids),
                _gather(backward_states, (last - end_ids).clamp(min=0)),
            ],
            dim=-1,
        )


def _gather(states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """`states` (B, T, D) at `positions` (B, L) -> (B, L, D)."""
    return states.gather(1, positions.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
