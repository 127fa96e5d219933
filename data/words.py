"""Words and their pieces: the units of the tokenizer's pre-tokenisation, for WordPiece and byte-level BPE."""

from typing import NamedTuple

from tokenizers import decoders
from transformers import PreTrainedTokenizerFast

from charbert.spelling import byte_letters, continuation_prefix, is_byte_level

_FROM_LETTERS = decoders.ByteLevel()
_SPACE = "Ġ"  # how byte-level pieces write a space


class Word(NamedTuple):
    """The text of a word, and whether a space before it is part of its first piece (byte-level BPE)."""

    text: str
    after_space: bool


class WordPieces:
    """Turns the pieces of one word into its text, and a text into pieces again."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        backend = tokenizer.backend_tokenizer
        self._model = backend.model
        self._byte_level = is_byte_level(backend)
        self._prefix = continuation_prefix(backend)
        self._pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._special = frozenset(tokenizer.all_special_ids)

    def word(self, token_ids: list[int]) -> Word | None:
        """The word that these pieces make; None where a special or unknown token hides it."""
        if not self._special.isdisjoint(token_ids):
            return None
        pieces = [self._pieces[token_id] for token_id in token_ids]
        if not self._byte_level:
            return Word(pieces[0] + "".join(piece.removeprefix(self._prefix) for piece in pieces[1:]), False)
        letters = "".join(pieces)
        after_space = letters.startswith(_SPACE)
        return Word(_FROM_LETTERS.decode([letters.removeprefix(_SPACE)]), after_space)

    def pieces(self, word: Word) -> list[int]:
        """The token ids of a word, which stays one word whatever it contains."""
        text = word.text
        if self._byte_level:
            text = f"{_SPACE if word.after_space else ''}{byte_letters(text)}"
        return [token.id for token in self._model.tokenize(text)]
