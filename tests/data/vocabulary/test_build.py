import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tiny
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from charbert import CharBertTokenizer, Vocabulary
from charbert.errors import CharBertError
from data.__main__ import main
from data.corpus.sources import batches
from data.vocabulary import build as vocabulary
from data.vocabulary import counting
from data.vocabulary import tokenizers as forms

TEXT = "The cat saw the dog. The dog saw a bird! Ça va?\n\nthe CAT slept; the dog slept too."
NAMES = ("tokenizer.json", "characters.txt", "words.txt")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT * 3, encoding="utf-8")
    return path


def build(text: Path, *more: str) -> CharBertTokenizer:
    out = str(text.parent / "tokenizer")
    main(["vocabulary", str(text), "--output", out, *more])
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
    tokenizer = build(text, "--words", "5", "--known", "2")
    assert tokenizer.words.entries == ["the", "dog", ".", "cat", "saw", "<unk>"]
    assert tokenizer.known == ["slept", "a"]


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
    build(text, "--tokenizer", form, "--vocab-size", "320")
    first = {name: (folder / name).read_bytes() for name in NAMES}
    build(text, "--tokenizer", form, "--vocab-size", "320", "--overwrite")
    assert {name: (folder / name).read_bytes() for name in NAMES} == first


def test_sizes_that_the_text_is_too_small_for_are_printed(
    text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = build(text, "--vocab-size", "5000", "--words", "100")
    said = capsys.readouterr().err
    assert f"--vocab-size 5,000: the text gives {len(tokenizer):,} tokens" in said
    assert f"--words 100: the text has {len(tokenizer.words) - 1} different words; all are taken" in said


def test_for_a_script_of_too_many_letters_a_size_that_fits_is_printed(
    text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text.write_text("".join(f"{chr(letter)} の " for letter in range(0x4E00, 0x4F00)), encoding="utf-8")
    assert build(text, "--vocab-size", "100").unk_token_id in build_ids(text)
    [size] = re.findall(r"become unknown; ([\d,]+) has room for them", capsys.readouterr().err)
    build(text, "--vocab-size", size.replace(",", ""), "--overwrite")
    assert "has room" not in capsys.readouterr().err
    assert CharBertTokenizer.from_pretrained(text.parent / "tokenizer").unk_token_id not in build_ids(text)


def build_ids(text: Path) -> list[int]:
    """The tokens of a text by the tokenizer that was built from it."""
    tokenizer = CharBertTokenizer.from_pretrained(text.parent / "tokenizer")
    return tokenizer(text.read_text(encoding="utf-8"))["input_ids"]


def test_sizes_that_fit_print_nothing(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(text, "--vocab-size", "50", "--words", "5")
    assert "--words" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("script", "words"),
    (
        ("แมวกินปลา หมากินปลา", ["แมวกินปลา", "หมากินปลา"]),
        ("東京は日本の首都である", ["東", "京", "は", "日", "本", "の", "首", "都", "である"]),
        ("北京是中国首都", ["北", "京", "是", "中", "国", "首", "都"]),
    ),
)
def test_without_spaces_words_are_those_of_the_pre_tokenisation(
    text: Path, script: str, words: list[str]
) -> None:
    text.write_text(script, encoding="utf-8")
    assert sorted(build(text).words.entries) == sorted([*words, "<unk>"])


def test_letters_leave_room_for_pieces(text: Path) -> None:
    text.write_text(
        "the dog " * 50 + "".join(chr(letter) for letter in range(0x4E00, 0x5000)), encoding="utf-8"
    )
    tokenizer = build(text, "--vocab-size", "100")
    assert len(tokenizer) <= 100
    assert "dog" in tokenizer.get_vocab()


@pytest.mark.parametrize(
    ("option", "value"), (("vocab-size", "49"), ("characters", "0"), ("words", "-1"), ("workers", "0"))
)
def test_sizes_that_hold_nothing_are_refused(text: Path, option: str, value: str) -> None:
    with pytest.raises(CharBertError, match=f"--{option}: .* must be at least"):
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


def test_several_texts_are_read_as_one(text: Path) -> None:
    more = text.with_name("more.jsonl")
    more.write_text('{"text": "owl owl owl owl owl owl owl owl owl owl owl owl owl owl owl owl"}\n')
    main(["vocabulary", str(text), str(more), "--output", str(text.parent / "out"), "--words", "2"])
    assert Vocabulary.load(text.parent / "out" / "words.txt").entries == ["owl", "the", "<unk>"]


@pytest.mark.parametrize("form", ("wordpiece", "bpe"))
def test_any_number_of_workers_writes_the_same_files(
    text: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "batches", partial(batches, characters=50))
    monkeypatch.setattr(forms, "LEAST_LETTERS", 10)
    files = []
    for workers in ("1", "3"):
        build(text, "--tokenizer", form, "--vocab-size", "300", "--workers", workers, "--overwrite")
        files.append({name: (text.parent / "tokenizer" / name).read_bytes() for name in NAMES})
    assert files[0] == files[1]


# A text, and what of it is a word for WordPiece and for byte-level BPE, most frequent first.
SCRIPTS = {
    "Russian": ("Кошка видит собаку. Кошка спит, кошка ест.", "кошка", "кошка"),
    "Arabic": ("القِطَّةُ تنامُ والكلبُ. القِطَّةُ هنا", "القِطَّةُ", "القِطَّةُ"),
    "Hindi": ("बिल्ली सोती है। बिल्ली यहाँ। बिल्ली", "बिल्ली", "बिल्ली"),
    "Thai": ("แมวกินปลา ที่นี่ แมวกินปลา แมวกินปลา", "แมวกินปลา", "แมวกินปลา"),
    "Chinese": ("猫在睡觉。\n猫猫，在这里。\n猫在睡觉。", "猫", "猫在睡觉"),
}


@pytest.mark.parametrize("form", ("wordpiece", "bpe"))
@pytest.mark.parametrize("script", SCRIPTS)
class TestScripts:
    @pytest.fixture
    def tokenizer(self, tmp_path: Path, script: str, form: str) -> CharBertTokenizer:
        path = tmp_path / "text.txt"
        path.write_text(SCRIPTS[script][0], encoding="utf-8")
        return build(path, "--tokenizer", form, "--vocab-size", "400")

    def test_words_are_those_of_the_script(
        self, tokenizer: CharBertTokenizer, script: str, form: str
    ) -> None:
        assert SCRIPTS[script][1 if form == "wordpiece" else 2] in tokenizer.words.entries[:3]

    def test_every_character_is_in_the_vocabulary(
        self, tokenizer: CharBertTokenizer, script: str, form: str
    ) -> None:
        spelled = tokenizer(SCRIPTS[script][0], return_spelling=True)["char_input_ids"]
        assert tokenizer.characters.unknown_id not in spelled

    def test_the_text_comes_back(self, tokenizer: CharBertTokenizer, script: str, form: str) -> None:
        text = SCRIPTS[script][0]
        decoded = tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True)
        if form == "bpe":
            assert decoded == text
        else:
            assert "".join(decoded.split()) == "".join(text.split())


def test_a_long_run_of_letters_without_spaces_is_known(text: Path) -> None:
    text.write_text("แมวกินปลา" * 25, encoding="utf-8")
    tokenizer = build(text)
    assert tokenizer.unk_token_id not in tokenizer(text.read_text(encoding="utf-8"))["input_ids"]


def test_a_script_of_many_letters_gets_more_of_them(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LEAST_LETTERS", 3)
    text.write_text("".join(chr(letter) for letter in range(0x4E00, 0x4E80)), encoding="utf-8")
    tokenizer = build(text, "--vocab-size", "300")
    assert tokenizer.unk_token_id not in tokenizer(text.read_text(encoding="utf-8"))["input_ids"]


def test_rare_letters_are_left_to_the_unknown(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LEAST_LETTERS", 3)
    text.write_text("the dog " * 2000 + "犬", encoding="utf-8")
    assert build(text).tokenize("the dog 犬") == ["the", "dog", "[UNK]"]


GIVEN = {
    "character": [" ", "a", "\u3000", "", "\u00a0", "", "\r", "a", "<unk>"],
    "word": ["the", "", "\u2028", "the", "<unk>"],
}


@pytest.mark.parametrize("kind_of_entry", GIVEN)
def test_a_given_vocabulary_is_taken_as_it_stands(text: Path, kind: str, kind_of_entry: str) -> None:
    given = text.parent / "released"
    given.write_bytes("".join(f"{entry}\n" for entry in GIVEN[kind_of_entry]).encode())
    tiny.stock_tokenizer(kind).save_pretrained(text.parent / "stock")
    built = build(
        text, "--tokenizer", str(text.parent / "stock"), f"--{kind_of_entry}-vocabulary", str(given)
    )
    assert getattr(built, f"{kind_of_entry}s").entries == GIVEN[kind_of_entry]
    assert (text.parent / "tokenizer" / f"{kind_of_entry}s.txt").read_bytes() == given.read_bytes()


def test_coverage_is_that_of_given_vocabularies(text: Path) -> None:
    (text.parent / "characters").write_text(" \nt\nh\ne\n<unk>\n")
    (text.parent / "words").write_text("dog\n<unk>\n")
    text.write_text("the the dog owl")
    build(
        text,
        *("--character-vocabulary", str(text.parent / "characters")),
        *("--word-vocabulary", str(text.parent / "words")),
    )
    results = json.loads((text.parent / "tokenizer" / "results.json").read_text())
    assert (results["character_coverage"], results["word_coverage"]) == (50, 25)


def test_a_given_vocabulary_is_read_before_the_text(text: Path) -> None:
    (text.parent / "words").write_text("dog\n")
    with pytest.raises(CharBertError, match="words: the last entry must be <unk>"):
        build(text, "--word-vocabulary", str(text.parent / "words"))


def test_a_vocabulary_is_either_given_or_counted(text: Path) -> None:
    with pytest.raises(CharBertError, match="--words and --word-vocabulary exclude each other"):
        build(text, "--words", "5", "--word-vocabulary", "words")


def test_spaces_before_words_are_a_character_of_byte_level_pieces(text: Path) -> None:
    assert "Ġ" in build(text, "--tokenizer", "bpe", "--vocab-size", "300").characters


def test_a_tokenizer_that_makes_no_words_is_refused(text: Path) -> None:
    stock = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    stock.save_pretrained(text.parent / "stock")
    with pytest.raises(CharBertError, match="does not cut text into words"):
        build(text, "--tokenizer", str(text.parent / "stock"))


@pytest.mark.parametrize("moment", ("_rank", "write_results"))
def test_an_interrupted_command_leaves_the_folder_as_it_was(
    text: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(text, "--words", "3")
    before = {path: path.read_bytes() for path in text.parent.rglob("*") if path.is_file()}

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(vocabulary, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(text, "--words", "4", "--overwrite")
    assert {path: path.read_bytes() for path in text.parent.rglob("*") if path.is_file()} == before


def test_a_text_of_spaces_is_refused(text: Path) -> None:
    text.with_suffix(".jsonl").write_text('{"text": " \\n"}\n')
    with pytest.raises(CharBertError, match="holds no words"):
        build(text.with_suffix(".jsonl"))
    assert not (text.parent / "tokenizer").exists()
