"""CharBERT with the heads of pre-training: masked LM and noisy LM (Section 3.3)."""

from typing import Any

import torch
from torch import nn
from transformers.activations import ACT2FN
from transformers.modeling_outputs import MaskedLMOutput
from transformers.utils.generic import can_return_tuple

from charbert.configuration import CharBertConfig
from charbert.losses import language_model_loss, mean_cross_entropy
from charbert.modeling import CharBertModel, CharBertPreTrainedModel
from charbert.outputs import CharBertForPreTrainingOutput


class PredictionHead(nn.Module):
    """Hidden state -> dense, activation, norm -> scores over a vocabulary. Shape: (..., H) -> (..., V)."""

    def __init__(self, config: CharBertConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACT2FN[config.hidden_act]
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, vocabulary_size)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.layer_norm(self.activation(self.dense(states))))


class _MaskedLanguageModel(CharBertPreTrainedModel):
    """What the two models with a masked-LM head share: the head, tied to the token embeddings."""

    _tied_weights_keys = {"mlm_head.decoder.weight": "charbert.backbone.embeddings.word_embeddings.weight"}

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.charbert = CharBertModel(config, add_pooling_layer=False)
        self.mlm_head = PredictionHead(config, config.vocab_size)

    def get_output_embeddings(self) -> nn.Linear:
        return self.mlm_head.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.mlm_head.decoder = new_embeddings


class CharBertForPreTraining(_MaskedLanguageModel):
    """Masked LM on the token channel, noisy LM on the character channel."""

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.nlm_head = PredictionHead(config, config.word_vocabulary_size)
        self.post_init()

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
        labels: torch.Tensor | None = None,
        nlm_labels: torch.Tensor | None = None,
        mlm_positions: torch.Tensor | None = None,
        nlm_positions: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> CharBertForPreTrainingOutput:
        """Score both tasks; inputs as for `CharBertModel`.

        Args:
            labels: (B, L) original tokens at masked positions, -100 elsewhere.
            nlm_labels: (B, L) original word at every piece of a noised word, -100 elsewhere.
            mlm_positions, nlm_positions: (P,) where `labels` and `nlm_labels` are not -100, as b * L + i, and
                -1 after them up to any length. They give the same losses without a wait: the host need not
                count, and all shapes follow from those of the inputs.

        A task with labels gives its loss and scores its labelled positions only; one without gives logits.
        """
        tokens = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        spelled = (char_input_ids, start_ids, end_ids)
        encoded = self.charbert(*tokens, *spelled, return_dict=True, **kwargs)
        output = CharBertForPreTrainingOutput(
            hidden_states=encoded.hidden_states,
            char_hidden_states=encoded.char_hidden_states,
            attentions=encoded.attentions,
            char_attentions=encoded.char_attentions,
        )
        if labels is None:
            output.mlm_logits = self.mlm_head(encoded.last_hidden_state)
        else:
            output.mlm_loss = language_model_loss(
                self.mlm_head, encoded.last_hidden_state, labels, mlm_positions
            )
        if nlm_labels is None:
            output.nlm_logits = self.nlm_head(encoded.char_last_hidden_state)
        else:
            output.nlm_loss = language_model_loss(
                self.nlm_head, encoded.char_last_hidden_state, nlm_labels, nlm_positions
            )
        losses = [loss for loss in (output.mlm_loss, output.nlm_loss) if loss is not None]
        if losses:
            output.loss = torch.stack(losses).sum()
        return output


class CharBertForMaskedLM(_MaskedLanguageModel):
    """The masked-LM head alone, for the `fill-mask` pipeline."""

    _keys_to_ignore_on_load_unexpected = [r"^nlm_head\."]

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.post_init()

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
        labels: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> MaskedLMOutput:
        """Score every token; inputs as for `CharBertModel`, `logits` (B, L, V).

        Args:
            labels: (B, L) original tokens at masked positions, -100 elsewhere.
        """
        tokens = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        spelled = (char_input_ids, start_ids, end_ids)
        encoded = self.charbert(*tokens, *spelled, return_dict=True, **kwargs)
        logits = self.mlm_head(encoded.last_hidden_state)
        loss = None if labels is None else mean_cross_entropy(logits.flatten(0, 1), labels.flatten())
        return MaskedLMOutput(
            loss=loss, logits=logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )
