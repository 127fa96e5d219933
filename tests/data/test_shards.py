from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from charbert.errors import CharBertError
from data import shards
from data.shards import Document, ShardWriter
from data.sources import read_documents


def write(folder: Path, count: int, rows_per_shard: int = 10_000) -> list[Document]:
    documents = [
        Document(number, f"Title {number}", f"Text {number}.\n\nÇa va? 日本") for number in range(count)
    ]
    with ShardWriter(folder, rows_per_shard) as writer:
        for document in documents:
            writer.write(*document)
    return documents


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_documents_come_back_in_order(tmp_path: Path) -> None:
    documents = write(tmp_path, 25, rows_per_shard=2)
    assert list(read_documents(tmp_path)) == documents


def test_a_shard_ends_at_its_number_of_rows(tmp_path: Path) -> None:
    write(tmp_path, 5, rows_per_shard=2)
    assert names(tmp_path) == ["text-00000.parquet", "text-00001.parquet", "text-00002.parquet"]
    assert [pq.read_metadata(path).num_rows for path in sorted(tmp_path.iterdir())] == [2, 2, 1]


def test_a_shard_ends_at_its_bytes_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_BYTES_PER_SHARD", 10)
    with ShardWriter(tmp_path) as writer:
        for number in range(3):
            writer.write(number, "", "日本日本")
    assert len(names(tmp_path)) == 3


def test_shards_have_the_columns_of_the_contract_in_zstd(tmp_path: Path) -> None:
    write(tmp_path, 1)
    shard = pq.ParquetFile(tmp_path / "text-00000.parquet")
    assert shard.schema_arrow == pa.schema(
        [("id", pa.int64()), ("title", pa.string()), ("text", pa.string())]
    )
    assert shard.metadata.row_group(0).column(2).compression == "ZSTD"


def test_rows_before_an_exception_are_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ShardWriter(tmp_path) as writer:
        writer.write(7, "Title", "Text.")
        raise RuntimeError
    assert list(read_documents(tmp_path)) == [Document(7, "Title", "Text.")]


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_half(table: pa.Table, path: Path, **options: str) -> None:
        path.write_bytes(b"PAR1")
        raise OSError("no space left")

    monkeypatch.setattr(pq, "write_table", write_half)
    with pytest.raises(OSError, match="no space left"):
        write(tmp_path, 1)
    assert names(tmp_path) == []


def test_a_folder_with_shards_is_refused(tmp_path: Path) -> None:
    documents = write(tmp_path, 2)
    with pytest.raises(CharBertError, match="already holds"):
        write(tmp_path, 1)
    assert list(read_documents(tmp_path)) == documents


def test_overwriting_removes_all_old_shards_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, 5, rows_per_shard=1)
    (tmp_path / "notes.txt").touch()
    with ShardWriter(tmp_path, overwrite=True) as writer:
        writer.write(0, "New", "New.")
    assert names(tmp_path) == ["notes.txt", "text-00000.parquet"]
