"""How a `CharBertTokenizer` is made, saved, loaded and sent to other processes."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
from tokenizers import AddedToken, pre_tokenizers
from transformers import AutoTokenizer

from charbert import CharBertConfig, CharBertError, CharBertTokenizer, Vocabulary

WORDS = Vocabulary(["dog", "fox", tiny.NO_BREAK_SPACE, "", "<unk>"])
EXOTIC = Vocabulary([" ", "d", tiny.NO_BREAK_SPACE, tiny.LINE_SEPARATOR, "", "\r", "", "o", "g", "<unk>"])
TEXT = "the lazy dög # and foxes"


def encoded(tokenizer: Any) -> dict[str, Any]:
    return dict(tokenizer([TEXT, "dog"], padding=True, return_spelling=True))


class TestFromStock:
    def test_takes_a_folder(self, kind: str, stock: Any, tmp_path: Path) -> None:
        stock.save_pretrained(tmp_path)
        assert encoded(CharBertTokenizer.from_stock(tmp_path)) == encoded(CharBertTokenizer.from_stock(stock))

    def test_keeps_the_settings(self, stock: Any) -> None:
        stock.model_max_length, stock.padding_side, stock.truncation_side = 77, "left", "left"
        ours = CharBertTokenizer.from_stock(stock)
        assert (ours.model_max_length, ours.padding_side, ours.truncation_side) == (77, "left", "left")
        assert ours.model_input_names == stock.model_input_names

    def test_keeps_added_tokens_of_both_kinds(self, stock: Any) -> None:
        stock.add_tokens(["newdog"])
        stock.add_special_tokens({"extra_special_tokens": ["<mark>"]})
        ours = CharBertTokenizer.from_stock(stock)
        assert ours.get_vocab() == stock.get_vocab()
        assert ours.all_special_tokens == stock.all_special_tokens
        assert ours.tokenize("newdog <mark>") == stock.tokenize("newdog <mark>")

    def test_settings_given_win(self, stock: Any) -> None:
        assert CharBertTokenizer.from_stock(stock, model_max_length=55).model_max_length == 55

    def test_leaves_the_stock_tokenizer_alone(self, stock: Any) -> None:
        before = stock.backend_tokenizer.to_str()
        ours = CharBertTokenizer.from_stock(stock)
        ours.add_tokens(["newdog"])
        ours("a dog", truncation=True, max_length=4, padding="max_length")
        assert stock.backend_tokenizer.to_str() == before

    def test_characters_given_are_used(self, stock: Any) -> None:
        assert CharBertTokenizer.from_stock(stock, characters=EXOTIC).characters == EXOTIC

    def test_has_no_words_unless_given(self, stock: Any) -> None:
        with pytest.raises(CharBertError, match=r"no words\.txt"):
            _ = CharBertTokenizer.from_stock(stock).words
        assert CharBertTokenizer.from_stock(stock, words=WORDS).words == WORDS


class TestFolder:
    @pytest.fixture
    def folder(self, stock: Any, tmp_path: Path) -> Path:
        tokenizer = CharBertTokenizer.from_stock(stock, EXOTIC, WORDS, known=["wombat", "café"])
        tokenizer.save_pretrained(tmp_path / "saved")
        return tmp_path / "saved"

    def test_holds_tokenizer_characters_and_words(self, folder: Path) -> None:
        names = {path.name for path in folder.iterdir()}
        assert {"tokenizer.json", "tokenizer_config.json", "characters.txt", "words.txt"} <= names

    def test_has_no_words_file_without_words(self, tokenizer: CharBertTokenizer, tmp_path: Path) -> None:
        saved = tokenizer.save_pretrained(tmp_path)
        assert not (tmp_path / "words.txt").exists()
        assert not (tmp_path / "known.txt").exists()
        assert str(tmp_path / "characters.txt") in saved

    @pytest.mark.parametrize("loader", [CharBertTokenizer, AutoTokenizer])
    def test_gives_the_tokenizer_back(self, stock: Any, folder: Path, loader: Any) -> None:
        loaded = loader.from_pretrained(folder)
        assert type(loaded) is CharBertTokenizer
        assert (loaded.characters, loaded.words, loaded.known) == (EXOTIC, WORDS, ["wombat", "café"])
        assert encoded(loaded) == encoded(CharBertTokenizer.from_stock(stock, EXOTIC))

    @pytest.mark.parametrize("name", ["characters.txt", "words.txt", "known.txt", "tokenizer.json"])
    @pytest.mark.parametrize("used", [False, True], ids=["untouched", "used"])
    def test_saved_again_is_bit_identical(self, folder: Path, tmp_path: Path, name: str, used: bool) -> None:
        loaded = CharBertTokenizer.from_pretrained(folder)
        if used:
            loaded(TEXT, return_spelling=True)
        loaded.save_pretrained(tmp_path / "again")
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()

    def test_saved_into_itself_is_bit_identical(self, folder: Path) -> None:
        before = (folder / "characters.txt").read_bytes()
        CharBertTokenizer.from_pretrained(folder).save_pretrained(folder)
        assert (folder / "characters.txt").read_bytes() == before

    def test_may_be_moved(self, folder: Path, tmp_path: Path) -> None:
        CharBertTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "second")
        shutil.rmtree(folder)
        shutil.move(tmp_path / "second", tmp_path / "third")
        assert CharBertTokenizer.from_pretrained(tmp_path / "third").characters == EXOTIC

    def test_without_characters_tokenises_but_does_not_spell(self, folder: Path) -> None:
        (folder / "characters.txt").unlink()
        loaded = CharBertTokenizer.from_pretrained(folder)
        assert loaded(TEXT)["input_ids"]
        with pytest.raises(CharBertError, match=r"no characters\.txt; from_stock builds one"):
            loaded(TEXT, return_spelling=True)

    def test_with_faulty_characters_names_the_file(self, folder: Path) -> None:
        (folder / "characters.txt").write_text("a\nb\n")
        with pytest.raises(CharBertError, match=r"characters\.txt: the last entry must be <unk>"):
            _ = CharBertTokenizer.from_pretrained(folder).characters

    @pytest.mark.parametrize("loader", [CharBertTokenizer, AutoTokenizer])
    def test_without_a_tokenizer_gives_none(self, tmp_path: Path, loader: Any) -> None:
        tiny.config("bert").save_pretrained(tmp_path)
        EXOTIC.save(tmp_path / "characters.txt")
        with pytest.raises(CharBertError, match=r"no tokenizer\.json there"):
            loader.from_pretrained(tmp_path)

    def test_keeps_added_tokens(self, tokenizer: CharBertTokenizer, tmp_path: Path) -> None:
        tokenizer.add_tokens(["newdog", AddedToken("<mark>", special=True)])
        tokenizer.save_pretrained(tmp_path)
        loaded = CharBertTokenizer.from_pretrained(tmp_path)
        texts = ["a newdog <mark> .", "dog"]
        assert dict(loaded(texts, return_spelling=True)) == dict(tokenizer(texts, return_spelling=True))


class TestPickle:
    @pytest.mark.parametrize("used", [False, True], ids=["untouched", "used"])
    def test_keeps_all_that_was_given(self, stock: Any, used: bool) -> None:
        tokenizer = CharBertTokenizer.from_stock(stock, EXOTIC, WORDS)
        if used:
            tokenizer(TEXT, return_spelling=True)
        copy = pickle.loads(pickle.dumps(tokenizer))
        assert (copy.characters, copy.words) == (EXOTIC, WORDS)
        assert encoded(copy) == encoded(tokenizer)

    def test_of_a_loaded_tokenizer(self, tokenizer: CharBertTokenizer, tmp_path: Path) -> None:
        tokenizer.save_pretrained(tmp_path)
        loaded = CharBertTokenizer.from_pretrained(tmp_path)
        assert encoded(pickle.loads(pickle.dumps(loaded))) == encoded(tokenizer)


class TestPrefixSpace:
    """`add_prefix_space` does what it says, and says what is done."""

    @pytest.mark.parametrize("way", ["from_pretrained", "from_stock", "from_folder", "auto"])
    def test_is_that_of_roberta(self, way: str, tmp_path: Path) -> None:
        CharBertTokenizer.from_stock(tiny.stock_tokenizer("roberta")).save_pretrained(tmp_path)
        CharBertConfig().save_pretrained(tmp_path)
        wanted = tiny.stock_tokenizer("roberta", add_prefix_space=True)
        ours: Any = {
            "from_pretrained": lambda: CharBertTokenizer.from_pretrained(tmp_path, add_prefix_space=True),
            "from_stock": lambda: CharBertTokenizer.from_stock(
                tiny.stock_tokenizer("roberta"), add_prefix_space=True
            ),
            "from_folder": lambda: CharBertTokenizer.from_stock(tmp_path, add_prefix_space=True),
            "auto": lambda: AutoTokenizer.from_pretrained(tmp_path, add_prefix_space=True),
        }[way]()
        for tokenizer in (ours, self.saved(ours, tmp_path / "again")):
            assert tokenizer.add_prefix_space
            for text in (TEXT, " dog", ""):
                assert tokenizer(text, return_offsets_mapping=True) == wanted(
                    text, return_offsets_mapping=True
                )

    @staticmethod
    def saved(tokenizer: CharBertTokenizer, folder: Path) -> CharBertTokenizer:
        tokenizer.save_pretrained(folder)
        return CharBertTokenizer.from_pretrained(folder)

    @pytest.mark.parametrize("given", [True, False])
    def test_of_a_stock_tokenizer_stays(self, given: bool) -> None:
        stock = tiny.stock_tokenizer("roberta", add_prefix_space=given)
        ours = CharBertTokenizer.from_stock(stock)
        assert ours.add_prefix_space == given
        assert ours.tokenize("dog") == stock.tokenize("dog")

    def test_is_none_of_wordpiece(self) -> None:
        stock = tiny.stock_tokenizer("bert")
        ours = CharBertTokenizer.from_stock(stock, add_prefix_space=True)
        assert not ours.add_prefix_space
        assert ours.tokenize("dog") == stock.tokenize("dog")

    def test_is_refused_where_words_are_cut_first(self, tmp_path: Path) -> None:
        backend = tiny.stock_tokenizer("roberta").backend_tokenizer
        cuts = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        backend.pre_tokenizer = pre_tokenizers.Sequence(cuts)
        CharBertTokenizer(tokenizer_object=backend).save_pretrained(tmp_path)
        with pytest.raises(CharBertError, match="add_prefix_space=True"):
            CharBertTokenizer.from_pretrained(tmp_path, add_prefix_space=True)


def test_use_changes_no_fingerprint(kind: str, tmp_path: Path) -> None:
    CharBertTokenizer.from_stock(tiny.stock_tokenizer(kind), words=WORDS).save_pretrained(tmp_path)
    tokenizer = CharBertTokenizer.from_pretrained(tmp_path)
    fingerprint = pytest.importorskip("datasets.fingerprint", reason="it is one of datasets").Hasher.hash
    before = fingerprint(tokenizer)
    encoded(tokenizer)
    _ = tokenizer.words, tokenizer.characters
    assert fingerprint(tokenizer) == before
    tokenizer.add_tokens(["newdog"])
    assert fingerprint(tokenizer) != before


@pytest.mark.parametrize("name", ["characters.txt", "words.txt"])
def test_vocabulary_without_unknown_is_refused_at_once(name: str, tmp_path: Path) -> None:
    CharBertTokenizer.from_stock(tiny.stock_tokenizer("bert"), words=WORDS).save_pretrained(tmp_path)
    (tmp_path / name).write_text("a\nb\n")
    with pytest.raises(CharBertError, match=f"{name}: the last entry must be <unk>"):
        CharBertTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", ["", "null", "[]", "7", '{"model": 3}', "[" * 100_000])
def test_other_json_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    tiny.tokenizer("bert").save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CharBertError, match=r"no tokenizer\.json there that can be read") as error:
        CharBertTokenizer.from_pretrained(tmp_path)
    assert "\n" not in str(error.value)
