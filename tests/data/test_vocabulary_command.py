import json
from pathlib import Path

import pytest
import tiny

from charbert import CharBertTokenizer
from charbert.errors import CharBertError
from data.__main__ import main

TEXT = "The cat saw the dog. The dog saw a bird! Ça va?\n\nthe CAT slept; the dog slept too."


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT * 3, encoding="utf-8")
    return path


def build(text: Path, *more: str) -> CharBertTokenizer:
    out = str(text.parent / "tokenizer")
    main(["vocabulary", str(text), "--out", out, *more])
    return CharBertTokenizer.from_pretrained(out)


@pytest.mark.parametrize("form", ("wordpiece", "bpe"))
def test_a_trained_tokenizer_gives_the_text_back(text: Path, form: str) -> None:
    tokenizer = build(text, "--tokenizer", form, "--vocab-size", "400")
    encoded = tokenizer("The dog saw a bird")
    assert tokenizer.decode(encoded["input_ids"], skip_special_tokens=True) == "The dog saw a bird"
    assert encoded["input_ids"][0] == tokenizer.cls_token_id
    assert encoded["input_ids"][-1] == tokenizer.sep_token_id


def test_pairs_get_token_types_as_bert_has_them(text: Path) -> None:
    assert set(build(text)("a cat", "a dog")["token_type_ids"]) == {0, 1}


def test_words_are_lower_cased_and_ranked_by_frequency(text: Path) -> None:
    words = build(text, "--words", "5").words
    assert words.entries == ["the", "dog", ".", "cat", "saw", "<unk>"]


def test_characters_begin_with_the_blank_and_end_with_the_unknown(text: Path) -> None:
    characters = build(text, "--characters", "4").characters
    assert (len(characters), characters[0], characters[len(characters) - 1]) == (6, " ", "<unk>")


def test_characters_of_a_byte_level_tokenizer_are_those_of_its_pieces(text: Path) -> None:
    characters = build(text, "--tokenizer", "bpe", "--vocab-size", "300").characters
    assert "Ã" in characters
    assert "Ç" not in characters


def test_lowercase_leaves_case_and_accents_out(text: Path) -> None:
    tokenizer = build(text, "--lowercase")
    assert tokenizer("Ça")["input_ids"] == tokenizer("ca")["input_ids"]


def test_a_tokenizer_that_is_there_is_kept(text: Path, kind: str) -> None:
    stock = tiny.stock_tokenizer(kind)
    stock.save_pretrained(text.parent / "stock")
    built = build(text, "--tokenizer", str(text.parent / "stock"))
    assert built(TEXT)["input_ids"] == stock(TEXT)["input_ids"]


@pytest.mark.parametrize("form", ("wordpiece", "bpe"))
def test_the_same_text_gives_the_same_files(text: Path, form: str) -> None:
    folder = text.parent / "tokenizer"
    names = ("tokenizer.json", "characters.txt", "words.txt")
    build(text, "--tokenizer", form, "--vocab-size", "320")
    first = {name: (folder / name).read_bytes() for name in names}
    build(text, "--tokenizer", form, "--vocab-size", "320", "--overwrite")
    assert {name: (folder / name).read_bytes() for name in names} == first


def test_letters_leave_room_for_pieces(text: Path) -> None:
    text.write_text(
        "the dog " * 50 + "".join(chr(letter) for letter in range(0x4E00, 0x5000)), encoding="utf-8"
    )
    tokenizer = build(text, "--vocab-size", "100")
    assert len(tokenizer) <= 100
    assert "dog" in tokenizer.get_vocab()


@pytest.mark.parametrize(("option", "value"), (("vocab-size", "49"), ("characters", "0"), ("words", "-1")))
def test_sizes_that_hold_nothing_are_refused(text: Path, option: str, value: str) -> None:
    with pytest.raises(CharBertError, match=f"--{option} must be at least"):
        build(text, f"--{option}", value)


def test_coverage_is_written(text: Path) -> None:
    build(text, "--words", "2")
    results = json.loads((text.parent / "tokenizer" / "results.json").read_text())
    assert results["character_coverage"] == 100
    assert 0 < results["word_coverage"] < 100


def test_a_tokenizer_that_is_nowhere_is_refused(text: Path) -> None:
    with pytest.raises(CharBertError, match="nowhere"):
        build(text, "--tokenizer", "nowhere")
    assert not (text.parent / "tokenizer").exists()


def test_an_empty_text_is_refused(text: Path) -> None:
    text.write_text("")
    with pytest.raises(CharBertError, match=r"text\.txt"):
        build(text)
