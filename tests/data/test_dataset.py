from pathlib import Path

import pytest
import tiny

from charbert.errors import CharBertError
from data.__main__ import main
from data.dataset import blocks, load_blocks


def block_list(kind: str, texts: list[str], size: int) -> list[tuple[list[int], list[bool]]]:
    return list(blocks(tiny.tokenizer(kind), iter(texts), size))


def test_blocks_hold_the_whole_text_in_order(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    text = " ".join(tiny.SENTENCES)
    tokens = [token for block, _ in block_list(kind, [text], 12) for token in block]
    assert tokens == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_no_block_is_longer_than_asked_for(kind: str) -> None:
    assert all(len(block) <= 12 for block, _ in block_list(kind, list(tiny.SENTENCES) * 5, 12))


def test_a_block_begins_with_a_word(kind: str) -> None:
    assert all(starts[0] for _, starts in block_list(kind, list(tiny.SENTENCES) * 5, 12))


def test_word_starts_are_those_of_the_tokenizer(kind: str) -> None:
    [(_, starts)] = block_list(kind, [tiny.SENTENCES[2]], 100)
    assert sum(starts) == len(tiny.SENTENCES[2].split())


def test_documents_are_separated(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    [(block, starts)] = block_list(kind, ["the dog", "the fox"], 100)
    place = block.index(tokenizer.sep_token_id)
    assert starts[place]
    assert tokenizer.decode(block[place + 1 :]).strip() == "the fox"


def test_a_word_longer_than_a_block_is_cut(kind: str) -> None:
    text = "jumping" * 30 if kind == "roberta" else "jumping" * 14
    assert [len(block) for block, _ in block_list(kind, [text], 12)] == [12]


def test_empty_documents_give_nothing(kind: str) -> None:
    assert block_list(kind, ["", ""], 12) == []


@pytest.fixture
def folder(kind: str, tmp_path: Path) -> Path:
    tiny.tokenizer(kind).save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "text.txt").write_text("\n\n".join(tiny.SENTENCES), encoding="utf-8")
    return tmp_path


def tokenize(folder: Path, *more: str) -> Path:
    out = folder / "blocks"
    text, tokenizer = str(folder / "text.txt"), str(folder / "tokenizer")
    main(["tokenize", text, "--tokenizer", tokenizer, "--out", str(out), "--block-size", "14", *more])
    return out


def test_the_command_writes_a_dataset_that_loads(kind: str, folder: Path) -> None:
    rows = load_blocks(str(tokenize(folder)))
    expected = block_list(kind, list(tiny.SENTENCES), 12)
    assert [(row["input_ids"], row["word_starts"]) for row in rows] == expected


def test_a_folder_in_use_is_refused_without_overwrite(folder: Path) -> None:
    tokenize(folder)
    with pytest.raises(CharBertError, match="--overwrite"):
        tokenize(folder)
    tokenize(folder, "--overwrite")


@pytest.mark.parametrize(
    ("content", "message"), ((None, "no such"), (b"", "text"), (b"the dog\n\nth\xff fox", "UTF-8"))
)
def test_text_that_cannot_be_read_is_refused(folder: Path, content: bytes | None, message: str) -> None:
    (folder / "text.txt").unlink()
    if content is not None:
        (folder / "text.txt").write_bytes(content)
    with pytest.raises(CharBertError, match=message):
        tokenize(folder)
    assert not (folder / "blocks").exists()


def test_truncation_saved_with_a_tokenizer_cuts_no_text(kind: str, folder: Path) -> None:
    tokenizer = tiny.tokenizer(kind)
    tokenizer(tiny.SENTENCES[0], truncation=True, max_length=4, padding="max_length")
    tokenizer.save_pretrained(folder / "tokenizer")
    rows = load_blocks(str(tokenize(folder)))
    assert [row["input_ids"] for row in rows] == [
        ids for ids, _ in block_list(kind, list(tiny.SENTENCES), 12)
    ]


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="python -m data tokenize"):
        load_blocks(str(tmp_path))
