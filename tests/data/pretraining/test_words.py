import numpy as np
import pytest
import tiny
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from charbert.errors import CharBertError
from charbert.ragged import Array, Ragged
from data.pretraining.words import WordPieces, check_tokenizer

TEXT = "the foxes jumped over naïve token # word"


def words_of(kind: str, text: str) -> tuple[WordPieces, Ragged]:
    tokenizer = tiny.tokenizer(kind)
    encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    words: dict[int, list[int]] = {}
    for token_id, word_id in zip(encoding.ids, encoding.word_ids, strict=True):
        words.setdefault(word_id, []).append(token_id)
    return WordPieces(tokenizer), Ragged.from_rows(list(words.values()), np.int64)


def first_pieces(words: Ragged) -> Array:
    return words.values[words.offsets[:-1]]


@pytest.mark.parametrize(("kind", "text"), (("bert", TEXT.replace("ï", "i")), ("roberta", TEXT)))
def test_pieces_give_the_words_of_the_text(kind: str, text: str) -> None:
    pieces, words = words_of(kind, text)
    assert pieces.texts(words) == text.split()


@pytest.mark.parametrize(("kind", "text"), (("bert", TEXT.replace("ï", "i")), ("roberta", TEXT)))
def test_a_word_gives_its_pieces_back(kind: str, text: str) -> None:
    pieces, words = words_of(kind, text)
    again = pieces.pieces(pieces.texts(words), pieces.after_space(first_pieces(words)))
    assert again.values.tolist() == words.values.tolist()
    assert again.offsets.tolist() == words.offsets.tolist()


def test_the_space_before_a_byte_level_word_stands_apart() -> None:
    pieces, words = words_of("roberta", "over there")
    assert pieces.texts(words) == ["over", "there"]
    assert pieces.after_space(first_pieces(words)).tolist() == [False, True]


def test_a_word_stays_one_whatever_it_contains(kind: str) -> None:
    pieces = WordPieces(tiny.tokenizer(kind))
    texts = ["a.b", "it's", "fo#x", "word"]
    assert len(pieces.pieces(texts, np.zeros(4, bool)).lengths) == 4


def test_no_words_have_no_pieces(kind: str) -> None:
    pieces = WordPieces(tiny.tokenizer(kind))
    assert pieces.texts(Ragged.from_rows([], np.int64)) == []
    assert pieces.pieces([], np.zeros(0, bool)).offsets.tolist() == [0]


def test_special_tokens_and_line_ends_are_not_read(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    unread = np.flatnonzero(~WordPieces(tokenizer).is_readable).tolist()
    line_end = [tokenizer.convert_tokens_to_ids("Ċ")] if kind == "roberta" else []
    assert unread == sorted([*tokenizer.all_special_ids, *line_end])


def test_bytes_that_are_no_text_leave_the_other_words_alone() -> None:
    pieces, words = words_of("roberta", "naïve dog")
    half = Ragged.from_rows([words.values[:3].tolist(), words.take(np.array([1])).values.tolist()], np.int64)
    assert pieces.texts(half)[0].endswith("\ufffd")
    assert pieces.texts(half)[1] == "dog"


def test_a_letter_of_two_bytes_is_read_and_written() -> None:
    pieces, _ = words_of("roberta", "x")
    texts = ["naïve", "ключ", "日本語", "🙂"]
    assert pieces.texts(pieces.pieces(texts, np.array([True, False, True, False]))) == texts


def other_tokenizer(model: models.Model, **special: str) -> PreTrainedTokenizerFast:
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    with pytest.raises(CharBertError, match="neither WordPiece nor byte-level BPE"):
        check_tokenizer(other_tokenizer(models.BPE({"a": 0}, [])))


@pytest.mark.parametrize("missing", ("cls_token", "sep_token", "mask_token", "pad_token"))
def test_a_tokenizer_without_what_an_example_needs_is_refused(missing: str) -> None:
    special = {"cls_token": "[C]", "sep_token": "[S]", "mask_token": "[M]", "pad_token": "[P]"}
    del special[missing]
    with pytest.raises(CharBertError, match=f"has no {missing}"):
        check_tokenizer(other_tokenizer(models.WordPiece({"a": 0}, unk_token="a"), **special))
