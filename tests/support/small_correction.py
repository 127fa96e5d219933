"""Models that predict the same words everywhere, with probabilities that a test chooses."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import tiny
import torch

import charbert
from charbert import CharBertForPreTraining, CharBertTokenizer, Vocabulary

WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", "from", "form", ".", "<unk>")
UNLIKELY = 1e-6


def model_that_says(
    kind: str, words: Sequence[str] = WORDS, **probabilities: float
) -> tuple[CharBertForPreTraining, CharBertTokenizer]:
    """A model, and its tokenizer; words without a probability have one that is next to nothing."""
    model = tiny.build(charbert.CharBertForPreTraining, kind, word_vocabulary_size=len(words))
    decoder = model.nlm_head.decoder
    torch.nn.init.zeros_(decoder.weight)
    torch.nn.init.zeros_(model.mlm_head.layer_norm.weight)  # to its masked LM all tokens are as likely
    decoder.bias.data = torch.tensor([math.log(probabilities.get(word, UNLIKELY)) for word in words])
    return model, tiny.tokenizer(kind, Vocabulary(words))


def saved_model(folder: Path, kind: str, probabilities: Mapping[str, float]) -> str:
    """The folder, with that model in it."""
    for part in model_that_says(kind, **probabilities):
        part.save_pretrained(folder)
    return str(folder)
