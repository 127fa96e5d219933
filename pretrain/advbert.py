"""AdvBERT (the paper's Section 5): the plain backbone, trained with masked LM on the same noised text."""

import logging
from functools import cache
from typing import Any

import torch
from transformers import PreTrainedModel

from charbert.backbones import find_backbone
from charbert.checkpoints import Tensors, read_checkpoint, read_config
from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError
from charbert.losses import mean_cross_entropy, score_labelled
from charbert.outputs import CharBertForPreTrainingOutput

logger = logging.getLogger(__name__)


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
    ) -> CharBertForPreTrainingOutput:
        """The loss, which is `CharBertForPreTraining`'s `mlm_loss` on its token channel; inputs as there."""
        encoded = self.base_model(input_ids, attention_mask=attention_mask)
        loss = mean_cross_entropy(
            *score_labelled(self.mlm_head, encoded.last_hidden_state, labels, mlm_positions)
        )
        return CharBertForPreTrainingOutput(loss=loss, mlm_loss=loss)


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


def plain_from_backbone(source: str, tokenizer: Any) -> PreTrainedModel:
    """A plain BERT or RoBERTa with its masked-LM head; one that has none gets a fresh one.

    Raises:
        CharBertError: the checkpoint is a CharBERT, cannot be read, lacks a part of the encoder, or has fewer
            tokens than the tokenizer.
    """
    config = read_config(source)
    is_own = config.get("model_type") == CharBertConfig.model_type
    if is_own or (checkpoint := read_checkpoint(source, config)).has_character_channel:
        raise CharBertError(f"{source}: a CharBERT; plain trains a BERT or RoBERTa as itself")
    model_class, prefix = masked_lm_class(checkpoint.backbone), find_backbone(checkpoint.backbone).prefix
    model = model_class(model_class.config_class.from_dict(config))
    if len(tokenizer) > model.config.vocab_size:
        raise CharBertError(
            f"{source}: has {model.config.vocab_size} tokens, but the tokenizer of the run {len(tokenizer)}"
        )
    lacking = _fill(model, checkpoint.tensors, prefix)
    encoder = [name for name in lacking if name.startswith(prefix)]
    if encoder:
        raise CharBertError(
            f"{source}: lacks {len(encoder)} tensors of its config.json's encoder, such as {encoder[0]}"
        )
    if lacking:
        logger.warning(
            "%s: has no weights for %s; these are fresh and must be trained", source, ", ".join(lacking)
        )
    return model


def _fill(model: Any, tensors: Tensors, prefix: str) -> list[str]:
    """Copy what fits into the model; the names of what is not among the tensors."""
    own = model.state_dict()
    # An encoder that was saved alone has no prefix.
    named = {name if name in own else prefix + name: tensor for name, tensor in tensors.items()}
    fitting = {name: tensor for name, tensor in named.items() if name in own}
    fitting = {name: tensor for name, tensor in fitting.items() if tensor.shape == own[name].shape}
    model.load_state_dict(fitting, strict=False)
    return sorted(own.keys() - fitting.keys() - model.all_tied_weights_keys.keys())
