"""CharBERT: a character-aware encoder for text with typos, OCR errors and the spelling of real users.

Importing this package makes CharBERT known to `transformers`' Auto classes as soon as those are imported. The
names below are imported when they are used, so that a command that needs no model does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from charbert import tuning
from charbert.errors import CharBertError
from charbert.registration import register_once_imported

__version__ = "0.1.0"

if TYPE_CHECKING:
    from charbert.configuration import CharBertConfig
    from charbert.correction.corrector import CorrectedWord, Correction, Corrector, Suggestion, correct
    from charbert.heads import (
        CharBertForMultipleChoice,
        CharBertForQuestionAnswering,
        CharBertForSequenceClassification,
        CharBertForTokenClassification,
    )
    from charbert.lm_heads import CharBertForMaskedLM, CharBertForPreTraining
    from charbert.modeling import CharBertModel, CharBertPreTrainedModel
    from charbert.models import load, path
    from charbert.outputs import CharBertForPreTrainingOutput, CharBertModelOutput
    from charbert.recognizer.modeling import WordRecognizer, WordRecognizerConfig
    from charbert.tokenization import CharBertTokenizer
    from charbert.vocabulary import Vocabulary

__all__ = [
    "CharBertConfig",
    "CharBertError",
    "CharBertForMaskedLM",
    "CharBertForMultipleChoice",
    "CharBertForPreTraining",
    "CharBertForPreTrainingOutput",
    "CharBertForQuestionAnswering",
    "CharBertForSequenceClassification",
    "CharBertForTokenClassification",
    "CharBertModel",
    "CharBertModelOutput",
    "CharBertPreTrainedModel",
    "CharBertTokenizer",
    "CorrectedWord",
    "Correction",
    "Corrector",
    "Suggestion",
    "Vocabulary",
    "WordRecognizer",
    "WordRecognizerConfig",
    "__version__",
    "correct",
    "load",
    "path",
    "tuning",
]
_MODULES = {
    "configuration": ("CharBertConfig",),
    "correction.corrector": ("CorrectedWord", "Correction", "Corrector", "Suggestion", "correct"),
    "heads": (
        "CharBertForMultipleChoice",
        "CharBertForQuestionAnswering",
        "CharBertForSequenceClassification",
        "CharBertForTokenClassification",
    ),
    "lm_heads": ("CharBertForMaskedLM", "CharBertForPreTraining"),
    "modeling": ("CharBertModel", "CharBertPreTrainedModel"),
    "models": ("load", "path"),
    "outputs": ("CharBertForPreTrainingOutput", "CharBertModelOutput"),
    "recognizer.modeling": ("WordRecognizer", "WordRecognizerConfig"),
    "tokenization": ("CharBertTokenizer",),
    "vocabulary": ("Vocabulary",),
}

if not TYPE_CHECKING:  # with it, a type checker would take any name for one of the package

    def __getattr__(name):
        """A name of `__all__`, imported where it is used first (PEP 562)."""
        for module, names in _MODULES.items():
            if name in names:
                value = getattr(import_module(f"charbert.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module 'charbert' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})


register_once_imported()
