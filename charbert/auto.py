"""The models by Auto class of `transformers`, and their registration."""

from collections.abc import Mapping
from typing import Any

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from charbert import heads, lm_heads
from charbert.configuration import CharBertConfig
from charbert.correction.pipeline import register_pipelines
from charbert.errors import CharBertError
from charbert.modeling import CharBertModel
from charbert.tokenization import CharBertTokenizer

MODELS = {
    AutoModel: CharBertModel,
    AutoModelForPreTraining: lm_heads.CharBertForPreTraining,
    AutoModelForMaskedLM: lm_heads.CharBertForMaskedLM,
    AutoModelForTokenClassification: heads.CharBertForTokenClassification,
    AutoModelForSequenceClassification: heads.CharBertForSequenceClassification,
    AutoModelForQuestionAnswering: heads.CharBertForQuestionAnswering,
    AutoModelForMultipleChoice: heads.CharBertForMultipleChoice,
}


def register() -> None:
    """Register the configuration, the models, the tokenizer and the pipeline; safe to call again."""
    AutoConfig.register(CharBertConfig.model_type, CharBertConfig, exist_ok=True)
    for auto_class, model_class in MODELS.items():
        auto_class.register(CharBertConfig, model_class, exist_ok=True)
    AutoTokenizer.register(CharBertConfig, fast_tokenizer_class=CharBertTokenizer, exist_ok=True)
    register_pipelines()


def find_class(source: Any, config: Mapping[str, Any]) -> Any:
    """The class of the model that a `config.json` names.

    Raises:
        CharBertError: it is none of a CharBERT.
    """
    classes = {each.__name__: each for each in MODELS.values()}
    named = next(iter(config.get("architectures") or ()), None)
    if named not in classes:
        raise CharBertError(
            f"{source}: config.json names the architecture {named!r}, which is unknown; known are "
            f"{', '.join(classes)}"
        )
    return classes[named]
