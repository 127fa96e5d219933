"""`CharBertTokenizer`: a fast tokenizer that can also spell what it tokenised."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, BatchEncoding, PreTrainedTokenizerFast
from transformers.utils import PaddingStrategy, TensorType

from charbert.errors import CharBertError, describe_failure, name_failures, reading
from charbert.hub import REMOTE_CODE, HubClass
from charbert.spelling import (
    BLANK_ID,
    frequent_characters,
    is_byte_level,
    lay_out,
    spell,
    surface_form,
    token_spellings,
)
from charbert.vocabulary import Vocabulary, read_words, save_entries

SPELLED = ("char_input_ids", "start_ids", "end_ids")
LONGEST_SURFACE = 64
# Of a stock tokenizer, beside its backend and its special tokens.
KEPT_SETTINGS = (
    "model_max_length",
    "model_input_names",
    "padding_side",
    "truncation_side",
    "extra_special_tokens",
)


class CharBertTokenizer(HubClass, PreTrainedTokenizerFast):
    """Any fast tokenizer, with the character vocabulary and the noisy LM's words beside it.

    `known` (`known.txt`) holds further words of the language for correction, frequent ones first and in
    small letters; it may be empty.

    `tokenizer(text, return_spelling=True)` adds `char_input_ids`, `start_ids` and `end_ids`, in which an
    unknown token is spelled as written in the text (at most 64 characters of it). Without them the model
    spells by its own table.
    """

    # No __init__ here: with one, loading would rebuild the backend from vocabulary files instead of
    # tokenizer.json.
    vocab_files_names = {
        "tokenizer_file": "tokenizer.json",
        "characters_file": "characters.txt",
        "words_file": "words.txt",
        "known_file": "known.txt",
    }
    _characters: Vocabulary | None = None
    _words: Vocabulary | None = None
    known: Sequence[str] = ()
    cache: dict[Any, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        tokenizer = super().__new__(cls)
        # `datasets` leaves an attribute of this name out of fingerprints, which must not change by use.
        tokenizer.cache = {}
        return tokenizer

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Self:
        """As in `transformers`; both vocabularies and the known words are read at once.

        Raises:
            CharBertError: no tokenizer there, or one of these files beside it that cannot be read.
        """
        try:
            tokenizer = super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)
        except Exception as error:  # of a file that holds anything, `tokenizers` raises almost anything
            if isinstance(error, CharBertError) or (kwargs and isinstance(error, AttributeError | TypeError)):
                raise
            raise CharBertError(
                f"{pretrained_model_name_or_path}: no tokenizer.json there that can be read "
                f"({describe_failure(pretrained_model_name_or_path, error)})"
            ) from error
        characters, words, known = (
            tokenizer.init_kwargs.get(name) for name in ("characters_file", "words_file", "known_file")
        )
        tokenizer._characters = Vocabulary.load(characters) if characters else None
        tokenizer._words = Vocabulary.load(words) if words else None
        tokenizer.known = read_words(known, must_end=True) if known else ()
        tokenizer._set_prefix_space(kwargs.get("add_prefix_space"))
        return tokenizer

    @classmethod
    def from_stock(
        cls,
        tokenizer: Any,
        characters: Vocabulary | None = None,
        words: Vocabulary | None = None,
        known: Sequence[str] = (),
        **kwargs: Any,
    ) -> Self:
        """Build one around a fast tokenizer of `transformers`.

        Args:
            tokenizer: the tokenizer, or the folder or hub id to load it from.
            characters: the character vocabulary; by default the 1,000 characters that stand in most pieces.
            words: the noisy LM's words, if there are any.
            known: further words of the language, if there are any.
            kwargs: settings that are to differ from those of the tokenizer.
        """
        if isinstance(tokenizer, str | PathLike):
            with reading(tokenizer, "a tokenizer"):
                tokenizer = AutoTokenizer.from_pretrained(tokenizer)
        settings = {name: getattr(tokenizer, name) for name in KEPT_SETTINGS}
        built = cls(
            tokenizer_object=tokenizer.backend_tokenizer,
            **{**settings, **tokenizer.special_tokens_map, **kwargs},
        )
        built._characters = frequent_characters(built) if characters is None else characters
        built._words, built.known = words, known
        built._set_prefix_space(kwargs.get("add_prefix_space"))
        return built

    def _set_prefix_space(self, wanted: bool | None) -> None:
        """Have a byte-level backend set a blank before each text, or not; None leaves it as it is.

        Other backends do not distinguish words that begin a text.

        Raises:
            CharBertError: the backend divides texts first, and each part would get a blank.
        """
        backend = self.backend_tokenizer
        pre_tokenizer, processor = backend.pre_tokenizer, backend.post_processor
        if wanted is not None and is_byte_level(backend):
            if isinstance(pre_tokenizer, pre_tokenizers.ByteLevel):
                pre_tokenizer.add_prefix_space = wanted
                backend.pre_tokenizer = pre_tokenizer
            elif wanted:
                raise CharBertError(
                    "add_prefix_space=True: this tokenizer divides texts into words before it could add one; "
                    "leave it out"
                )
            if hasattr(processor, "add_prefix_space"):  # by it the offsets leave the added blank out
                processor.add_prefix_space = wanted
                backend.post_processor = processor
        self.add_prefix_space = bool(getattr(pre_tokenizer, "add_prefix_space", False))
        if "add_prefix_space" in self.init_kwargs:
            self.init_kwargs["add_prefix_space"] = self.add_prefix_space

    @property
    def characters(self) -> Vocabulary:
        """The character vocabulary.

        Raises:
            CharBertError: the tokenizer was loaded from a folder without `characters.txt`.
        """
        return self._existing(self._characters, "characters.txt", "from_stock builds one")

    @property
    def words(self) -> Vocabulary:
        """The words that the noisy LM predicts.

        Raises:
            CharBertError: the tokenizer has none.
        """
        return self._existing(self._words, "words.txt", "python -m data vocabulary makes one")

    def _existing(self, vocabulary: Vocabulary | None, name: str, remedy: str) -> Vocabulary:
        if vocabulary is None:
            raise CharBertError(f"{self.name_or_path or 'this tokenizer'}: no {name}; {remedy}")
        return vocabulary

    def _encode_plus(
        self,
        text: Any,
        text_pair: Any = None,
        return_spelling: bool = False,
        return_tensors: Any = None,
        is_split_into_words: bool = False,
        padding_strategy: PaddingStrategy = PaddingStrategy.DO_NOT_PAD,
        **kwargs: Any,
    ) -> BatchEncoding:
        settings = {
            **kwargs,
            "is_split_into_words": is_split_into_words,
            "padding_strategy": padding_strategy,
        }
        if not return_spelling:
            return super()._encode_plus(text, text_pair, return_tensors=return_tensors, **settings)
        several = isinstance(text, list | tuple) and (
            not is_split_into_words or (bool(text) and isinstance(text[0], list | tuple))
        )
        texts = text if several else [text]
        pairs = text_pair if several else [text_pair] if text_pair else None
        encoded = super()._encode_plus(texts, pairs, **settings)
        samples = encoded.get("overflow_to_sample_mapping", range(len(encoded.encodings)))
        columns: dict[str, list[list[int]]] = {name: [] for name in SPELLED}
        for encoding, sample in zip(encoded.encodings, samples, strict=True):
            first, second = texts[sample], None if pairs is None else pairs[sample]
            if second is None and _is_pair(first, is_split_into_words):
                first, second = first
            spelled = self._spell_encoding(encoding, (first, second), is_split_into_words)
            for name, values in zip(SPELLED, spelled, strict=True):
                columns[name].append(values)
        if padding_strategy != PaddingStrategy.DO_NOT_PAD or return_tensors is not None:
            _pad_right(columns["char_input_ids"])

        data = {**encoded, **columns}
        if not several and return_tensors is None and "overflow_to_sample_mapping" not in encoded:
            data = {name: rows[0] if isinstance(rows[0], list) else rows for name, rows in data.items()}
        return BatchEncoding(data, encoded.encodings, tensor_type=return_tensors)

    def _spell_encoding(
        self, encoding: Any, texts: tuple[Any, Any], is_split_into_words: bool
    ) -> tuple[list[int], list[int], list[int]]:
        state = (len(self), tuple(self.all_special_ids))  # what add_tokens and its like change
        if state not in self.cache:
            self.cache = {state: token_spellings(self, self.characters)}
        known = self.cache[state]
        spellings, real = [], []
        # Each look at these of an encoding, or of a tokenizer, makes them anew.
        unknown, sequences = self.unk_token_id, encoding.sequence_ids
        for index, (token_id, present) in enumerate(zip(encoding.ids, encoding.attention_mask, strict=True)):
            if not present:
                continue
            real.append(index)
            sequence = sequences[index]
            if token_id == unknown and sequence is not None:
                source = texts[sequence]
                if is_split_into_words:
                    source = source[encoding.word_ids[index]]
                start, end = encoding.offsets[index]
                surface = surface_form(self.backend_tokenizer, source[start:end])
                spellings.append(spell(surface[:LONGEST_SURFACE], self.characters))
            else:
                spellings.append(known[token_id])
        characters, starts, ends = lay_out(spellings)
        return characters, _spread(starts, real, len(encoding.ids)), _spread(ends, real, len(encoding.ids))

    def pad(
        self, encoded_inputs: Any, *args: Any, return_tensors: Any = None, **kwargs: Any
    ) -> BatchEncoding:
        """As in `transformers`; spelled inputs are padded too, their characters on the right.

        Raises:
            CharBertError: a single example with spelled inputs.
        """
        if isinstance(encoded_inputs, Sequence):
            encoded_inputs = {name: [row[name] for row in encoded_inputs] for name in encoded_inputs[0]}
        rest = {name: value for name, value in encoded_inputs.items() if name not in SPELLED}
        if "char_input_ids" not in encoded_inputs:
            return super().pad(rest, *args, return_tensors=return_tensors, **kwargs)
        columns = {name: _as_lists(encoded_inputs[name]) for name in SPELLED}
        lengths = [len(row) for row in columns["start_ids"]]
        padded = super().pad(rest, *args, **kwargs)
        left = (kwargs.get("padding_side") or self.padding_side) == "left"
        for name in ("start_ids", "end_ids"):
            for row, length, ids in zip(columns[name], lengths, padded["input_ids"], strict=True):
                row[0 if left else length : 0 if left else length] = [0] * (len(ids) - length)
        _pad_right(columns["char_input_ids"])
        return SpelledBatch({**padded, **columns}, tensor_type=return_tensors)

    @property
    def _auto_map(self) -> dict[str, Any]:
        """What `tokenizer_config.json` names for `trust_remote_code=True`: a slow class and a fast one."""
        return {"AutoTokenizer": [None, f"{REMOTE_CODE}.{CharBertTokenizer.__name__}"]}

    def save_pretrained(
        self, save_directory: str | PathLike[str], *args: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        """As in `transformers`.

        Raises:
            CharBertError: the folder cannot be written.
        """
        with name_failures(Path(save_directory)):
            return super().save_pretrained(save_directory, *args, **kwargs)

    def _save_pretrained(
        self,
        save_directory: str | PathLike[str],
        file_names: tuple[str, ...],
        legacy_format: bool | None = None,
        filename_prefix: str | None = None,
    ) -> tuple[str, ...]:
        saved = super()._save_pretrained(save_directory, file_names, legacy_format, filename_prefix)
        lists = {"characters_file": self._characters, "words_file": self._words, "known_file": self.known}
        for file_id, entries in lists.items():
            if not entries:
                continue
            prefix = f"{filename_prefix}-" if filename_prefix else ""
            path = Path(save_directory) / f"{prefix}{self.vocab_files_names[file_id]}"
            save_entries(path, entries)
            saved += (str(path),)
        return saved


class SpelledBatch(BatchEncoding):
    """A padded batch with spelled inputs. Where its tokens are replaced by others, they become blanks.

    So a collator that masks tokens, as `DataCollatorForLanguageModeling`, hides the characters of the masked
    and of the replaced ones too.
    """

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        self._spelled_ids = np.empty(0)
        super().__init__(data, *args, **kwargs)
        # A copy, since a collator writes into the tensor itself.
        self._spelled_ids = np.array(self["input_ids"])

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name != "input_ids" or np.shape(value) != self._spelled_ids.shape:
            return
        replaced = np.asarray(value) != self._spelled_ids
        if not replaced.any():
            return
        self._spelled_ids = np.array(value)
        rows: list[list[list[int]]] = [[], [], []]
        for characters, starts, ends, present, hidden in zip(
            *(_as_lists(self[column]) for column in (*SPELLED, "attention_mask")), replaced, strict=True
        ):
            real = [index for index, mark in enumerate(present) if mark]
            spellings = [
                [BLANK_ID] if hidden[index] else characters[starts[index] : ends[index] + 1] for index in real
            ]
            laid_out, *places = lay_out(spellings)
            for column, values in zip(
                rows, (laid_out, *(_spread(each, real, len(present)) for each in places)), strict=True
            ):
                column.append(values)
        _pad_right(rows[0])
        kind = TensorType.PYTORCH if torch.is_tensor(value) else TensorType.NUMPY
        self.update(BatchEncoding(dict(zip(SPELLED, rows, strict=True)), tensor_type=kind))


def _is_pair(text: Any, is_split_into_words: bool) -> bool:
    """Whether two texts stand together where one may stand, as `transformers` allows in a batch."""
    if is_split_into_words:
        return bool(text) and not isinstance(text[0], str)
    return not isinstance(text, str)


def _spread(values: list[int], indices: list[int], length: int) -> list[int]:
    """`values` at `indices` of a list of `length` zeros."""
    spread = [0] * length
    for index, value in zip(indices, values, strict=True):
        spread[index] = value
    return spread


def _pad_right(rows: list[list[int]]) -> None:
    longest = max(map(len, rows), default=0)
    for row in rows:
        row.extend([BLANK_ID] * (longest - len(row)))


def _as_lists(rows: Any) -> list[list[int]]:
    if np.ndim(rows[0]) == 0:
        raise CharBertError("pad() of spelled inputs takes a batch, not a single example")
    return [[int(value) for value in row] for row in rows]
