import json
from pathlib import Path

import pyarrow as pa
import pytest

from charbert.compression import open_to_write
from charbert.errors import CharBertError
from data.corpus import files
from data.corpus.files import SCHEMA, cut_text, shard_paths
from data.corpus.sources import read_documents


def test_shards_have_the_columns_of_the_contract() -> None:
    assert pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())]) == SCHEMA


def test_shards_come_in_order_also_from_folders_in_the_folder(tmp_path: Path) -> None:
    names = [
        "part-1-of-2/text-00000.parquet",
        "part-1-of-2/text-00001.parquet",
        "part-2-of-2/text-00000.parquet",
    ]
    for name in [*reversed(names), "part-1-of-2/job.json", "part-1-of-2/text-00002.partial"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert shard_paths(tmp_path) == [tmp_path / name for name in names]


@pytest.fixture
def small_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DOCUMENT_CHARACTERS", 10)
    monkeypatch.setattr(files, "MOST_CHARACTERS", 30)


@pytest.mark.parametrize("ending", ("", ".bz2", ".gz", ".xz"))
@pytest.mark.parametrize(
    ("content", "texts"),
    (
        ("one\ntwo\nthree\n\nfour", ["one\ntwo", "three", "four"]),
        ("one two three four", ["one two", " three", " four"]),
        ("one two three four" * 5, None),
        ("a\n" + "é" * 25 + "\nb", ["a", "é" * 10, "é" * 9, "é" * 6 + "\nb"]),
        ("日" * 95, None),
        ("0123456789\n0123456789", ["0123456789", "0123456789"]),
    ),
)
def test_a_long_text_is_cut_where_a_line_ends_and_a_long_line_before_a_word(
    tmp_path: Path, small_documents: None, content: str, texts: list[str] | None, ending: str
) -> None:
    path = tmp_path / f"corpus.txt{ending}"
    with open_to_write(path, ending) as file:
        file.write(content.encode())
    found = [document.text for document in read_documents(path)]
    assert found == texts or (texts is None and "".join(found) == content)
    assert all(len(text) <= 10 for text in found)
    assert [document.text for document in read_documents(path, start=2)] == found[2:]


def test_the_number_of_a_line_after_a_long_one_is_right(tmp_path: Path, small_documents: None) -> None:
    (tmp_path / "corpus.txt").write_bytes(b"word " * 50 + b"\n\xff\n")
    with pytest.raises(CharBertError, match="line 2 is not UTF-8"):
        list(read_documents(tmp_path / "corpus.txt"))


@pytest.mark.parametrize(
    ("text", "problem"),
    (("a" * 40, "has 40 characters, more than 30"), ("a" * 200, "line 1 has more than 120 bytes")),
)
def test_a_document_that_memory_may_not_hold_is_refused(
    tmp_path: Path, small_documents: None, text: str, problem: str
) -> None:
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"text": text}))
    with pytest.raises(CharBertError, match=problem):
        list(read_documents(tmp_path / "corpus.jsonl"))


@pytest.mark.parametrize("text", ("", "one two  three\n four\n\nfive" * 3, " " * 40, "x" * 25))
def test_pieces_are_the_text(text: str) -> None:
    pieces = list(cut_text(text, 10))
    assert "".join(pieces) == text
    assert all(len(piece) <= 10 for piece in pieces)
    assert all(piece[:1].isspace() and not piece[1:2].isspace() for piece in pieces[1:] if "e" in text)
