"""Feature-based probe of the paper: a Bi-LSTM tagger over a frozen encoder."""

from copy import deepcopy
from typing import Any, Self

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput
from transformers.utils.generic import can_return_tuple

from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError
from charbert.losses import mean_cross_entropy
from finetune.settings import FEATURES, PROBE_SIZE

LAYERS = 2  # of the paper
TOKEN, CHARACTER, SUM, CONCATENATION = FEATURES


class ProbeConfig(PreTrainedConfig):
    """Configuration of a probe.

    Args:
        encoder_config: the configuration of the frozen encoder, as an object or a dict with `model_type`;
            BERT-base when left out.
        features: what the LSTM reads: the last states of the `"token"` or of the `"character"` channel, their
            `"sum"`, or their `"concatenation"`. An encoder that is no CharBERT has only `"token"`.
        lstm_hidden_size: units of the LSTM in each direction; 768 in the paper.
        lstm_layers: its layers; 2 in the paper.

    Raises:
        CharBertError: features that are unknown, or that this encoder does not have.
    """

    model_type = "charbert_probe"
    sub_configs = {"encoder_config": AutoConfig}

    encoder_config: Any = None
    features: str = TOKEN
    lstm_hidden_size: int = PROBE_SIZE
    lstm_layers: int = LAYERS

    def __post_init__(self, **kwargs: Any) -> None:
        given = self.encoder_config
        if not isinstance(given, PreTrainedConfig):
            self.encoder_config = AutoConfig.for_model(**{"model_type": "bert", **(given or {})})
        super().__post_init__(**kwargs)
        if self.features not in FEATURES:
            raise CharBertError(f"--probe: {self.features!r} is unknown; choose one of {', '.join(FEATURES)}")
        if self.features != TOKEN and not isinstance(self.encoder_config, CharBertConfig):
            raise CharBertError(
                f"--probe {self.features} needs a CharBERT, and this model is a plain "
                f"{self.encoder_config.model_type}, which has no character channel; choose {TOKEN!r}"
            )


class ProbeForTokenClassification(PreTrainedModel):
    """A label for each token, by a bidirectional LSTM and a linear layer over what a frozen encoder gives.

    The encoder stays in evaluation mode, in training too, and gets no gradients.

    Args:
        config: says what is read from which encoder.
        encoder: the encoder; a fresh one of the configuration when left out, for weights to be loaded into.
    """

    config_class = ProbeConfig
    base_model_prefix = "encoder"
    # Asking for it does no harm: there are no gradients of the encoder to save memory for.
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    # The loss is a mean over labelled positions of each batch, so the Trainer does the averaging over steps.
    accepts_loss_kwargs = False

    def __init__(self, config: ProbeConfig, encoder: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        width = config.encoder_config.hidden_size * (2 if config.features == CONCATENATION else 1)
        self.lstm = nn.LSTM(
            width, config.lstm_hidden_size, config.lstm_layers, batch_first=True, bidirectional=True
        )
        self.classifier = nn.Linear(2 * config.lstm_hidden_size, config.num_labels)
        self.post_init()
        # Only now, so that no weight of the encoder is drawn anew. The encoder of a token classifier is one
        # without a pooler, which has no use here.
        if encoder is None:
            encoder = AutoModelForTokenClassification.from_config(config.encoder_config).base_model
        self.encoder = encoder
        self.train()

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        # Here too: loading makes the weights anew, as ones that learn, and then asks for evaluation mode.
        self.encoder.requires_grad_(False).eval()
        return self

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Label each token: `logits` (B, L, num_labels).

        Args:
            input_ids, attention_mask: (B, L); the mask is 0 at padding.
            labels: (B, L) classes, -100 where there is none.
            inputs: all else that the encoder takes.
        """
        with torch.no_grad():
            encoded = self.encoder(input_ids, attention_mask, **inputs, return_dict=True)
            features = self._features(encoded)
        logits = self.classifier(self._contextual(features, attention_mask))
        loss = None if labels is None else mean_cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(
            loss=loss, logits=logits, hidden_states=encoded.hidden_states, attentions=encoded.attentions
        )

    def _features(self, encoded: Any) -> torch.Tensor:
        """(B, L, H), or (B, L, 2H) for both channels side by side."""
        if self.config.features == TOKEN:
            return encoded.last_hidden_state
        if self.config.features == CHARACTER:
            return encoded.char_last_hidden_state
        if self.config.features == SUM:
            return encoded.last_hidden_state + encoded.char_last_hidden_state
        return torch.cat([encoded.last_hidden_state, encoded.char_last_hidden_state], dim=-1)

    # Shapes follow from the lengths here, and the LSTM is a kernel of its own: nothing to compile.
    @torch.compiler.disable
    def _contextual(self, features: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
        """The states of the LSTM, (B, L, 2U), 0 at padding, which neither direction sees."""
        if attention_mask is None:
            attention_mask = features.new_ones(features.shape[:2])
        real = attention_mask.bool()
        sentences = features[real].split(real.sum(dim=1).tolist())
        states, _ = self.lstm(pack_sequence(sentences, enforce_sorted=False))
        found = torch.cat(unpack_sequence(states))
        padded = found.new_zeros(*real.shape, found.shape[-1])
        return padded.masked_scatter(real.unsqueeze(-1), found)


def build_probe(
    model: PreTrainedModel, features: str, lstm_hidden_size: int = PROBE_SIZE
) -> ProbeForTokenClassification:
    """A fresh probe with the labels of a token classifier on its encoder, which the two share then.

    Args:
        model: a token classifier, of which the encoder alone is used.
        features: one of `FEATURES`.
        lstm_hidden_size: as of `ProbeConfig`.

    Raises:
        CharBertError: the encoder does not have these features.
    """
    register_probe()
    encoder = model.base_model
    config = ProbeConfig(
        # A copy, since the choice of attention in a configuration is set anew where it is nested in another.
        encoder_config=deepcopy(encoder.config),
        features=features,
        lstm_hidden_size=lstm_hidden_size,
        id2label=model.config.id2label,
        label2id=model.config.label2id,
        attn_implementation=encoder.config._attn_implementation,
    )
    return ProbeForTokenClassification(config, encoder)


def register_probe() -> None:
    """Let the Auto classes of `transformers` load saved probes."""
    AutoConfig.register(ProbeConfig.model_type, ProbeConfig, exist_ok=True)
    AutoModelForTokenClassification.register(ProbeConfig, ProbeForTokenClassification, exist_ok=True)
