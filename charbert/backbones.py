"""Backbones: the registry of the subword encoders that a CharBERT can be built around.

`register_backbone` adds one; everything that differs between BERT and RoBERTa is a field of its entry, where
classes are named, to be imported when they are used.
"""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, NamedTuple

from charbert.errors import CharBertError

MODEL_TYPE = "charbert"
"""Of a CharBERT in `config.json`, whatever its backbone."""
Names = tuple[tuple[str, str], ...]


class Backbone(NamedTuple):
    """One kind of backbone, whose model has `embeddings` and `encoder.layer` as BERT's has."""

    model_type: str
    """Its name in `config.json`."""
    prefix: str
    """What the names of the encoder's tensors begin with in a plain checkpoint with a head."""
    tokenizer: str
    """The class of the fast tokenizer of a folder that names none, as `package.Name`."""
    masked_lm: str
    """The class of its masked LM, as `package.Name`."""
    masked_lm_head: str
    """The attribute of `masked_lm` that holds its head."""
    head_names: Names
    """Beginnings of the names of the language-model heads' tensors: (theirs, ours)."""
    type_vocab_size: int = 2
    """Token types of a model that is trained from scratch."""
    padding_offset: bool = False
    """Whether the positions up to the id of the padding token are kept free, as in RoBERTa."""

    @property
    def tokenizer_class(self) -> Any:
        return resolve_name(self.tokenizer)

    @property
    def masked_lm_class(self) -> Any:
        return resolve_name(self.masked_lm)

    def max_position_embeddings(self, max_length: int, pad_token_id: int) -> int:
        """Positions that a model from scratch needs for inputs of `max_length` tokens."""
        return max_length + (pad_token_id + 1 if self.padding_offset else 0)

    def max_length(self, max_position_embeddings: int, pad_token_id: int) -> int:
        """The longest input of a model with so many positions, in tokens."""
        return max_position_embeddings - self.max_position_embeddings(0, pad_token_id)


BACKBONES: dict[str, Backbone] = {}


def register_backbone(backbone: Backbone) -> None:
    """Make a backbone known to loading, conversion and pre-training, under its `model_type`."""
    BACKBONES[backbone.model_type] = backbone


def is_charbert(config: Mapping[str, Any]) -> bool:
    """Whether the content of a `config.json` is that of a CharBERT in this project's format."""
    return config.get("model_type") == MODEL_TYPE


def find_backbone(model_type: str) -> Backbone:
    """The entry of a model type.

    Raises:
        CharBertError: there is none.
    """
    if model_type not in BACKBONES:
        raise CharBertError(f"no backbone {model_type!r}; choose one of {', '.join(BACKBONES)}")
    return BACKBONES[model_type]


def backbone_of(model: Any) -> Any:
    """The encoder with the layers: of a CharBERT its backbone, of a plain model all but its head."""
    return getattr(model.base_model, "backbone", model.base_model)


def layers_of(model: Any) -> Any:
    """The layers of a CharBERT, or of a plain model that has them where BERT has; None if it has not."""
    return getattr(getattr(backbone_of(model), "encoder", None), "layer", None)


def max_tokens(position_embeddings: Any) -> int:
    """The longest input, in tokens, for which a table of position embeddings has rows."""
    # RoBERTa keeps the rows up to that of the padding token free.
    padding = position_embeddings.padding_idx
    return position_embeddings.num_embeddings - (0 if padding is None else padding + 1)


def longest_input(model: Any) -> int | None:
    """What a CharBERT, its export or a plain model can read, in tokens; None without a table of positions."""
    if (known := getattr(model, "max_tokens", None)) is not None:
        return known
    positions = getattr(getattr(backbone_of(model), "embeddings", None), "position_embeddings", None)
    return None if positions is None else max_tokens(positions)


def check_length(model: Any, max_length: int) -> None:
    """Refuse inputs that are longer than a model's position embeddings: a CharBERT's or a plain model's.

    Raises:
        CharBertError: `max_length` is greater than what it can read.
    """
    longest = longest_input(model)
    if longest is not None and max_length > longest:
        raise CharBertError(
            f"--max-length: {max_length}, but the model has {longest} positions; give {longest} or less"
        )


register_backbone(
    Backbone(
        model_type="bert",
        prefix="bert.",
        tokenizer="transformers.BertTokenizerFast",
        masked_lm="transformers.BertForMaskedLM",
        masked_lm_head="cls",
        head_names=(
            ("cls.predictions.transform.dense.", "mlm_head.dense."),
            ("cls.predictions.transform.LayerNorm.", "mlm_head.layer_norm."),
            ("cls.predictions.decoder.weight", "mlm_head.decoder.weight"),
            ("cls.predictions.bias", "mlm_head.decoder.bias"),
            ("cls.predictions.adv_transform.dense.", "nlm_head.dense."),
            ("cls.predictions.adv_transform.LayerNorm.", "nlm_head.layer_norm."),
            ("cls.predictions.adv_decoder.", "nlm_head.decoder."),
        ),
    )
)
register_backbone(
    Backbone(
        model_type="roberta",
        prefix="roberta.",
        tokenizer="transformers.RobertaTokenizerFast",
        masked_lm="transformers.RobertaForMaskedLM",
        masked_lm_head="lm_head",
        head_names=(
            ("lm_head.dense.", "mlm_head.dense."),
            ("lm_head.layer_norm.", "mlm_head.layer_norm."),
            ("lm_head.decoder.weight", "mlm_head.decoder.weight"),
            ("lm_head.bias", "mlm_head.decoder.bias"),
            ("lm_head.char_dense.", "nlm_head.dense."),
            ("lm_head.adv_decoder.", "nlm_head.decoder."),
        ),
        type_vocab_size=1,
        padding_offset=True,
    )
)
