"""Words and their tokens, both ways, for WordPiece and byte-level BPE: what noise in training needs.

A word is a unit of the tokenizer's pre-tokenisation. Many words are read or tokenised at a time: they are
joined by line feeds into one text, which is decoded or spelled once and split again. Of cat, sitting, mat:

    token ids      [7] [8 9] [5]              -> with a line feed after each word: 7 \\n 8 9 \\n 5 \\n
    code units     c a t \\n s i t t i n g \\n m a t \\n     one array, decoded at once
    texts          ["cat", "sitting", "mat"]
"""

from collections.abc import Sequence

import numpy as np
from tokenizers import models
from transformers import PreTrainedTokenizerFast

from charbert.errors import CharBertError
from charbert.ragged import Array, Ragged, span_indices
from charbert.spelling import BYTE_OF_LETTER, byte_letters, continuation_prefix, is_byte_level

_LINE_END, _SPACE = "\n", " "
# Frequent words get the same typos again and again: half of them are known before long. Some 50 MB.
_MOST_KNOWN = 1 << 18


def check_tokenizer(tokenizer: PreTrainedTokenizerFast) -> None:
    """Refuse a tokenizer whose words cannot be read, or who cannot make an example.

    Raises:
        CharBertError: it is neither WordPiece nor byte-level BPE, a special token of an example is missing,
            or its ids have gaps.
    """
    backend = tokenizer.backend_tokenizer
    name = tokenizer.name_or_path or "the tokenizer"
    if not (isinstance(backend.model, models.WordPiece) or is_byte_level(backend)):
        raise CharBertError(
            f"{name}: is neither WordPiece nor byte-level BPE, as the tokenizers of BERT and RoBERTa are"
        )
    missing = [
        role
        for role in ("cls_token", "sep_token", "mask_token", "pad_token")
        if getattr(tokenizer, role) is None
    ]
    if missing:
        raise CharBertError(f"{name}: has no {missing[0]}, which every example needs")
    if max(tokenizer.get_vocab().values()) >= len(tokenizer):
        raise CharBertError(f"{name}: its token ids have gaps")


class WordPieces:
    """Turns pieces into the words that they make, and words into pieces again.

    Raises:
        CharBertError: as `check_tokenizer`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        check_tokenizer(tokenizer)
        backend = tokenizer.backend_tokenizer
        self._byte_level = is_byte_level(backend)
        self._encoding = "utf-8" if self._byte_level else "utf-32-le"
        self._model = backend.model
        self._known: dict[str, tuple[int, ...]] = {}
        code_of = BYTE_OF_LETTER.get if self._byte_level else ord
        prefix = continuation_prefix(backend)
        pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        added = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
        codes: list[list[int]] = []
        for index, piece in enumerate(piece or "" for piece in pieces):
            row = [code_of(letter) for letter in piece.removeprefix(prefix) or piece]
            is_text = index not in added and None not in row and ord(_LINE_END) not in row
            codes.append([code for code in row if code is not None] if is_text else [])
        self._codes = Ragged.from_rows(
            [*codes, [ord(_LINE_END)]], np.uint8 if self._byte_level else np.uint32
        )
        self._after_space = np.array([self._byte_level and row[:1] == [ord(_SPACE)] for row in codes])
        self.is_readable = np.array([bool(row) for row in codes])

    def after_space(self, first_pieces: Array) -> Array:
        """(W,) whether a space before the word is part of this first piece of it (byte-level BPE)."""
        return self._after_space[first_pieces]

    def texts(self, words: Ragged) -> list[str]:
        """The text of each word, without a space before it.

        Args:
            words: W words of token ids, all of them `is_readable`. Bytes that are no UTF-8 become U+FFFD.
        """
        line_end = len(self._codes.offsets) - 2
        lengths = words.lengths
        tokens = np.full(len(words.values) + len(lengths), line_end)
        tokens[span_indices(words.offsets[:-1] + np.arange(len(lengths)), lengths)] = words.values
        text = self._codes.take(tokens).values.tobytes().decode(self._encoding, errors="replace")
        lines = text.split(_LINE_END)[:-1]
        return [line.removeprefix(_SPACE) for line in lines] if self._byte_level else lines

    def pieces(self, texts: Sequence[str], after_space: Array) -> Ragged:
        """The token ids of each word, which stays one word whatever it contains."""
        if self._byte_level:
            pairs = zip(texts, after_space.tolist(), strict=True)
            lines = _LINE_END.join([_SPACE + text if spaced else text for text, spaced in pairs])
            texts = byte_letters(lines).split(byte_letters(_LINE_END)) if texts else []
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        rows = []
        for text in texts:
            row = self._known.get(text)
            if row is None:
                # The model alone, without the steps that would divide a text; noise may have put a blank in.
                parts = text.split(_SPACE)
                row = self._known[text] = tuple(
                    [token.id for part in parts for token in self._model.tokenize(part)]
                )
            rows.append(row)
        return Ragged.from_rows(rows, np.int64)
