"""The backbone alone, trained with masked LM on the same noised text: the paper's AdvBERT (Section 5)."""

import logging
from typing import Any

import torch
import transformers

from charbert.backbones import BACKBONES
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


# Named as in `transformers`, since a saved model names its class, and anybody is to load it.
class BertForMaskedLM(_ScoresLabelled, transformers.BertForMaskedLM):
    head_name = "cls"


class RobertaForMaskedLM(_ScoresLabelled, transformers.RobertaForMaskedLM):
    head_name = "lm_head"


MaskedLM = BertForMaskedLM | RobertaForMaskedLM
MODELS: dict[str, Any] = {"bert": BertForMaskedLM, "roberta": RobertaForMaskedLM}


def plain_from_backbone(source: str, tokenizer: Any) -> MaskedLM:
    """A plain BERT or RoBERTa with its masked-LM head; one that has none gets a fresh one.

    Raises:
        CharBertError: the checkpoint is a CharBERT, cannot be read, lacks a part of the encoder, or has fewer
            tokens than the tokenizer.
    """
    config = read_config(source)
    is_own = config.get("model_type") == CharBertConfig.model_type
    if is_own or (checkpoint := read_checkpoint(source, config)).has_character_channel:
        raise CharBertError(f"{source}: a CharBERT; plain trains a BERT or RoBERTa as itself")
    model_class, prefix = MODELS[checkpoint.backbone], BACKBONES[checkpoint.backbone].prefix
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
        logger.warning("%s: has no weights for %s; fresh, they want training", source, ", ".join(lacking))
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
