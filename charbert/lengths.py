"""How many tokens a model can read."""

from typing import Any

from charbert.errors import CharBertError


def tokens_of(positions: Any) -> int:
    """The longest input, in tokens, for which a table of positions has rows."""
    # RoBERTa keeps its first positions for padding.
    return positions.num_embeddings - (0 if positions.padding_idx is None else positions.padding_idx + 1)


def check_length(model: Any, max_length: int) -> None:
    """Refuse examples for which a model has no positions: a CharBERT or another, with or without a head.

    Raises:
        CharBertError: `max_length` is greater than what it can read.
    """
    encoder = getattr(model.base_model, "backbone", model.base_model)
    positions = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    if positions is not None and max_length > tokens_of(positions):
        raise CharBertError(
            f"max_length={max_length}, but the model has {tokens_of(positions)} positions; give less"
        )
