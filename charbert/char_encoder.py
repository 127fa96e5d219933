"""The character encoder: characters -> bidirectional GRU -> one vector for each token (Section 3.1)."""

import torch
from torch import nn

from charbert.configuration import CharBertConfig
from charbert.fast_path import compute_dtype, is_unmodified
from charbert.ops import cuda as gru_cuda
from charbert.ops.gru import DirectionalGRU, bidirectional_gru


class CharacterEncoder(nn.Module):
    """Reads the characters of a whole sequence and gives each token the states at its two ends.

    Token i gets [h(first character); h(last character)], where h(j) joins the states of both directions at
    character j. With `char_encoder="embedding"` the characters' embeddings take the place of the states.

    On a GPU, in bf16 or fp16, the states come from a kernel of our own (`charbert.ops`), elsewhere, and where
    that cannot run, from torch's GRU. `fused = False` leaves the kernel out.

    Shape: `char_input_ids` (B, T), `start_ids`, `end_ids`, `attention_mask` (B, L) -> (B, L, H), zero at
    padding.
    """

    fused = True

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__()
        self.recurrent = config.char_encoder == "gru"
        width = config.char_embedding_size if self.recurrent else 2 * config.char_hidden_size
        self.embeddings = nn.Embedding(config.character_vocabulary_size, width)
        if self.recurrent:
            self.forward_gru = DirectionalGRU(width, config.char_hidden_size)
            self.backward_gru = DirectionalGRU(width, config.char_hidden_size)

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
        # The backward direction begins at the separator after the last token.
        last = (end_ids * attention_mask).amax(dim=1, keepdim=True) + 1
        last = last.clamp(max=char_input_ids.shape[1] - 1)
        dtype = self._fused_dtype(char_input_ids.device)
        if dtype is not None:
            layers = self.forward_gru, self.backward_gru
            states = bidirectional_gru(
                self.embeddings.weight, char_input_ids, last.squeeze(1) + 1, layers, dtype
            )
            return torch.cat([_gather(states, start_ids), _gather(states, end_ids)], dim=-1)

        # It reads each sequence reversed within its own length. A packed sequence would do the same, with a
        # copy to the host and, on a CPU, a backward pass some ten times slower.
        positions = torch.arange(char_input_ids.shape[1], device=char_input_ids.device)
        reversed_ids = char_input_ids.gather(1, (last - positions).clamp(min=0))
        forward_states = self.forward_gru(self.embeddings(char_input_ids))
        backward_states = self.backward_gru(self.embeddings(reversed_ids))
        return torch.cat(
            [
                _gather(forward_states, start_ids),
                _gather(backward_states, (last - start_ids).clamp(min=0)),
                _gather(forward_states, end_ids),
                _gather(backward_states, (last - end_ids).clamp(min=0)),
            ],
            dim=-1,
        )

    def skips_padding(self, device: torch.device) -> bool:
        """Whether characters after a sequence's end cost nothing there: the kernel ends where it ends.

        With gradients they do, since it keeps factors of all characters.
        """
        return self.recurrent and not torch.is_grad_enabled() and self._fused_dtype(device) is not None

    def _fused_dtype(self, device: torch.device) -> torch.dtype | None:
        """The type the kernel is to compute in; None where torch's GRU is to run."""
        if not (self.fused and device.type == "cuda" and self._is_plain()):
            return None
        dtype = compute_dtype(self.forward_gru.weight_hh_l0)
        return dtype if gru_cuda.usable(device.index, self.forward_gru.hidden_size, dtype) else None

    def _is_plain(self) -> bool:
        """Whether nothing but the weights of the embeddings and of both directions counts."""
        layers = self.forward_gru, self.backward_gru
        return is_unmodified(self.embeddings, nn.Embedding, "weight") and all(
            is_unmodified(layer, DirectionalGRU, "weight_ih_l0", "weight_hh_l0") for layer in layers
        )


def _gather(states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """`states` (B, T, D) at `positions` (B, L) -> (B, L, D)."""
    return states.gather(1, positions.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
