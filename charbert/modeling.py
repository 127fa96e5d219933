"""`CharBertModel`: two channels through one backbone, fused and divided after every layer (Section 3)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel
from transformers.utils import logging
from transformers.utils.generic import can_return_tuple

from charbert.backbones import max_tokens
from charbert.char_encoder import CharacterEncoder
from charbert.checkpoints import DELTA
from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError, name_failures
from charbert.fast_path import layer_attention_mask
from charbert.hub import HubClass
from charbert.interaction import HeterogeneousInteraction, fold, run_fused
from charbert.loading import PretrainedLoading
from charbert.ops.gru import DirectionalGRU
from charbert.outputs import CharBertModelOutput
from charbert.spelling import (
    BLANK_ID,
    NO_SPELLING,
    SpelledInputs,
    SpellingTable,
    check_tokens,
    token_spellings,
    tokenizer_characters,
)
from charbert.vocabulary import Vocabulary

logger = logging.get_logger(f"transformers.{__name__}")


class CharBertPreTrainedModel(HubClass, PretrainedLoading, PreTrainedModel):
    """Weights, loading and saving, the same for every CharBERT."""

    config_class = CharBertConfig
    base_model_prefix = "charbert"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    # The loss is a mean over labelled positions of each batch, so the Trainer does the averaging over steps.
    accepts_loss_kwargs = False
    input_axes: tuple[str, ...] = ("batch", "length")
    """What the dimensions of `input_ids` are."""

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, DirectionalGRU | SpellingTable):
            module.reset_parameters()

    def save_pretrained(self, save_directory: str | PathLike[str], *args: Any, **kwargs: Any) -> None:
        """As in `transformers`, with a model card where there is no README.md; checkpoints get none.

        Raises:
            CharBertError: the folder cannot be written, or a delta is on, whose modules would not be loaded.
        """
        from charbert.tuning.model import has_delta

        if has_delta(self):
            raise CharBertError(
                "a delta is on, and the model cannot be saved with it; save it alone by "
                "charbert.tuning.save_delta, or call merge_delta or use_delta(model, None) before"
            )
        if (Path(save_directory) / DELTA).exists():
            raise CharBertError(
                f"{save_directory}: holds a delta, which would be loaded; give another folder"
            )
        with name_failures(Path(save_directory)):
            super().save_pretrained(save_directory, *args, **kwargs)

    def complete_folder(self, folder: Path) -> None:
        from charbert.hub.cards import Facts, write_card

        super().complete_folder(folder)
        write_card(folder, Facts(parameters=self.num_parameters()))

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
        tokenizer: Any = None,
    ) -> nn.Embedding:
        """Resize the token embeddings, and the spelling table with them.

        Args:
            tokenizer: a `CharBertTokenizer`, by which the added tokens are spelled. Without it each of them
                is one blank, as a special token is.
        """
        from charbert.tuning.model import deltas_of

        if new_num_tokens is not None and deltas_of(self) is not None:
            raise CharBertError("this model is the base of deltas; resize and save it before add_delta")
        embeddings = super().resize_token_embeddings(new_num_tokens, pad_to_multiple_of, mean_resizing)
        self.base_model.resize_spelling(embeddings.num_embeddings, tokenizer)
        return embeddings

    def set_spelling(self, tokenizer: Any, characters: Vocabulary | None = None) -> None:
        """Build the spelling table from a fast tokenizer, and from its own characters if none are given.

        Raises:
            CharBertError: the tokenizer or the characters are not those of this model.
        """
        self.base_model.build_spelling(tokenizer, characters)

    @property
    def spelling_table(self) -> SpellingTable:
        """How the model spells its tokens.

        Raises:
            CharBertError: it cannot: the checkpoint came without a character vocabulary.
        """
        if self.base_model.spelling is None:
            raise CharBertError(NO_SPELLING)
        return self.base_model.spelling


class CharBertModel(CharBertPreTrainedModel):
    """The dual-channel encoder around `transformers`' own BERT or RoBERTa.

    The models with a head leave out the pooler, which none of them uses.

    Give `input_ids` alone and the model spells the tokens by its table; explicit `char_input_ids`,
    `start_ids` and `end_ids` win over the table.
    """

    _keys_to_ignore_on_load_unexpected = [r"^mlm_head\.", r"^nlm_head\.", r"^classifier\.", r"^qa_outputs\."]

    def __init__(self, config: CharBertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.backbone_config, add_pooling_layer=add_pooling_layer)
        self.char_encoder = CharacterEncoder(config)
        interactions = config.num_hidden_layers if config.interaction_per_layer else 1
        self.interactions = nn.ModuleList(
            HeterogeneousInteraction(config)
            for _ in range(0 if config.interaction == "none" else interactions)
        )
        self.spelling = (
            SpellingTable(config.vocab_size, config.spelling_length) if config.spelling_length else None
        )
        self.register_module("prompt", None)  # virtual tokens of a delta, see `charbert.tuning.prompts`
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.backbone.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.backbone.set_input_embeddings(value)

    def start_interactions(self, offset: float = 0.0) -> None:
        """Let the states of a pre-trained backbone through fresh interactions nearly as they are.

        Args:
            offset: of `HeterogeneousInteraction.start_as_identity`.
        """
        layers, steps = self.backbone.encoder.layer, len(self.interactions)
        for number, interaction in enumerate(self.interactions):
            assert isinstance(interaction, HeterogeneousInteraction)
            interaction.start_as_identity([layer.output.LayerNorm for layer in layers[number::steps]], offset)

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens."""
        return max_tokens(self.backbone.embeddings.position_embeddings)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        char_input_ids: torch.Tensor | None = None,
        start_ids: torch.Tensor | None = None,
        end_ids: torch.Tensor | None = None,
        output_hidden_states: bool | int | Sequence[int] | None = None,
        output_attentions: bool | None = None,
        use_cache: bool | None = None,
    ) -> CharBertModelOutput:
        """Encode a batch in both channels.

        Args:
            input_ids, attention_mask, token_type_ids, position_ids: (B, L), as for the backbone.
            inputs_embeds: (B, L, H) in place of `input_ids`; then the spelled inputs are needed.
            char_input_ids: (B, T) characters of each sequence, a blank after each token.
            start_ids, end_ids: (B, L) positions of each token's first and last character.
            output_hidden_states: whether all are kept, or which of the N + 1, counted from the end if
                negative; the others are None then.
            use_cache: taken as every encoder takes it, and without effect: there is nothing to cache.

        Raises:
            CharBertError: nothing to encode, nothing to spell from, or more tokens than the backbone has
                positions.
        """
        if input_ids is not None and inputs_embeds is None:
            batch_size, length = input_ids.shape
        elif inputs_embeds is not None and input_ids is None:
            batch_size, length = inputs_embeds.shape[:2]
        else:
            raise CharBertError("give exactly one of input_ids and inputs_embeds")
        if length > self.max_tokens:
            raise CharBertError(
                f"{length} tokens in a sequence, but the backbone has {self.max_tokens} positions: truncate"
            )
        if attention_mask is None:
            mask = torch.ones(batch_size, length, dtype=torch.long, device=self.device)
        else:
            mask = attention_mask.long()
        spelled = self._spell(input_ids, mask, char_input_ids, start_ids, end_ids)

        tokens = self.backbone.embeddings(
            input_ids=input_ids,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        characters = self.char_encoder(*spelled, mask).to(tokens.dtype)

        kept = _selected(
            _choose(output_hidden_states, self.config.output_hidden_states), self.config.num_hidden_layers + 1
        )
        keep_attentions = bool(_choose(output_attentions, self.config.output_attentions))
        states: list[tuple[torch.Tensor | None, torch.Tensor | None]] = []
        run = self._layers if self.prompt is None else partial(self.prompt.run, self._layers)
        with self._record_attentions(keep_attentions) as attentions:
            layers = run(tokens, characters, mask, attention_mask is not None, keep_attentions)
            for number, (tokens, characters) in enumerate(layers):
                states.append((tokens, characters) if kept and number in kept else (None, None))
        if self.prompt is not None:
            attentions = [self.prompt.trim(weights) for weights in attentions]
        pooler = self.backbone.pooler
        return CharBertModelOutput(
            last_hidden_state=tokens,
            char_last_hidden_state=characters,
            pooler_output=None if pooler is None else pooler(tokens),
            char_pooler_output=None if pooler is None else pooler(characters),
            hidden_states=None if kept is None else tuple(token for token, _ in states),
            char_hidden_states=None if kept is None else tuple(character for _, character in states),
            attentions=tuple(attentions[::2]) if keep_attentions else None,
            char_attentions=tuple(attentions[1::2]) if keep_attentions else None,
        )

    def _layers(
        self,
        tokens: torch.Tensor,
        characters: torch.Tensor,
        mask: torch.Tensor,
        padded: bool,
        separate: bool,
        prefixes: Sequence[Sequence[Any]] | None = None,
        attended: torch.Tensor | None = None,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Both channels before the first layer and after each.

        They share the weights of a layer, so one call of it serves both, unless `separate`: then each has its
        own, and the attention weights of each are tensors that gradients reach.

        Args:
            prefixes: past keys and values for each call of each layer, 1 or, if `separate`, 2.
            attended: (B, V + L), the mask of these keys and the tokens'; `mask` if there are none.
        """
        layers = self.backbone.encoder.layer
        both = tokens if separate else torch.cat([tokens, characters])
        rows = mask if attended is None else attended
        rows = rows if separate else rows.repeat(2, 1)
        attention_mask = layer_attention_mask(self.backbone.config, both, rows) if padded else None
        position_mask = mask.unsqueeze(-1).to(tokens.dtype)
        interactions = [
            (interaction, fold(interaction, mask.numel(), uses=len(layers) // len(self.interactions)))
            for interaction in self.interactions
        ]
        yield tokens, characters
        fused: torch.Tensor | None = None
        for index, layer in enumerate(layers):
            # Positional, because a layer that is checkpointed drops past keys and values given by name.
            past = [(None, None, each) for each in prefixes[index]] if prefixes else [()]
            if separate:
                tokens = layer(tokens, attention_mask, *past[0])
                characters = layer(characters, attention_mask, *past[-1])
            else:
                both = torch.cat([tokens, characters]) if fused is None else fused
                both = layer(both, attention_mask, *past[0])
                tokens, characters = both.unflatten(0, (2, -1)).unbind(0)
            if interactions:
                interaction, folded = interactions[index % len(interactions)]
                fused = None if separate else run_fused(interaction, both, position_mask, folded)
                given = tokens, characters, position_mask, folded
                tokens, characters = interaction(*given) if fused is None else fused.chunk(2)
            yield tokens, characters

    def _spell(
        self,
        input_ids: torch.Tensor | None,
        mask: torch.Tensor,
        char_input_ids: torch.Tensor | None,
        start_ids: torch.Tensor | None,
        end_ids: torch.Tensor | None,
    ) -> SpelledInputs:
        if char_input_ids is not None and start_ids is not None and end_ids is not None:
            if start_ids.shape != mask.shape or end_ids.shape != mask.shape:
                raise CharBertError(
                    f"start_ids {tuple(start_ids.shape)} and end_ids {tuple(end_ids.shape)} must have the "
                    f"shape of the tokens, {tuple(mask.shape)}"
                )
            return SpelledInputs(char_input_ids, start_ids, end_ids)
        if any(given is not None for given in (char_input_ids, start_ids, end_ids)):
            raise CharBertError("char_input_ids, start_ids and end_ids belong together: give all three")
        if input_ids is None:
            raise CharBertError(
                "nothing can be spelled from inputs_embeds: give char_input_ids, start_ids and end_ids too"
            )
        return self.spelling_table(input_ids, mask, bounded=self.char_encoder.skips_padding(input_ids.device))

    @contextmanager
    def _record_attentions(self, enabled: bool) -> Iterator[list[torch.Tensor]]:
        """A list that the attention weights (B, A, L, L) of each call of a layer are added to meanwhile."""
        recorded: list[torch.Tensor] = []
        if not enabled:
            yield recorded
            return
        if self.config._attn_implementation != "eager":
            raise CharBertError(
                "output_attentions=True needs a model loaded with attn_implementation='eager'"
            )
        handles = [
            layer.attention.self.register_forward_hook(
                lambda _module, _inputs, output: recorded.append(output[1])
            )
            for layer in self.backbone.encoder.layer
        ]
        try:
            yield recorded
        finally:
            for handle in handles:
                handle.remove()

    def build_spelling(self, tokenizer: Any, characters: Vocabulary | None = None) -> None:
        """See `CharBertPreTrainedModel.set_spelling`."""
        characters = tokenizer_characters(tokenizer) if characters is None else characters
        if len(characters) != self.config.character_vocabulary_size:
            raise CharBertError(
                f"a vocabulary of {len(characters)} characters does not fit this model, which has "
                f"{self.config.character_vocabulary_size}"
            )
        rows = self.config.vocab_size
        # Without a table the rows beyond the tokenizer's may be anything, as after `resize_token_embeddings`.
        check_tokens(tokenizer, rows, self.spelling or SpellingTable(rows, 0))
        self._set_table(token_spellings(tokenizer, characters, self.config.vocab_size))

    def resize_spelling(self, vocab_size: int, tokenizer: Any = None) -> None:
        """Cut or extend the table to `vocab_size` tokens, the new ones as `tokenizer` spells them."""
        if self.spelling is None:
            return
        if self.spelling.is_empty:
            self.spelling, self.config.spelling_length = None, 0
            return
        old = self.spelling.spellings()
        if vocab_size <= len(old):
            return self._set_table(old[:vocab_size])
        if tokenizer is None:
            logger.warning("The added tokens are spelled as blanks: pass tokenizer= to spell them.")
            return self._set_table(old + [[BLANK_ID]] * (vocab_size - len(old)))
        self._set_table(
            old + token_spellings(tokenizer, tokenizer_characters(tokenizer), vocab_size)[len(old) :]
        )

    def _set_table(self, spellings: list[list[int]]) -> None:
        self.spelling = SpellingTable.from_spellings(spellings).to(self.device)
        self.config.spelling_length = len(self.spelling.characters)


def _choose(given: Any, configured: Any) -> Any:
    return configured if given is None else given


def _selected(asked: bool | int | Sequence[int] | None, count: int) -> set[int] | None:
    """Which of `count` hidden states are kept; None for none, without a place for them.

    Raises:
        CharBertError: there is no such hidden state.
    """
    if asked is None or isinstance(asked, bool):
        return set(range(count)) if asked else None
    indices = [asked] if isinstance(asked, int) else list(asked)
    if outside := [index for index in indices if not -count <= index < count]:
        raise CharBertError(
            f"output_hidden_states={outside}: this model has the hidden states 0 to {count - 1}"
        )
    return {index % count for index in indices}
