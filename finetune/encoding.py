"""Texts as rows of inputs."""

from collections.abc import Sequence
from typing import Any

from transformers import BatchEncoding

from charbert.tokenization import CharBertTokenizer
from finetune.tasks.base import Inputs


def tokenized(
    tokenizer: Any, texts: Sequence[str], pairs: Sequence[str] | None = None, **settings: Any
) -> BatchEncoding:
    """A batch of texts or pairs, spelled too where the tokenizer can spell.

    Args:
        tokenizer: a fast tokenizer; a `CharBertTokenizer` adds `char_input_ids`, `start_ids`, `end_ids`.
        texts: at least one.
        pairs: the second text of each.
        settings: what else a tokenizer takes.
    """
    if isinstance(tokenizer, CharBertTokenizer):
        settings = {"return_spelling": True, **settings}
    return tokenizer(list(texts), None if pairs is None else list(pairs), **settings)


def rows_of(encoded: BatchEncoding) -> list[Inputs]:
    """The rows of a batch, each its values by column."""
    columns = list(encoded)
    return [dict(zip(columns, row, strict=True)) for row in zip(*encoded.values(), strict=True)]
