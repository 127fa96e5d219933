"""Virtual tokens: prompt tuning, P-tuning, prefix tuning and P-tuning v2, in both channels."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from charbert.modeling import CharBertModel

States = Iterator[tuple[torch.Tensor, torch.Tensor]]


class VirtualTokens(nn.Module):
    """V virtual tokens that the attention of both channels sees beside the real ones.

    `encoder` is one of peft's prompt encoders, or an `nn.Embedding` once it is folded: it gives a row for
    each virtual token of the token channel, and after them one for each of the character channel.
    """

    def __init__(self, encoder: nn.Module, count: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.count = count
        self.rows = nn.Buffer(torch.arange(2 * count), persistent=False)
        self.visible = nn.Buffer(torch.ones(count, dtype=torch.long), persistent=False)

    def vectors(self) -> torch.Tensor:
        """(2, V, D), by channel."""
        return self.encoder(self.rows).unflatten(0, (2, self.count))

    @torch.no_grad()
    def folded(self) -> torch.Tensor:
        """(2V, D): what the encoder gives, which replaces it after training."""
        return self.encoder(self.rows)

    @torch.no_grad()
    def fold(self, vectors: torch.Tensor | None = None) -> None:
        """Put a table of `vectors` (2V, D), or of what it gives, in the place of the encoder."""
        given = self.folded() if vectors is None else vectors
        self.encoder = nn.Embedding.from_pretrained(given.clone(), freeze=False)

    def run(
        self,
        layers: Callable[..., States],
        tokens: torch.Tensor,
        characters: torch.Tensor,
        mask: torch.Tensor,
        padded: bool,
        separate: bool,
    ) -> States:
        """`CharBertModel._layers` with the virtual tokens; the states are those of the real ones."""
        raise NotImplementedError

    def trim(self, attention: torch.Tensor) -> torch.Tensor:
        """Attention weights of a layer -> (B, A, L, V + L): those of the real tokens, to virtual and real."""
        return attention

    def _attended(self, mask: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.visible.expand(len(mask), -1), mask], dim=1)


class Prompt(VirtualTokens):
    """Virtual tokens from the first layer on: D = H, what that layer gets in place of embeddings.

    They take no position of the backbone. `gap` positions between them and the real ones are padding, so
    that the interaction's convolution mixes neither with the other.
    """

    def __init__(self, encoder: nn.Module, count: int, gap: int) -> None:
        super().__init__(encoder, count)
        self.gap = gap

    def run(
        self,
        layers: Callable[..., States],
        tokens: torch.Tensor,
        characters: torch.Tensor,
        mask: torch.Tensor,
        padded: bool,
        separate: bool,
    ) -> States:
        virtual = F.pad(self.vectors().to(tokens.dtype), (0, 0, 0, self.gap))
        both = (
            torch.cat([ours.expand(len(mask), -1, -1), real], dim=1)
            for ours, real in zip(virtual, (tokens, characters), strict=True)
        )
        first = virtual.shape[1]
        mask = self._attended(F.pad(mask, (self.gap, 0)))
        for states in layers(*both, mask, True, separate):
            yield states[0][:, first:], states[1][:, first:]

    def trim(self, attention: torch.Tensor) -> torch.Tensor:
        first = self.count + self.gap
        rows = attention[:, :, first:]
        return torch.cat([rows[..., : self.count], rows[..., first:]], dim=-1)


class Prefix(VirtualTokens):
    """Virtual tokens as keys and values of every layer's attention: D = N * 2 * H."""

    def __init__(self, encoder: nn.Module, count: int, layers: int, heads: int) -> None:
        super().__init__(encoder, count)
        self.layers, self.heads = layers, heads

    def run(
        self,
        layers: Callable[..., States],
        tokens: torch.Tensor,
        characters: torch.Tensor,
        mask: torch.Tensor,
        padded: bool,
        separate: bool,
    ) -> States:
        # (2, V, D) -> (N, 2 for key and value, 2, A, V, H / A)
        past = self.vectors().unflatten(-1, (self.layers, 2, self.heads, -1)).permute(2, 3, 0, 4, 1, 5)
        channels = 1 if separate else 2
        prefixes = [[_Past(*part) for part in layer.split(channels, dim=1)] for layer in past]
        yield from layers(tokens, characters, mask, True, separate, prefixes, self._attended(mask))


class _Past:
    """Keys and values of virtual tokens in C channels, (C, A, V, D), in place of a cache of `transformers`.

    It stays as it is, so that a layer that is computed again by gradient checkpointing finds the same.
    """

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        self.keys, self.values = keys, values

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, *_args: Any, **_options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Put them before those of the real tokens, (C * B, A, L, D)."""
        return _prepend(self.keys, keys), _prepend(self.values, values)


def _prepend(virtual: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    rows = virtual.to(real.dtype).repeat_interleave(len(real) // len(virtual), dim=0)
    return torch.cat([rows, real], dim=-2)


@torch.no_grad()
def sample_states(model: CharBertModel, count: int) -> torch.Tensor:
    """What the first layer gets of `count` random tokens, (2, count, H): a start for virtual tokens."""
    ids = torch.randint(model.config.vocab_size, (count,), device="cpu").to(model.device)
    embeddings, training = model.backbone.embeddings, model.backbone.embeddings.training
    embeddings.eval()
    parts = []
    for part in ids.split(model.max_tokens):
        mask = torch.ones_like(part)[None]
        tokens = embeddings(input_ids=part[None])
        characters = model.char_encoder(*model.spelling_table(part[None], mask), mask)
        parts.append(torch.cat([tokens, characters.to(tokens.dtype)]))
    embeddings.train(training)
    return torch.cat(parts, dim=1)
