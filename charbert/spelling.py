"""Spelling: token ids -> character ids, on the device by a table, or from the text of a tokenizer.

Characters are ids in a character vocabulary. Id 0 is the blank, the last id is `<unk>`. A sequence of tokens
is spelled as the characters of each token followed by one blank; `start_ids` and `end_ids` name the first and
the last character of each. A special token and a masked position are one blank; padding is nothing at all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import models, pre_tokenizers
from torch import nn
from transformers import initialization

from charbert.errors import CharBertError
from charbert.fast_path import is_exporting
from charbert.ragged import round_up
from charbert.vocabulary import DEFAULT_CHARACTERS, UNKNOWN, Vocabulary

BLANK_ID = 0
BLANK = " "
MOST_CHARACTERS = 2**18
"""Characters of a batch that room is made for without a look at how many there are."""
_NUMBERS = count()
"""Of tables, one for each content."""
NO_SPELLING = (
    "this model has no spelling table: give char_input_ids, start_ids and end_ids, load it with "
    "character_vocabulary=FILE, or give it one by set_spelling(tokenizer)"
)


class SpelledInputs(NamedTuple):
    """The three inputs of the character channel: (B, T), (B, L), (B, L)."""

    char_input_ids: torch.Tensor
    start_ids: torch.Tensor
    end_ids: torch.Tensor


class SpellingTable(nn.Module):
    """Token id -> its character ids, as two buffers that are saved with the model.

    The table is ragged: token i owns `characters[offsets[i] : offsets[i + 1]]`. Every token has at least one
    character. A new one is empty (all zeros): it has room for weights to be loaded, and spells nothing.
    """

    characters: torch.Tensor
    offsets: torch.Tensor

    def __init__(self, vocab_size: int, length: int) -> None:
        super().__init__()
        self.register_buffer("characters", torch.zeros(length, dtype=torch.int32))
        self.register_buffer("offsets", torch.zeros(vocab_size + 1, dtype=torch.int32))
        self._number = next(_NUMBERS)
        self._measured: tuple[torch.Tensor, int] | None = None

    def reset_parameters(self) -> None:
        """Empty the table, unless it has been loaded."""
        initialization.zeros_(self.characters)
        initialization.zeros_(self.offsets)

    @property
    def is_empty(self) -> bool:
        """Whether no table has been loaded or built."""
        return self._lacks_entries(int(self.offsets[-1]))

    def _lacks_entries(self, last_offset: int) -> bool:
        # The offsets of a table end where its characters end; zeros and uninitialised memory do not.
        return last_offset == 0 or last_offset != len(self.characters)

    @classmethod
    def from_spellings(cls, spellings: Sequence[Sequence[int]]) -> "SpellingTable":
        """Build the table from the character ids of each token, in the order of the token ids."""
        lengths = torch.tensor([0] + [len(spelling) for spelling in spellings], dtype=torch.int32)
        flat = [character for spelling in spellings for character in spelling]
        table = cls(len(spellings), len(flat))
        table.characters = torch.tensor(flat, dtype=torch.int32)
        table.offsets = lengths.cumsum(0, dtype=torch.int32)
        return table

    def spellings(self) -> list[list[int]]:
        """The character ids of each token: the argument of `from_spellings`."""
        offsets, characters = self.offsets.tolist(), self.characters.tolist()
        return [characters[start:end] for start, end in pairwise(offsets)]

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        hidden: torch.Tensor | None = None,
        multiple: int = 1,
        bounded: bool = False,
    ) -> SpelledInputs:
        """Spell a batch on the device it is on.

        Args:
            input_ids: (B, L).
            attention_mask: (B, L), 0 at padding; no padding when left out.
            hidden: (B, L), true where the characters must not be seen (a masked position).
            multiple: T is rounded up to a multiple of it, with blanks.
            bounded: T may be larger still, so that the host need not wait for the device to know it.

        Raises:
            CharBertError: the table is empty.
        """
        batch_size = input_ids.shape[0]  # its len() would be a constant of an exported program
        present = torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
        first = self.offsets[input_ids].long()
        lengths = self.offsets[input_ids + 1].long() - first
        copied = lengths * present
        if hidden is not None:
            lengths = lengths.masked_fill(hidden, 1)
            copied = copied.masked_fill(hidden, 0)
        widths = (lengths + 1) * present
        ends_of_tokens = widths.cumsum(dim=1)
        begins = ends_of_tokens - widths
        room = self._room(*input_ids.shape) if bounded and not is_exporting() else None
        size = round_up(self._longest(ends_of_tokens) if room is None else room, multiple)

        # Which token each character belongs to: one is counted where each token begins, and what has no width
        # shares its place with the token after it. Tokens of widths 3, 0, 2 begin at 0, 3, 3: counted
        # 1 0 0 2 0, summed 1 1 1 3 3, so that the characters are of the tokens 0 0 0 2 2.
        counts = input_ids.new_zeros(batch_size, size + 1).scatter_add(1, begins, torch.ones_like(begins))
        token = counts[:, :-1].cumsum(dim=1) - 1
        within = torch.arange(size, device=input_ids.device) - begins.gather(1, token)
        is_copied = within < copied.gather(1, token)
        source = (first.gather(1, token) + within).masked_fill(~is_copied, 0)
        char_input_ids = self.characters[source].long().masked_fill(~is_copied, BLANK_ID)
        start_ids = begins * present
        return SpelledInputs(char_input_ids, start_ids, (start_ids + lengths - 1) * present)

    def _room(self, batch_size: int, length: int) -> int | None:
        """Characters that suffice for any sequence of so many tokens; None where they are too many."""
        room = length * (self._longest_token(self._number) + 1)
        return room if 0 < batch_size * room <= MOST_CHARACTERS else None

    @torch.compiler.assume_constant_result
    def _longest_token(self, _number: int) -> int:
        """The characters of the longest token; the device is asked once for each table.

        To the compiler it is a constant, of the table of this number.
        """
        if self._measured is None or self._measured[0] is not self.offsets:
            if self.is_empty:
                raise CharBertError(NO_SPELLING)
            self._measured = self.offsets, int(self.offsets.diff().max())
        return self._measured[1]

    def _load_from_state_dict(self, *given: Any, **options: Any) -> None:
        self._number, self._measured = next(_NUMBERS), None
        super()._load_from_state_dict(*given, **options)

    def _longest(self, ends_of_tokens: torch.Tensor) -> int:
        """The characters of the longest sequence, at least one."""
        if is_exporting():  # what the table holds is not known then
            longest = ends_of_tokens[:, -1].max().clamp(min=1).item()
            torch._check(longest >= 1)
            return longest  # type: ignore[return-value]
        if not ends_of_tokens.numel():
            return 1
        # One wait for the device gives both numbers.
        longest, end = torch.stack([ends_of_tokens[:, -1].max(), self.offsets[-1].long()]).tolist()
        if self._lacks_entries(end):
            raise CharBertError(NO_SPELLING)
        return max(1, longest)


def lay_out(spellings: Iterable[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    """`char_input_ids`, `start_ids` and `end_ids` of one unpadded sequence of spelled tokens."""
    characters: list[int] = []
    starts, ends = [], []
    for spelling in spellings:
        starts.append(len(characters))
        characters.extend(spelling)
        ends.append(len(characters) - 1)
        characters.append(BLANK_ID)
    return characters, starts, ends


def spell(surface: str, characters: Vocabulary) -> list[int]:
    """The character ids of a string; one blank where it is empty."""
    return [characters.id(character) for character in surface] or [BLANK_ID]


def token_spellings(tokenizer: Any, characters: Vocabulary, vocab_size: int | None = None) -> list[list[int]]:
    """The character ids of each token of a fast tokenizer, special tokens as one blank.

    Args:
        vocab_size: rows of the table; those beyond the tokenizer's own (a padded embedding) are one blank.
    """
    spellings = [
        [BLANK_ID] if surface is None else spell(surface, characters) for surface in _surfaces(tokenizer)
    ]
    rows = len(spellings) if vocab_size is None else vocab_size
    return (spellings + [[BLANK_ID]] * (rows - len(spellings)))[:rows]


def frequent_characters(tokenizer: Any, size: int = DEFAULT_CHARACTERS) -> Vocabulary:
    """The `size` characters that stand in most pieces of a fast tokenizer, between the blank and `<unk>`."""
    counts = Counter(
        character for surface in _surfaces(tokenizer) if surface is not None for character in set(surface)
    )
    for left_out in (BLANK, "\n"):  # the blank stands first, and no file of lines can hold a line feed
        counts.pop(left_out, None)
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    return Vocabulary([BLANK, *ranked[:size], UNKNOWN])


def tokenizer_characters(tokenizer: Any) -> Vocabulary:
    """The character vocabulary that a tokenizer carries.

    Raises:
        CharBertError: it carries none.
    """
    characters = getattr(tokenizer, "characters", None)
    if characters is None:
        raise CharBertError(
            f"{type(tokenizer).__name__} has no characters: give a character vocabulary, or a "
            "CharBertTokenizer"
        )
    return characters


def check_tokens(tokenizer: Any, rows: int, spelling: SpellingTable | None = None) -> None:
    """Refuse a tokenizer with more tokens than a model, or with fewer: that is another model's.

    Fewer fit where the embeddings were padded. By the spelling table of a CharBERT that is certain: what is
    beyond the tokenizer's tokens is spelled as blanks there. Else few rows may be beyond, to a round number.

    Args:
        rows: of the model's embeddings.
        spelling: the model's table, if it has one.

    Raises:
        CharBertError: it does not fit.
    """
    tokens = len(tokenizer)
    if tokens >= rows:
        padded = tokens == rows
    elif spelling is not None:
        padded = all(entry in ([], [BLANK_ID]) for entry in spelling.spellings()[tokens:])
    else:
        padded = rows <= tokens + tokens // 1000 or (rows % 8 == 0 and rows <= round_up(tokens, 128))
    if not padded:
        name = getattr(tokenizer, "name_or_path", "")
        raise CharBertError(
            f"{name + ': ' if name else ''}a tokenizer of {tokens} tokens does not fit this model, which has "
            f"{rows}: give its own, or resize_token_embeddings first"
        )


def _surfaces(tokenizer: Any) -> list[str | None]:
    """What each token of a fast tokenizer writes, in the order of the ids; None for a special token."""
    if not getattr(tokenizer, "is_fast", False):
        raise CharBertError(
            f"{type(tokenizer).__name__} is not a fast tokenizer; its tokens cannot be spelled"
        )
    special = set(tokenizer.all_special_ids)
    surface_of_piece = _piece_speller(tokenizer.backend_tokenizer)
    surfaces: list[str | None] = [
        None if index in special or piece is None else surface_of_piece(piece)
        for index, piece in enumerate(tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))))
    ]
    for index, token in tokenizer.added_tokens_decoder.items():
        surfaces[index] = None if token.special else surface_form(tokenizer.backend_tokenizer, token.content)
    return surfaces


def _piece_speller(backend: Any) -> Callable[[str], str]:
    """Pieces of WordPiece lose the prefix that marks a continuation; byte-level pieces stand as they are."""
    prefix = continuation_prefix(backend)
    return lambda piece: piece.removeprefix(prefix) or piece  # the piece "##" itself continues nothing


def surface_form(backend: Any, text: str) -> str:
    """`text` in the letters that the pieces of this tokenizer are made of: normalised, or byte-level."""
    if backend.normalizer is not None:
        # BERT's normaliser sets blanks around each Chinese letter.
        text = backend.normalizer.normalize_str(text).strip(BLANK)
    return byte_letters(text) if is_byte_level(backend) else text


def byte_letters(text: str) -> str:
    """`text` in the 256 printable letters that stand for its bytes in byte-level pieces."""
    letters = _LETTER_OF_BYTE[np.frombuffer(text.encode(), np.uint8)]
    return letters.tobytes().decode("utf-32-le")


def continuation_prefix(backend: Any) -> str:
    """What marks a piece that continues a word: WordPiece's `##`; nothing in other tokenizers."""
    return backend.model.continuing_subword_prefix if isinstance(backend.model, models.WordPiece) else ""


def is_byte_level(backend: Any) -> bool:
    """Whether the tokenizer's pieces are made of the 256 printable letters that stand for bytes."""
    return "ByteLevel" in repr(backend.pre_tokenizer)


def _bytes_of_letters() -> dict[str, int]:
    """Those below U+0100 stand for the byte of their own number, the others for the rest, in order."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    own = {letter: ord(letter) for letter in letters if ord(letter) < 256}
    rest = (byte for byte in range(256) if byte not in own.values())
    return own | dict(zip(letters[len(own) :], rest, strict=True))


BYTE_OF_LETTER = _bytes_of_letters()
_LETTER_OF_BYTE = np.array(
    [ord(letter) for letter in sorted(BYTE_OF_LETTER, key=BYTE_OF_LETTER.__getitem__)], np.uint32
)
