"""CharBERT with a head of fine-tuning: both channels side by side (Section 3.4)."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_outputs import (
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.utils.generic import can_return_tuple

from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError
from charbert.losses import IGNORED, mean_cross_entropy
from charbert.modeling import CharBertModel, CharBertPreTrainedModel
from charbert.outputs import CharBertModelOutput


class _TaskModel(CharBertPreTrainedModel):
    """What the fine-tuning models share: an encoder, and dropout before the linear layer of the task."""

    _keys_to_ignore_on_load_unexpected = [r"^mlm_head\.", r"^nlm_head\."]

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.charbert = CharBertModel(config, add_pooling_layer=False)
        rate = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if rate is None else rate)

    def joined(self, encoded: CharBertModelOutput) -> torch.Tensor:
        """Both channels at each position, (B, L, 2H)."""
        return self.dropout(torch.cat([encoded.last_hidden_state, encoded.char_last_hidden_state], dim=-1))

    def joined_mean(self, encoded: CharBertModelOutput, attention_mask: torch.Tensor | None) -> torch.Tensor:
        """The mean of both channels over unpadded positions, (B, 2H)."""
        joined = torch.cat([encoded.last_hidden_state, encoded.char_last_hidden_state], dim=-1)
        mask = (
            joined.new_ones(joined.shape[:2]) if attention_mask is None else attention_mask.to(joined.dtype)
        )
        total = (joined * mask.unsqueeze(-1)).sum(dim=1)
        return self.dropout(total / mask.sum(dim=1, keepdim=True).clamp(min=1))


class CharBertForTokenClassification(_TaskModel):
    """A label for each token: named entities, parts of speech."""

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(2 * config.hidden_size, config.num_labels)
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
    ) -> TokenClassifierOutput:
        """Label each token; inputs as for `CharBertModel`, `logits` (B, L, num_labels).

        Args:
            labels: (B, L) classes, -100 where there is none.
        """
        tokens = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        spelled = (char_input_ids, start_ids, end_ids)
        encoded = self.charbert(*tokens, *spelled, return_dict=True, **kwargs)
        logits = self.classifier(self.joined(encoded))
        loss = None if labels is None else mean_cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(
            loss=loss, logits=logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )


class CharBertForSequenceClassification(_TaskModel):
    """A label, several labels, or a number for each sequence or pair of sequences."""

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(2 * config.hidden_size, config.num_labels)
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
    ) -> SequenceClassifierOutput:
        """Label each sequence; inputs as for `CharBertModel`, `logits` (B, num_labels).

        Args:
            labels: (B,) classes or numbers, or (B, num_labels) of 0. and 1. for several labels at once. Which
                of these is said by `config.problem_type`, or follows from `num_labels` and the type of the
                labels, as everywhere in `transformers`.
        """
        tokens = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        spelled = (char_input_ids, start_ids, end_ids)
        encoded = self.charbert(*tokens, *spelled, return_dict=True, **kwargs)
        logits = self.classifier(self.joined_mean(encoded, attention_mask))
        loss = None if labels is None else self.loss_function(labels, logits, self.config)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )


class CharBertForMultipleChoice(_TaskModel):
    """Picks one of several sequences."""

    input_axes = ("batch", "choices", "length")

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(2 * config.hidden_size, 1)
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
    ) -> MultipleChoiceModelOutput:
        """Score each choice; inputs as for `CharBertModel` but (B, C, ...) for C choices, `logits` (B, C).

        Args:
            labels: (B,) the right choices.
        """
        given = input_ids if input_ids is not None else inputs_embeds
        if given is None:
            raise CharBertError("give exactly one of input_ids and inputs_embeds")
        choices = given.shape[1]
        tokens = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        spelled = (char_input_ids, start_ids, end_ids)
        flat = [None if each is None else each.flatten(0, 1) for each in (*tokens, *spelled)]
        encoded = self.charbert(*flat, return_dict=True, **kwargs)
        logits = self.classifier(self.joined_mean(encoded, flat[1])).view(-1, choices)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return MultipleChoiceModelOutput(
            loss=loss, logits=logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )


class CharBertForQuestionAnswering(_TaskModel):
    """The start and the end of an answer in a text."""

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__(config)
        self.qa_outputs = nn.Linear(2 * config.hidden_size, 2)
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
        start_positions: torch.Tensor | None = None,
        end_positions: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> QuestionAnsweringModelOutput:
        """Score each token as start and end; inputs as for `CharBertModel`, both logits (B, L).

        Args:
            start_positions, end_positions: (B,) tokens; a position outside the sequence counts for nothing.
        """
        tokens = (input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        spelled = (char_input_ids, start_ids, end_ids)
        encoded = self.charbert(*tokens, *spelled, return_dict=True, **kwargs)
        start_logits, end_logits = self.qa_outputs(self.joined(encoded)).unbind(dim=-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            losses = [
                _position_loss(start_logits, start_positions),
                _position_loss(end_logits, end_positions),
            ]
            loss = torch.stack(losses).mean()
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )


def _position_loss(logits: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    outside = (positions < 0) | (positions >= logits.shape[1])
    return mean_cross_entropy(logits, positions.masked_fill(outside, IGNORED))
