"""Tokenizers, backbones and CharBERTs small enough to be made inside a test."""

import json
from functools import cache
from string import ascii_lowercase
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import BertConfig, BertTokenizer, PreTrainedConfig, RobertaConfig, RobertaTokenizer

import charbert
from charbert import CharBertConfig, CharBertTokenizer, Vocabulary
from charbert.spelling import token_spellings

KINDS = ("bert", "roberta")
HEADS = (
    charbert.CharBertModel,
    charbert.CharBertForPreTraining,
    charbert.CharBertForMaskedLM,
    charbert.CharBertForTokenClassification,
    charbert.CharBertForSequenceClassification,
    charbert.CharBertForMultipleChoice,
    charbert.CharBertForQuestionAnswering,
)
SPELLED = ("char_input_ids", "start_ids", "end_ids")
SENTENCES = (
    "the quick brown fox jumps over the lazy dog .",
    "a token is a word or a part of a word .",
    "she is jumping over the dogs # and the foxes .",
)
EMOJI = "🙂"
NO_BREAK_SPACE, LINE_SEPARATOR = "\u00a0", "\u2028"

_BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_BERT_PIECES = (
    *("the", "quick", "brown", "fox", "over", "lazy", "dog", "jump", "token", "word", "is", "and"),
    *("##s", "##es", "##ing", "##ed"),
    *("#", "##", "###", ".", ",", "?"),
)
_ROBERTA_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def stock_tokenizer(kind: str, **settings: Any) -> Any:
    """A tokenizer of `transformers` that knows lower-case English: cased WordPiece or byte-level BPE."""
    if kind == "bert":
        letters = (*ascii_lowercase, *(f"##{letter}" for letter in ascii_lowercase))
        pieces = dict.fromkeys((*_BERT_SPECIAL, *letters, *_BERT_PIECES))
        vocabulary = {piece: index for index, piece in enumerate(pieces)}
        return BertTokenizer(vocab=vocabulary, **{"do_lower_case": False, **settings})
    vocabulary, merges = _byte_level_pieces()
    return RobertaTokenizer(vocab=dict(vocabulary), merges=list(merges), **settings)


@cache
def _byte_level_pieces() -> tuple[dict[str, int], tuple[tuple[str, str], ...]]:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=list(_ROBERTA_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(SENTENCES, trainer)
    model = json.loads(trained.to_str())["model"]
    return model["vocab"], tuple(tuple(pair) for pair in model["merges"])


def tokenizer(kind: str, words: Vocabulary | None = None, **settings: Any) -> CharBertTokenizer:
    """The tokenizer of `stock_tokenizer` with the characters of its pieces."""
    return CharBertTokenizer.from_stock(stock_tokenizer(kind, **settings), words=words)


def backbone_config(kind: str, **changes: Any) -> PreTrainedConfig:
    """A BERT or RoBERTa of two layers and 32 units, without dropout."""
    sizes = {
        "vocab_size": len(stock_tokenizer(kind)),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "max_position_embeddings": 80,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    if kind == "bert":
        return BertConfig(**{**sizes, **changes})
    return RobertaConfig(**{**sizes, "type_vocab_size": 1, "layer_norm_eps": 1e-5, **changes})


def config(kind: str, backbone: dict[str, Any] | None = None, **changes: Any) -> CharBertConfig:
    """The configuration of a CharBERT on `backbone_config(kind, **backbone)`."""
    sizes = {
        "character_vocabulary_size": len(tokenizer(kind).characters),
        "char_embedding_size": 12,
        "word_vocabulary_size": 20,
        "num_labels": 3,
    }
    return CharBertConfig(backbone_config=backbone_config(kind, **(backbone or {})), **{**sizes, **changes})


def build(model_class: Any, kind: str, attention: str = "sdpa", **changes: Any) -> Any:
    """A CharBERT that can spell, with weights far from their initial values, in evaluation mode."""
    model = model_class._from_config(config(kind, **changes), attn_implementation=attention)
    scatter_weights(model)
    model.set_spelling(tokenizer(kind))
    return model.eval()


def scatter_weights(model: nn.Module, seed: int = 1) -> None:
    """Draw all weights anew, wide enough that each of them, norms and biases too, changes the output."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            centre = 1.0 if isinstance(module, nn.LayerNorm) and name == "weight" else 0.0
            parameter.data.normal_(centre, 0.2, generator=generator)


def ragged_batch(kind: str, texts: tuple[str, ...] = SENTENCES, **settings: Any) -> dict[str, torch.Tensor]:
    """`texts` as a padded batch of tensors."""
    return dict(tokenizer(kind)(list(texts), padding=True, return_tensors="pt", **settings))


def spellings_of(char_input_ids: Any, start_ids: Any, end_ids: Any) -> list[list[int]]:
    """The character ids of each token of one sequence, read off its spelled inputs."""
    characters = [int(character) for character in char_input_ids]
    return [characters[int(start) : int(end) + 1] for start, end in zip(start_ids, end_ids, strict=True)]


def spelling_table(kind: str) -> list[list[int]]:
    """The character ids of each token of `tokenizer(kind)`."""
    spelt = tokenizer(kind)
    return token_spellings(spelt, spelt.characters)


def largest_difference(ours: Any, theirs: Any) -> float:
    """The largest absolute difference of two arrays of one shape."""
    ours, theirs = (torch.as_tensor(each, dtype=torch.float64).detach() for each in (ours, theirs))
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max())


def differing(ours: nn.Module, theirs: nn.Module) -> list[str]:
    """Names of the tensors that two models do not share bit by bit."""
    left, right = ours.state_dict(), theirs.state_dict()
    both = left.keys() & right.keys()
    return sorted(
        (left.keys() ^ right.keys()) | {name for name in both if not torch.equal(left[name], right[name])}
    )
