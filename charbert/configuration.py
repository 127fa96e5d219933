"""`CharBertConfig`: the backbone's own configuration, and every size of the character channel."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from charbert.backbones import MODEL_TYPE
from charbert.errors import CharBertError
from charbert.hub import HubClass, auto_map

INTERACTIONS = ("released", "paper", "none")
CHARACTER_ENCODERS = ("gru", "embedding")

# What transformers, its pipelines and peft read from any model's configuration.
BACKBONE_ATTRIBUTES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "classifier_dropout",
    "is_decoder",
    "add_cross_attention",
    "use_cache",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "tie_word_embeddings",
)

PEFT_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads")
"""Of these, what peft reads from the dict of a configuration."""


class CharBertConfig(HubClass, PreTrainedConfig):
    """Configuration of a CharBERT.

    Args:
        backbone_config: the configuration of the subword backbone (BERT or RoBERTa), as an object or a dict
            with `model_type`; BERT-base when left out. Its values are read and set through this object too
            (`config.hidden_size`, `config.vocab_size`, ...).
        character_vocabulary_size: number of characters, the blank (id 0) and `<unk>` (the last) included.
        char_embedding_size: width of a character's embedding, the input of the GRU.
        char_encoder: `"gru"`, or `"embedding"` for the ablation "w/o GRU": the embeddings of a token's first
            and last character stand in place of the GRU's states there.
        interaction: `"released"` (the public checkpoints), `"paper"` (Section 3.2) or `"none"` (the ablation
            "w/o HI").
        interaction_kernel_size: width of the interaction's convolution in positions; odd.
        interaction_per_layer: one interaction for each layer instead of a single shared one.
        word_vocabulary_size: number of words that the noisy LM predicts.
        spelling_length: number of characters in the model's spelling table; 0 for a model that cannot spell.

    Raises:
        CharBertError: a value that no CharBERT can have.
    """

    model_type = MODEL_TYPE
    sub_configs = {"backbone_config": AutoConfig}

    backbone_config: Any = None
    character_vocabulary_size: int = 1001
    char_embedding_size: int = 256
    char_encoder: str = "gru"
    interaction: str = "released"
    interaction_kernel_size: int = 3
    interaction_per_layer: bool = False
    word_vocabulary_size: int = 30001
    spelling_length: int = 0

    def __post_init__(self, **kwargs: Any) -> None:
        given = dict(self.backbone_config) if isinstance(self.backbone_config, dict) else self.backbone_config
        if given is None or isinstance(given, dict):
            self.backbone_config = AutoConfig.for_model(**{"model_type": "bert", **(given or {})})
        # What a subclass of a user has registered stays.
        self.auto_map = auto_map() | (kwargs.pop("auto_map", None) or {})
        super().__post_init__(**kwargs)
        self._check()

    def to_dict(self) -> dict[str, Any]:
        """As in `transformers`, with the backbone's sizes that peft looks for."""
        return super().to_dict() | {name: getattr(self, name) for name in PEFT_SIZES}

    def to_diff_dict(self) -> dict[str, Any]:
        """What `config.json` holds: each value once."""
        return {name: value for name, value in super().to_diff_dict().items() if name not in PEFT_SIZES}

    def _check(self) -> None:
        for name, value, allowed in (
            ("interaction", self.interaction, INTERACTIONS),
            ("char_encoder", self.char_encoder, CHARACTER_ENCODERS),
        ):
            if value not in allowed:
                raise CharBertError(f"{name}={value!r} is unknown; choose one of {', '.join(allowed)}")
        if self.backbone_config.hidden_size % 4:
            raise CharBertError(f"hidden_size={self.backbone_config.hidden_size} must be a multiple of 4")
        if self.interaction_kernel_size % 2 == 0:
            raise CharBertError(f"interaction_kernel_size={self.interaction_kernel_size} must be odd")

    @property
    def char_hidden_size(self) -> int:
        """Units of the GRU in each direction: two directions at two characters make one hidden size."""
        return self.backbone_config.hidden_size // 4


def _delegated(name: str) -> property:
    def read(config: CharBertConfig) -> Any:
        return getattr(config.backbone_config, name)

    def write(config: CharBertConfig, value: Any) -> None:
        setattr(config.backbone_config, name, value)

    return property(read, write, doc=f"`{name}` of the backbone.")


for _name in BACKBONE_ATTRIBUTES:
    setattr(CharBertConfig, _name, _delegated(_name))


def save_config(model: Any, folder: Path) -> None:
    """Save the configuration of a model with its class, where its weights are not saved as they are.

    That of a model with a fresh head has the class of the checkpoint that it was loaded from.
    """
    config = deepcopy(model.config)
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
