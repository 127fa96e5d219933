"""CharBERT: a character-aware encoder for text with typos, OCR errors and the spelling of real users.

Importing this package registers CharBERT with `transformers`' Auto classes.
"""

from charbert.auto import register
from charbert.configuration import CharBertConfig
from charbert.correction.corrector import CorrectedWord, Correction, Corrector, Suggestion, correct
from charbert.errors import CharBertError
from charbert.heads import (
    CharBertForMultipleChoice,
    CharBertForQuestionAnswering,
    CharBertForSequenceClassification,
    CharBertForTokenClassification,
)
from charbert.lm_heads import CharBertForMaskedLM, CharBertForPreTraining
from charbert.modeling import CharBertModel, CharBertPreTrainedModel
from charbert.outputs import CharBertForPreTrainingOutput, CharBertModelOutput
from charbert.recognizer.modeling import WordRecognizer, WordRecognizerConfig
from charbert.tokenization import CharBertTokenizer
from charbert.version import __version__
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
]

register()
