"""`CharBertTokenizer` tokenises as the tokenizer it was made from, and spells what it tokenised."""

from typing import Any

import numpy as np
import pytest
import tiny
import torch
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
)

from charbert import CharBertError, CharBertTokenizer
from charbert.spelling import lay_out, spell
from charbert.tokenization import SPELLED

UNKNOWN_PIECE = 1  # the id of [UNK] in the tiny WordPiece vocabulary
LONG = "the quick brown fox jumps over the lazy dog and the foxes jump over it"
WINDOWS = {"truncation": True, "max_length": 10, "stride": 2, "return_overflowing_tokens": True}

INPUTS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "a text": (("the lazy dog",), {}),
    "an empty text": (("",), {}),
    "texts": ((["the lazy dog", "", "a fox ."],), {}),
    "a pair": (("the lazy dog", "a fox"), {}),
    "a pair with nothing second": (("the lazy dog", ""), {}),
    "pairs in two lists": ((["the lazy dog", "a"], ["a fox", ""]), {}),
    "pairs as tuples": (([("the lazy dog", "a fox"), ("a", "the")],), {}),
    "pairs as lists": (([["the lazy dog", "a fox"], ["a", "the"]],), {}),
    "words": ((["the", "lazy", "dog"],), {"is_split_into_words": True}),
    "words in a tuple": ((("the", "lazy", "dog"),), {"is_split_into_words": True}),
    "no words": (([],), {"is_split_into_words": True}),
    "lists of words": (([["the", "lazy"], [], ["dog"]],), {"is_split_into_words": True}),
    "a pair of words": ((["the", "dog"], ["a", "fox"]), {"is_split_into_words": True}),
    "pairs of words": (([(["the", "dog"], ["a"]), (["a"], ["fox"])],), {"is_split_into_words": True}),
    "windows on a text": ((LONG,), WINDOWS),
    "windows on texts": (([LONG, "a dog"],), {**WINDOWS, "padding": True}),
    "windows on pairs": (([("a fox", LONG)],), {**WINDOWS, "truncation": "only_second"}),
    "padded texts": ((["the lazy dog", "a"],), {"padding": True, "pad_to_multiple_of": 8}),
    "padded on the left": ((["the lazy dog", "a"],), {"padding": True, "padding_side": "left"}),
    "padded to a length": (("a dog",), {"padding": "max_length", "max_length": 9}),
    "truncated": (([LONG, "a dog"],), {"truncation": True, "max_length": 6}),
    "without special tokens": (("the lazy dog",), {"add_special_tokens": False}),
    "with everything": (
        (["the lazy dog", "a fox"],),
        {"return_offsets_mapping": True, "return_special_tokens_mask": True, "return_length": True},
    ),
    "everything of one": (("the dog",), {"return_offsets_mapping": True, "return_length": True}),
}


def spellings(encoded: Any, row: int | None = None) -> list[list[int]]:
    columns = [encoded[name] if row is None else encoded[name][row] for name in SPELLED]
    return tiny.spellings_of(*columns)


def surfaces(tokenizer: CharBertTokenizer, encoded: Any, row: int | None = None) -> list[str]:
    """What stands for each token, in characters again; those outside the vocabulary as ?"""
    characters = tokenizer.characters
    return [
        "".join("?" if index == characters.unknown_id else characters[index] for index in spelling)
        for spelling in spellings(encoded, row)
    ]


@pytest.mark.parametrize("arguments", INPUTS.values(), ids=INPUTS)
class TestInEveryForm:
    def test_tokens_are_those_of_the_stock_tokenizer(
        self, stock: Any, tokenizer: CharBertTokenizer, arguments: Any
    ) -> None:
        positional, settings = arguments
        assert dict(tokenizer(*positional, **settings)) == dict(stock(*positional, **settings))

    def test_spelling_is_added_and_changes_nothing_else(
        self, stock: Any, tokenizer: CharBertTokenizer, arguments: Any
    ) -> None:
        positional, settings = arguments
        encoded = dict(tokenizer(*positional, **settings, return_spelling=True))
        assert all(encoded.pop(name) is not None for name in SPELLED)
        assert encoded == dict(stock(*positional, **settings))

    def test_spelling_is_that_of_the_tokens(
        self, kind: str, tokenizer: CharBertTokenizer, arguments: Any
    ) -> None:
        positional, settings = arguments
        encoded = tokenizer(*positional, **settings, return_spelling=True)
        table = tiny.spelling_table(kind)
        rows = [encoded]
        if isinstance(encoded["input_ids"][0], list):
            rows = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
        for row in rows:
            present = [index for index, real in enumerate(row["attention_mask"]) if real]
            wanted = lay_out([table[row["input_ids"][index]] for index in present])
            assert row["char_input_ids"][: len(wanted[0])] == wanted[0]
            assert not any(row["char_input_ids"][len(wanted[0]) :])
            for name, values in zip(("start_ids", "end_ids"), wanted[1:], strict=True):
                spread = dict(zip(present, values, strict=True))
                assert row[name] == [spread.get(index, 0) for index in range(len(row["input_ids"]))]

    def test_tensors_hold_the_same(self, tokenizer: CharBertTokenizer, arguments: Any) -> None:
        positional, settings = arguments
        settings = {"padding": True, **settings, "return_spelling": True}
        lists, tensors, arrays = (
            tokenizer(*positional, **settings, return_tensors=form) for form in (None, "pt", "np")
        )
        batched = isinstance(lists["input_ids"][0], list)
        for name in SPELLED:
            wanted = lists[name] if batched else [lists[name]]
            assert tensors[name].dtype == torch.long
            assert tensors[name].tolist() == wanted
            assert isinstance(arrays[name], np.ndarray)
            assert arrays[name].tolist() == wanted

    def test_offsets_and_words_are_at_hand(
        self, stock: Any, tokenizer: CharBertTokenizer, arguments: Any
    ) -> None:
        positional, settings = arguments
        ours = tokenizer(*positional, **settings, return_spelling=True)
        theirs = stock(*positional, **settings)
        assert [each.offsets for each in ours.encodings] == [each.offsets for each in theirs.encodings]
        assert [each.word_ids for each in ours.encodings] == [each.word_ids for each in theirs.encodings]


class TestUnknownTokens:
    """Only WordPiece has them: bytes spell everything."""

    @pytest.fixture
    def tokenizer(self) -> CharBertTokenizer:
        return tiny.tokenizer("bert")

    def test_are_spelled_as_they_stand_in_the_text(self, tokenizer: CharBertTokenizer) -> None:
        encoded = tokenizer("a bäd dog", return_spelling=True)
        assert encoded["input_ids"][2] == UNKNOWN_PIECE
        assert surfaces(tokenizer, encoded) == [" ", "a", "b?d", "dog", " "]

    def test_in_the_second_of_a_pair(self, tokenizer: CharBertTokenizer) -> None:
        encoded = tokenizer("a bäd dog", "fö", return_spelling=True)
        assert surfaces(tokenizer, encoded)[-2] == "f?"

    @pytest.mark.parametrize("pair", [("a bäd", "fö dog"), ["a bäd", "fö dog"]])
    def test_in_pairs_of_a_batch(self, tokenizer: CharBertTokenizer, pair: Any) -> None:
        encoded = tokenizer([pair], return_spelling=True)
        assert surfaces(tokenizer, encoded, 0) == [" ", "a", "b?d", " ", "f?", "dog", " "]

    def test_in_the_second_list_of_a_batch(self, tokenizer: CharBertTokenizer) -> None:
        encoded = tokenizer(["a", "dog"], ["bäd", "fö"], return_spelling=True)
        assert surfaces(tokenizer, encoded, 1) == [" ", "dog", " ", "f?", " "]

    @pytest.mark.parametrize("words", [["a", "bäd", "dog"], ("bäd", "fö")])
    def test_in_words(self, tokenizer: CharBertTokenizer, words: Any) -> None:
        encoded = tokenizer(words, is_split_into_words=True, return_spelling=True)
        assert surfaces(tokenizer, encoded)[1:-1] == [
            word.replace("ä", "?").replace("ö", "?") for word in words
        ]

    @pytest.mark.parametrize("pair", [(["a", "bäd"], ["fö"]), [["a", "bäd"], ["fö"]]])
    def test_in_pairs_of_words(self, tokenizer: CharBertTokenizer, pair: Any) -> None:
        encoded = tokenizer([pair], is_split_into_words=True, return_spelling=True)
        assert surfaces(tokenizer, encoded, 0) == [" ", "a", "b?d", " ", "f?", " "]

    def test_in_a_window_far_into_the_text(self, tokenizer: CharBertTokenizer) -> None:
        encoded = tokenizer(["a dog", f"{LONG} bäd"], **WINDOWS, return_spelling=True)
        last = len(encoded["input_ids"]) - 1
        assert last > 1
        if tokenizer.unk_token_id not in encoded["input_ids"][last]:
            pytest.skip("tokenizers 0.23.1 and 0.23.2 lose the windows of a text behind the second")
        assert surfaces(tokenizer, encoded, last)[-2] == "b?d"

    def test_emoji_is_one_character_outside_the_vocabulary(self, tokenizer: CharBertTokenizer) -> None:
        assert surfaces(tokenizer, tokenizer(f"a {tiny.EMOJI}", return_spelling=True))[2] == "?"

    def test_are_spelled_with_64_characters_at_most(self, tokenizer: CharBertTokenizer) -> None:
        encoded = tokenizer("dog" * 2000, return_spelling=True)
        assert encoded["input_ids"][1] == UNKNOWN_PIECE
        assert surfaces(tokenizer, encoded)[1] == ("dog" * 22)[:64]

    def test_are_spelled_in_the_case_of_the_pieces(self) -> None:
        tokenizer = tiny.tokenizer("bert", do_lower_case=True)
        assert surfaces(tokenizer, tokenizer("DÖG2", return_spelling=True))[1] == "dog?"

    def test_chinese_letters_stand_without_the_blanks_set_around_them(
        self, tokenizer: CharBertTokenizer
    ) -> None:
        assert surfaces(tokenizer, tokenizer("a 中 dog", return_spelling=True))[2] == "?"


class TestLongWords:
    def test_of_5000_characters_are_spelled_whole_in_bytes(self) -> None:
        tokenizer = tiny.tokenizer("roberta")
        encoded = tokenizer("x" * 5000, return_spelling=True)
        assert "".join(surfaces(tokenizer, encoded)[1:-1]) == "x" * 5000


class TestPad:
    def test_batch_is_what_padding_at_once_gives(self, tokenizer: CharBertTokenizer) -> None:
        texts = ["the lazy dog", "a", "foxes jump"]
        for side in ("right", "left"):
            tokenizer.padding_side = side
            singly = tokenizer.pad([tokenizer(text, return_spelling=True) for text in texts])
            assert dict(singly) == dict(tokenizer(texts, padding=True, return_spelling=True))

    def test_takes_a_batch_encoding(self, tokenizer: CharBertTokenizer) -> None:
        texts = ["the lazy dog", "a"]
        padded = tokenizer.pad(tokenizer(texts, return_spelling=True), return_tensors="pt")
        wanted = tokenizer(texts, padding=True, return_spelling=True, return_tensors="pt")
        assert all(torch.equal(padded[name], wanted[name]) for name in wanted)

    def test_takes_a_side_and_a_length(self, tokenizer: CharBertTokenizer) -> None:
        encoded = [tokenizer("a dog", return_spelling=True)]
        padded = tokenizer.pad(encoded, padding="max_length", max_length=12, padding_side="left")
        missing = 12 - len(encoded[0]["input_ids"])
        assert padded["start_ids"] == [[0] * missing + encoded[0]["start_ids"]]
        assert padded["end_ids"] == [[0] * missing + encoded[0]["end_ids"]]

    def test_leaves_what_it_was_given(self, tokenizer: CharBertTokenizer) -> None:
        encoded = [tokenizer(text, return_spelling=True) for text in ("the lazy dog", "a")]
        before = [dict(row) for row in encoded]
        tokenizer.pad(encoded)
        assert [dict(row) for row in encoded] == before

    def test_without_spelling_is_that_of_transformers(self, stock: Any, tokenizer: CharBertTokenizer) -> None:
        texts = ("the lazy dog", "a")
        assert dict(tokenizer.pad([tokenizer(text) for text in texts])) == dict(
            stock.pad([stock(text) for text in texts])
        )

    def test_single_example_with_spelling_is_refused(self, tokenizer: CharBertTokenizer) -> None:
        with pytest.raises(CharBertError, match="a batch, not a single example"):
            tokenizer.pad(tokenizer("a dog", return_spelling=True))

    def test_serves_the_collator(self, tokenizer: CharBertTokenizer) -> None:
        texts = ["the lazy dog", "a"]
        features = [{**tokenizer(text, return_spelling=True), "label": 1} for text in texts]
        batch = DataCollatorWithPadding(tokenizer)(features)
        wanted = tokenizer(texts, padding=True, return_spelling=True, return_tensors="pt")
        assert all(torch.equal(batch[name], wanted[name]) for name in wanted)
        assert batch["labels"].tolist() == [1, 1]

    @pytest.mark.parametrize("tensors", ["pt", "np"])
    def test_masked_and_replaced_tokens_become_blanks(
        self, tokenizer: CharBertTokenizer, tensors: str
    ) -> None:
        rows = [tokenizer(text, return_spelling=True) for text in tiny.SENTENCES]
        collator = DataCollatorForLanguageModeling(
            tokenizer, mlm_probability=0.5, seed=0, return_tensors=tensors
        )
        batch = collator(rows)
        hidden = 0
        for row, ids, labels, *spelled in zip(
            rows, *(batch[name] for name in ("input_ids", "labels", *tiny.SPELLED)), strict=True
        ):
            length = len(row["input_ids"])
            before = tiny.spellings_of(*(row[name] for name in tiny.SPELLED))
            after = tiny.spellings_of(spelled[0], *(each[:length] for each in spelled[1:]))
            replaced = [
                int(label) not in (-100, int(token)) for label, token in zip(labels, ids, strict=True)
            ]
            hidden += sum(replaced)
            for position in range(length):
                assert after[position] == ([0] if replaced[position] else before[position])
        assert hidden > 10

    def test_serves_the_collator_of_token_labels(self, tokenizer: CharBertTokenizer) -> None:
        features = [tokenizer(text, return_spelling=True) for text in ("the lazy dog", "a")]
        labelled = [{**feature, "labels": [0] * len(feature["input_ids"])} for feature in features]
        batch = DataCollatorForTokenClassification(tokenizer)(labelled)
        assert batch["labels"].shape == batch["start_ids"].shape == batch["input_ids"].shape


def test_special_tokens_in_a_text_are_blanks(kind: str, tokenizer: CharBertTokenizer) -> None:
    encoded = tokenizer(f"a {tokenizer.mask_token} dog", return_spelling=True)
    masked = encoded["input_ids"].index(tokenizer.mask_token_id)
    assert spellings(encoded)[masked] == [0]


def test_added_tokens_are_spelled_once_added(kind: str, tokenizer: CharBertTokenizer) -> None:
    tokenizer("a dog", return_spelling=True)
    tokenizer.add_tokens(["newdog"])
    encoded = tokenizer("newdog", return_spelling=True)
    assert spellings(encoded)[1] == spell("newdog", tokenizer.characters)
