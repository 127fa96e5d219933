"""Reading words with the noisy LM: for each word of a text the log-probabilities of its originals."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple
from unicodedata import category

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from charbert.commands.progress import without_bars_of_models
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining
from charbert.models import find_charbert, path
from charbert.ragged import Array
from charbert.spelling import is_byte_level
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import Vocabulary

Model = str | PathLike[str] | CharBertForPreTraining | None
_SPECIAL_TOKENS = 2
_CONTEXT = 16  # tokens that the noisy LM reads on either side of a word
_MASKED_CONTEXT = 24  # and the masked LM
_LONGEST_WINDOW = 126  # tokens: models are often trained on no more, and their later positions never
_WINDOWS, _WORDS = 16, 256  # windows of a batch, and words scored at a time
_MOST_MASKS = 3  # in place of a word
_SURROGATES = re.compile("[\ud800-\udfff]")  # which the tokenizer takes only in pairs
_UNREADABLE = "\ufffd"
# Symbols beside a letter, with all that is neither ASCII nor a letter around them.
_BESIDE_LETTERS = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f]+|[^\w\s\x00-\x7f]+(?=[^\W\d_])")
_CAPITALS = re.compile(r"\b[^\W\d_]{6,}\b")  # shorter ones are acronyms


class WordSpan(NamedTuple):
    """A word of one of several texts; words are the units of the tokenizer's pre-tokenisation."""

    text: int
    """The index of the text."""
    start: int
    end: int


class _TokenSpan(NamedTuple):
    """A word's tokens `first` to `last`, in its text or in a row of a batch."""

    word: WordSpan
    first: int
    last: int


class WordReader:
    """A model with a noisy-LM head, and its tokenizer.

    Of a text only the wanted words are read, with the tokens beside them. Words of capitals are read in
    small letters, as the model knows them, and emoji and other symbols beside a letter as blanks, where the
    tokenizer does not split them off.

    Args:
        model: the model, on any device, or the folder, hub id or name (`charbert.path`) to load it from;
            None: the package's own.
        tokenizer: its tokenizer with its words; by default that of the model's folder.

    Raises:
        CharBertError: the model has no noisy-LM head, or one that was never trained; or the tokenizer has no
            words, or not those of the model.
    """

    def __init__(self, model: Model = None, tokenizer: CharBertTokenizer | None = None) -> None:
        model = path() if model is None else find_charbert(model)
        if isinstance(model, str | PathLike):
            with without_bars_of_models():
                model = CharBertForPreTraining.from_pretrained(model)
        if not isinstance(model, CharBertForPreTraining):
            raise CharBertError(
                f"{type(model).__name__} has no noisy LM, which restores words: give a "
                "CharBertForPreTraining, or its folder"
            )
        if not model.nlm_head.decoder.bias.any():  # all zero, as before any training
            raise CharBertError(
                f"{model.name_or_path or 'this model'}: its noisy LM, which restores words, has never been "
                "trained; give the output of pre-training, not of fine-tuning"
            )
        self._model: CharBertForPreTraining = model
        self._tokenizer = _load_tokenizer(model) if tokenizer is None else tokenizer
        self.words = _check_words(self._tokenizer, model)
        _check_special_tokens(self._tokenizer)
        self._normalizer = self._tokenizer.backend_tokenizer.normalizer
        # WordPiece takes a word and the emoji that it touches for one word, and that for unknown.
        self._splits_symbols = is_byte_level(self._tokenizer.backend_tokenizer)
        self.known = self._tokenizer.known
        """The further words of the tokenizer's `known.txt`, in small letters."""
        self._room = min(model.charbert.max_tokens - _SPECIAL_TOKENS, _LONGEST_WINDOW)

    def normalize(self, word: str) -> str:
        """A word as the noisy LM's vocabulary has it: as the tokenizer reads it, in small letters."""
        word = _SURROGATES.sub(_UNREADABLE, word)
        return (self._normalizer.normalize_str(word).strip() if self._normalizer else word).lower()

    def score_words(
        self, texts: Sequence[str], is_wanted: Callable[[WordSpan], bool]
    ) -> Iterator[tuple[WordSpan, Array]]:
        """Score the words that are wanted, in any order; each gets the log-probabilities of its originals.

        Each piece of a word predicts the whole of it; a word of several gets the mean of their probabilities.
        """
        encodings = self._encode(texts) if texts else []
        windows: list[tuple[list[int], list[_TokenSpan]]] = []  # of each its tokens, and its words
        for index, (text, encoding) in enumerate(zip(texts, encodings, strict=True)):
            wanted = [
                span
                for span in _find_words(index, text, encoding)
                if span.last - span.first < self._room // 2 and is_wanted(span.word)
            ]
            ids = encoding.ids if wanted else []  # each access copies them all
            for start, end, spans in _choose_windows(wanted, len(ids), self._room):
                # A row begins with a special token, so a token is one position further on than in its window.
                shifted = [
                    span._replace(first=span.first - start + 1, last=span.last - start + 1) for span in spans
                ]
                windows.append((ids[start:end], shifted))
        windows.sort(key=lambda window: len(window[0]))
        for begin in range(0, len(windows), _WINDOWS):
            batch = windows[begin : begin + _WINDOWS]
            states = self._read([ids for ids, _ in batch]).char_last_hidden_state
            found = [(row, span) for row, (_, spans) in enumerate(batch) for span in spans]
            for few in range(0, len(found), _WORDS):
                part = found[few : few + _WORDS]
                yield from zip([span.word for _, span in part], self._score(states, part), strict=True)

    def score_in_place(
        self, texts: Sequence[str], originals: Mapping[WordSpan, Sequence[str]]
    ) -> dict[WordSpan, Array]:
        """Score originals of each word by the masked LM in its place: their log-probabilities.

        One of several tokens is read with as many masks. As each of them is predicted without the others, the
        sum of their log-probabilities is divided by the square root of their number. One of more than three
        tokens has -inf.
        """
        scores = {word: np.full(len(words), -np.inf) for word, words in originals.items()}
        rows: list[tuple[list[int], list[int], WordSpan, dict[int, list[int]]]] = []
        indices = sorted({word.text for word in originals})
        encodings = self._encode([texts[index] for index in indices]) if indices else []
        for index, encoding in zip(indices, encodings, strict=True):
            ids = encoding.ids
            for word, first, last in _find_words(index, texts[index], encoding):
                if word not in originals:
                    continue
                tokens = self._find_tokens(texts[index][: word.start], originals[word])
                for count in range(1, _MOST_MASKS + 1):
                    found = {place: each for place, each in enumerate(tokens) if len(each) == count}
                    if not found:
                        continue
                    context = min(_MASKED_CONTEXT, (self._room - count) // 2)
                    before, after = ids[max(first - context, 0) : first], ids[last + 1 : last + 1 + context]
                    masks = [len(before) + 1 + number for number in range(count)]
                    row = [*before, *[self._tokenizer.mask_token_id] * count, *after]
                    rows.append((row, masks, word, found))
        rows.sort(key=lambda row: len(row[0]))
        for begin in range(0, len(rows), _WINDOWS):
            batch = rows[begin : begin + _WINDOWS]
            predicted = self._score_masks(
                [row for row, _, _, _ in batch], [masks for _, masks, _, _ in batch]
            )
            for (_, _, word, found), each in zip(batch, predicted, strict=True):
                for place, original in found.items():
                    total = float(each[range(len(original)), original].sum())
                    scores[word][place] = total / math.sqrt(len(original))
        return scores

    def _find_tokens(self, before: str, words: Sequence[str]) -> list[list[int]]:
        """The tokens of each word after this text."""
        blank = " " if before[-1:].isspace() else ""  # byte-level tokens begin with it
        return self._tokenizer([blank + word for word in words], add_special_tokens=False)["input_ids"]

    def _encode(self, texts: Sequence[str]) -> list[Any]:
        readable = [_CAPITALS.sub(_lower, _SURROGATES.sub(_UNREADABLE, text)) for text in texts]
        if not self._splits_symbols:
            readable = [_BESIDE_LETTERS.sub(_blank_symbols, text) for text in readable]
        return self._tokenizer(readable, add_special_tokens=False, verbose=False).encodings

    @torch.no_grad()
    def _read(self, ids: Sequence[Sequence[int]]) -> Any:
        """The last states of both channels, each (B, L, H), of rows of tokens."""
        model, tokenizer = self._model, self._tokenizer
        rows = [torch.tensor([tokenizer.cls_token_id, *row, tokenizer.sep_token_id]) for row in ids]
        input_ids = pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        was_training = model.training
        model.eval()
        try:
            return model.charbert(input_ids.to(model.device), mask.to(model.device))
        finally:
            model.train(was_training)

    @torch.no_grad()
    def _score_masks(self, ids: Sequence[Sequence[int]], masks: Sequence[Sequence[int]]) -> Sequence[Array]:
        """(M, T) for each row, the log-probabilities of all tokens at its M masks."""
        rows, positions = torch.tensor([(row, each) for row, some in enumerate(masks) for each in some]).T
        scores = self._model.mlm_head(self._read(ids).last_hidden_state[rows, positions])
        parts = scores.float().log_softmax(-1).cpu().split([len(some) for some in masks])
        return [part.numpy() for part in parts]

    @torch.no_grad()
    def _score(self, states: torch.Tensor, spans: Sequence[tuple[int, _TokenSpan]]) -> Array:
        """(S, V) the log-probabilities of the words of S spans, each with its row of the states."""
        positions = [(row, token) for row, span in spans for token in range(span.first, span.last + 1)]
        rows, tokens = torch.tensor(positions, device=states.device).T
        scores = self._model.nlm_head(states[rows, tokens]).float().log_softmax(-1)
        pieces = scores.split([span.last - span.first + 1 for _, span in spans])
        return torch.stack([each.logsumexp(0) - math.log(len(each)) for each in pieces]).cpu().numpy()


def _load_tokenizer(model: CharBertForPreTraining) -> CharBertTokenizer:
    if not model.name_or_path:
        raise CharBertError("this model was not loaded from a folder: give its tokenizer too")
    return CharBertTokenizer.from_pretrained(model.name_or_path)


def _check_words(tokenizer: Any, model: CharBertForPreTraining) -> Vocabulary:
    words = getattr(tokenizer, "words", None)
    if words is None:
        raise CharBertError(f"{type(tokenizer).__name__} has no words to restore: give a CharBertTokenizer")
    if len(words) != model.config.word_vocabulary_size:
        raise CharBertError(
            f"the tokenizer has {len(words)} words, and the model predicts "
            f"{model.config.word_vocabulary_size}: give the tokenizer that it was trained with"
        )
    return words


def _check_special_tokens(tokenizer: Any) -> None:
    for name in ("cls_token", "sep_token", "pad_token", "mask_token"):
        if getattr(tokenizer, name) is None:
            raise CharBertError(f"{tokenizer.name_or_path}: its tokenizer_config.json lacks a {name}")


def _find_words(index: int, text: str, encoding: Any) -> Iterator[_TokenSpan]:
    """The words of the text with this index."""
    words, offsets = encoding.word_ids, encoding.offsets
    first = 0
    for token in range(1, len(words) + 1):
        if token < len(words) and words[token] == words[first]:
            continue
        start, end = offsets[first][0], offsets[token - 1][1]
        # Byte-level tokens may begin with the space before the word, or be nothing else.
        start += len(text[start:end]) - len(text[start:end].lstrip())
        if start < end:
            yield _TokenSpan(WordSpan(index, start, end), first, token - 1)
        first = token


def _choose_windows(
    spans: Sequence[_TokenSpan], size: int, room: int
) -> Iterator[tuple[int, int, list[_TokenSpan]]]:
    """Windows `start` to `end` of a text of `size` tokens, each with those of its words that are read there.

    Words whose contexts overlap share a window, unless it would be longer than `room`.
    """
    start = end = 0
    inside: list[_TokenSpan] = []
    for span in spans:
        context = min(_CONTEXT, (room - (span.last - span.first + 1)) // 2)
        first, last = max(span.first - context, 0), min(span.last + 1 + context, size)
        if inside and (first > end or last - start > room):
            yield start, end, inside
            inside = []
        start, end = start if inside else first, last
        inside.append(span)
    if inside:
        yield start, end, inside


def _blank_symbols(found: re.Match[str]) -> str:
    """The characters with blanks for symbols, and for marks and invisible characters on these."""
    kept, is_symbol = "", False
    for character in found[0]:
        kind = category(character)
        is_symbol = kind[0] == "S" or (is_symbol and kind in ("Mn", "Me", "Cf"))
        kept += " " if is_symbol else character
    return kept


def _lower(word: re.Match[str]) -> str:
    """A word of capitals in small letters, if it keeps its length; any other as it is."""
    small = word[0].lower()
    return small if word[0].isupper() and len(small) == len(word[0]) else word[0]
