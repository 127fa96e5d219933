"""Packing of documents into blocks of tokens (best-fit decreasing), each of as few documents as possible."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np
from tokenizers import Tokenizer

from charbert.errors import CharBertError
from charbert.tokenization import CharBertTokenizer
from data.corpus.files import Document, cut_text
from data.corpus.sources import batches
from data.pretraining.blocks import Block
from data.pretraining.words import check_tokenizer

SPECIAL_TOKENS = 2
LARGEST_BLOCK = 1 << 16


class Packer:
    """Tokenises documents and packs them.

    A document is cut where a block is full, between words (only a word longer than a block is cut itself).
    What is left of each, less than a block, is packed with others into the block that it fills best, with a
    separator between them: so a block has the text of one document, or whole ends of several.

    Args:
        tokenizer: whose tokens.
        block_size: the most tokens of a block with its two special tokens, which an example adds.

    Raises:
        CharBertError: the block size is out of range, or the tokenizer is of another kind.
    """

    def __init__(self, tokenizer: CharBertTokenizer, block_size: int) -> None:
        if not SPECIAL_TOKENS < block_size <= LARGEST_BLOCK:
            raise CharBertError(
                f"a block size of {block_size} must lie between {SPECIAL_TOKENS + 1}, two special tokens and "
                f"one of text, and {LARGEST_BLOCK}"
            )
        check_tokenizer(tokenizer)
        self._size = block_size - SPECIAL_TOKENS
        self._separator = Block(np.array([tokenizer.sep_token_id]), np.array([0]))
        self._backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._backend.no_truncation()  # a tokenizer.json may have been saved with either
        self._backend.no_padding()

    def blocks(self, texts: Sequence[str]) -> list[Block]:
        """The blocks of these documents, in their order; none share a block with those of another call."""
        documents = [pieces for document in self._tokenize(texts) if (pieces := list(self._cut(document)))]
        ends = [pieces.pop() for pieces in documents]
        packed = {numbers[0]: numbers for numbers in self._pack([len(end.token_ids) for end in ends])}
        blocks: list[Block] = []
        for number, whole in enumerate(documents):
            blocks += whole
            if number in packed:
                blocks.append(self._join([ends[other] for other in packed[number]]))
        return blocks

    def _tokenize(self, texts: Sequence[str]) -> Iterator[Block]:
        # In pieces: of what it is given at once, the tokenizer takes some hundred bytes for each character.
        pieces = (
            Document(number, "", piece) for number, text in enumerate(texts) for piece in cut_text(text)
        )
        encoded = (
            (piece.id, encoding)
            for batch in batches(pieces)
            for piece, encoding in zip(batch, self._encode(batch), strict=True)
        )
        for _, parts in groupby(encoded, key=itemgetter(0)):
            yield _concatenate([part for _, part in parts])

    def _encode(self, pieces: list[Document]) -> Iterator[Block]:
        # A word begins where the word's number differs from the one before: of cat, sitting, mat
        # word_ids [0 1 1 2] -> differences [1 1 0 1] -> word_starts [0 1 3].
        for encoding in self._backend.encode_batch(
            [piece.text for piece in pieces], add_special_tokens=False
        ):
            words = np.array(encoding.word_ids, float)  # a special token in the text has none, here NaN
            yield Block(np.array(encoding.ids, np.int64), np.flatnonzero(np.diff(words, prepend=-1) != 0))

    def _cut(self, document: Block) -> Iterator[Block]:
        """A document in blocks that end between words: in blocks of 2, tokens [7 8 9 5] with word starts
        [0 1 3] give [7], [8 9] and [5]."""
        tokens, starts = document
        position, word = 0, 0
        while position < len(tokens):
            end = len(tokens)
            if end - position > self._size:
                following = int(np.searchsorted(starts, position + self._size, side="right")) - 1
                end = int(starts[following])
                if end <= position:
                    end = position + self._size
            next_word = int(np.searchsorted(starts, end))
            # The rest of a word that was cut counts as a word.
            here = starts[word:next_word] - position
            yield Block(tokens[position:end], here if len(here) and here[0] == 0 else np.append(0, here))
            position, word = end, next_word

    def _pack(self, lengths: list[int]) -> list[list[int]]:
        """Indices of the ends of each block, by best-fit decreasing.

        The longest first, each goes where the least room is left: lengths [3 6 2] in blocks of 8 give
        [[1], [0, 2]], since 6 + 1 separator + 2 are too many and 3 + 1 + 2 fit.
        """
        packed: list[list[int]] = []
        rooms: list[tuple[int, int]] = []  # (room, index in `packed`), rising
        for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
            needed = lengths[number] + 1
            found = bisect_left(rooms, (needed, 0))
            if found < len(rooms):
                room, index = rooms.pop(found)
                packed[index].append(number)
                insort(rooms, (room - needed, index))
            else:
                insort(rooms, (self._size - lengths[number], len(packed)))
                packed.append([number])
        return packed

    def _join(self, pieces: list[Block]) -> Block:
        return _concatenate([part for piece in pieces for part in (self._separator, piece)][1:])


def _concatenate(parts: list[Block]) -> Block:
    # Word starts are shifted by the tokens before them: [0 1] after a part of 2 and a separator -> [3 4].
    first = np.cumsum([0] + [len(part.token_ids) for part in parts])
    starts = [part.word_starts + begin for part, begin in zip(parts, first, strict=False)]
    return Block(np.concatenate([part.token_ids for part in parts]), np.concatenate(starts))
