"""AdvBERT (the paper's Section 5): the plain backbone, trained with masked LM on the same noised text."""

from functools import cache
from typing import Any

import torch
from transformers import PreTrainedModel

from charbert.backbones import find_backbone, is_charbert
from charbert.checkpoints import compare_tensors, load_fitting, read_checkpoint, read_config
from charbert.distillation.student import refuse_new_parts
from charbert.errors import CharBertError, reading
from charbert.loading import encoder_faults, refuse_partial, say_what_is_new
from charbert.losses import mean_cross_entropy, score_labelled
from charbert.outputs import CharBertForPreTrainingOutput
from charbert.spelling import check_tokens


class _ScoresLabelled:
    """Of a masked LM of `transformers`: its head scores the labelled positions only."""

    # As of CharBERT's models, so that the Trainer averages both over steps alike.
    accepts_loss_kwargs = False
    base_model: Any
    head_name: str

    @property
    def mlm_head(self) -> Any:
        """Shape: (..., H) -> (..., V)."""
        return getattr(self, self.head_name)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        mlm_positions: torch.Tensor | None = None,
        output_hidden_states: Any = None,
    ) -> CharBertForPreTrainingOutput:
        """The loss, which is `CharBertForPreTraining`'s `mlm_loss` on its token channel; inputs as there."""
        encoded = self.base_model(
            input_ids, attention_mask=attention_mask, output_hidden_states=bool(output_hidden_states)
        )
        loss = mean_cross_entropy(
            *score_labelled(self.mlm_head, encoded.last_hidden_state, labels, mlm_positions)
        )
        return CharBertForPreTrainingOutput(loss=loss, mlm_loss=loss, hidden_states=encoded.hidden_states)


@cache
def masked_lm_class(model_type: str) -> Any:
    """The masked LM of a backbone, which computes scores at the labelled positions only.

    It is named as in `transformers`, since a saved model names its class, and anybody is to load it.

    Raises:
        CharBertError: no backbone has this `model_type`.
    """
    backbone = find_backbone(model_type)
    return type(
        backbone.masked_lm_class.__name__,
        (_ScoresLabelled, backbone.masked_lm_class),
        {"head_name": backbone.masked_lm_head, "__module__": __name__},
    )


def plain_from_backbone(source: str, tokenizer: Any, needs_head: bool = False) -> PreTrainedModel:
    """A plain BERT or RoBERTa with its masked-LM head; one that has none gets a fresh one, or is refused.

    Raises:
        CharBertError: the checkpoint is a CharBERT, cannot be read, fits the encoder only in part, or has
            other tokens than the tokenizer; or it has no head, and needs one.
    """
    config = read_config(source)
    is_own = is_charbert(config)
    if is_own or (checkpoint := read_checkpoint(source, config)).has_character_channel:
        raise CharBertError(f"{source}: a CharBERT; plain trains a BERT or RoBERTa as itself")
    model_class = masked_lm_class(checkpoint.backbone)
    with reading(source, "a model"):
        model = model_class(model_class.config_class.from_dict(config))
    check_tokens(tokenizer, model.config.vocab_size)
    own, prefix = model.state_dict().keys(), find_backbone(checkpoint.backbone).prefix
    # An encoder that was saved alone has no prefix.
    named = {name if name in own else prefix + name: tensor for name, tensor in checkpoint.tensors.items()}
    info = compare_tensors(model, named)
    info["missing_keys"] -= model.all_tied_weights_keys.keys()
    refuse_partial(source, *encoder_faults(model, info))
    load_fitting(model, named)
    (refuse_new_parts if needs_head else say_what_is_new)(model, source, info)
    return model
