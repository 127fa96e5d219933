"""Virtual tokens: prompt tuning, P-tuning, prefix tuning and P-tuning v2, in both channels."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from charbert.modeling import CharBertModel
from charbert.tuning.delta import Delta, Tensors, encoder_of, require_charbert
from charbert.tuning.low_rank import import_peft, task_type
from charbert.tuning.settings import TuningSettings

CHANNELS = 2
SAVED = "prompt_embeddings"
"""The name of the folded vectors in a saved delta, as peft's."""
States = Iterator[tuple[torch.Tensor, torch.Tensor]]


class VirtualTokens(nn.Module, ABC):
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

    @abstractmethod
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

    def trim(self, attention: torch.Tensor) -> torch.Tensor:
        """Attention weights of a layer -> (B, A, L, V + L): those of the real tokens, to virtual and real."""
        return attention

    def _attended(self, mask: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.visible.expand(mask.shape[0], -1), mask], dim=1)


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
            torch.cat([ours.expand(mask.shape[0], -1, -1), real], dim=1)
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
    rows = virtual.to(real.dtype).unsqueeze(1).expand(-1, real.shape[0] // len(virtual), -1, -1, -1)
    return torch.cat([rows.flatten(0, 1), real], dim=-2)


class _Prompts(Delta, ABC):
    """A method of the prompt family; peft's configuration and prompt encoder, and this project's forward."""

    config_class: ClassVar[str]
    """Of peft."""

    def __init__(self, settings: TuningSettings, folded: bool = False) -> None:
        super().__init__(settings, folded)
        import_peft()
        self._tokens: VirtualTokens | None = None

    def check(self, model: Any) -> None:
        require_charbert(model, f"--tuning {self.settings.tuning}")

    def config(self, model: Any) -> Any:
        """What peft is given, and what is written: a row for each virtual token of each channel."""
        backbone = model.config.backbone_config
        return getattr(import_peft(), self.config_class)(
            num_virtual_tokens=CHANNELS * self.settings.virtual_tokens,
            num_transformer_submodules=1,
            token_dim=backbone.hidden_size,
            num_layers=backbone.num_hidden_layers,
            num_attention_heads=backbone.num_attention_heads,
            task_type=task_type(model),
            **self.options(),
        )

    def options(self) -> dict[str, Any]:
        """Arguments of peft's configuration that differ by method."""
        return {}

    @abstractmethod
    def encoder(self, model: Any) -> nn.Module:
        """A new one, of peft."""

    def virtual_tokens(self, encoder: nn.Module, model: CharBertModel) -> VirtualTokens:
        """What puts the rows of `encoder` into the forward pass."""
        kernel_size = model.config.interaction_kernel_size if model.interactions else 0
        return Prompt(encoder, self.settings.virtual_tokens, gap=kernel_size // 2)

    def width(self, config: Any) -> int:
        """Numbers of a virtual token in a channel."""
        return config.token_dim

    def attach(self, model: Any) -> None:
        config, charbert = self.config(model), encoder_of(model)
        if self.folded:
            encoder: nn.Module = nn.Embedding(config.num_virtual_tokens, self.width(config))
        else:
            encoder = self.encoder(model)
        self._tokens = charbert.prompt = self.virtual_tokens(encoder, charbert).to(model.device)

    def detach(self, model: Any) -> None:
        encoder_of(model).prompt = self._tokens = None

    def file_name(self, name: str) -> str:
        return SAVED if self.folded else super().file_name(name)

    def fold(self, tensors: Tensors) -> Tensors:
        assert self._tokens is not None
        kept = {name: tensor for name, tensor in tensors.items() if ".prompt." not in name}
        return kept | {SAVED: self._tokens.folded().cpu().contiguous()}

    def write_config(self, model: Any, folder: Path, base: str | None) -> None:
        config = self.config(model)
        config.base_model_name_or_path, config.inference_mode = base, True
        config.save_pretrained(folder)


class PromptTuning(_Prompts):
    """A table of vectors, which begin as random tokens (Lester et al. 2021)."""

    config_class = "PromptTuningConfig"

    def encoder(self, model: Any) -> nn.Module:
        encoder = import_peft().PromptEmbedding(self.config(model), encoder_of(model).get_input_embeddings())
        set_table(encoder, sample_states(encoder_of(model), self.settings.virtual_tokens))
        return encoder


class PTuning(_Prompts):
    """Vectors that come out of an MLP, which is folded on saving (Liu et al. 2021)."""

    config_class = "PromptEncoderConfig"

    def options(self) -> dict[str, Any]:
        return {"encoder_hidden_size": self.settings.prompt_units}

    def encoder(self, model: Any) -> nn.Module:
        return import_peft().PromptEncoder(self.config(model))


class PrefixTuning(_Prompts):
    """Keys and values of every layer that come out of an MLP, folded on saving (Li and Liang 2021)."""

    config_class = "PrefixTuningConfig"

    def options(self) -> dict[str, Any]:
        return {"encoder_hidden_size": self.settings.prompt_units, "prefix_projection": True}

    def encoder(self, model: Any) -> nn.Module:
        return import_peft().PrefixEncoder(self.config(model))

    def virtual_tokens(self, encoder: nn.Module, model: CharBertModel) -> VirtualTokens:
        layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
        return Prefix(encoder, self.settings.virtual_tokens, layers, heads)

    def width(self, config: Any) -> int:
        return 2 * config.num_layers * config.token_dim


class PTuningV2(PrefixTuning):
    """Keys and values of every layer, which begin as those of random tokens (Liu et al. 2022)."""

    def options(self) -> dict[str, Any]:
        return {}

    def encoder(self, model: Any) -> nn.Module:
        encoder = super().encoder(model)
        set_table(encoder, sample_past(encoder_of(model), self.settings.virtual_tokens))
        return encoder


@torch.no_grad()
def set_table(encoder: Any, vectors: torch.Tensor) -> None:
    """Copy vectors (2, V, D) into the embedding of a prompt encoder."""
    encoder.embedding.weight.copy_(vectors.flatten(0, 1))


@torch.no_grad()
def sample_states(model: CharBertModel, count: int) -> torch.Tensor:
    """What the first layer gets of `count` random tokens: (2, count, H).

    A model that cannot spell them begins the character channel with the states of the tokens.
    """
    ids = torch.randint(model.config.vocab_size, (1, count)).to(model.device)
    parts = []
    with _without_dropout(model):
        for part in ids.split(model.max_tokens, dim=1):
            mask = torch.ones_like(part)
            tokens = characters = model.backbone.embeddings(input_ids=part)
            if model.spelling is not None:
                characters = model.char_encoder(*model.spelling(part, mask), mask).to(tokens.dtype)
            parts.append(torch.cat([tokens, characters]))
    return torch.cat(parts, dim=1)


@torch.no_grad()
def sample_past(model: CharBertModel, count: int) -> torch.Tensor:
    """Keys and values of `count` random tokens in each layer: (2, count, N * 2 * H)."""
    tokens, characters = sample_states(model, count).split(1)
    recorded: list[torch.Tensor] = []
    handles = [
        part.register_forward_hook(lambda _module, _inputs, output: recorded.append(output))
        for layer in model.backbone.encoder.layer
        for part in (layer.attention.self.key, layer.attention.self.value)
    ]
    mask = torch.ones(1, count, dtype=torch.long, device=tokens.device)
    try:
        with _without_dropout(model):
            for _ in model._layers(tokens, characters, mask, False, False):
                pass
    finally:
        for handle in handles:
            handle.remove()
    return torch.cat(recorded, dim=-1)


@contextmanager
def _without_dropout(model: nn.Module) -> Iterator[None]:
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
