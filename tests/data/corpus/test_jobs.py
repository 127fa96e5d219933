import errno
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from charbert.errors import CharBertError
from data.corpus.jobs import ShardedJob

Stem = Literal["text", "blocks"]
SETTINGS: dict[str, Any] = {"dump": "wiki.xml (12 bytes)", "size": 3}


def job(folder: Path, stem: Stem = "text", overwrite: bool = False, **changed: Any) -> ShardedJob:
    return ShardedJob(folder, stem, {**SETTINGS, **changed}, overwrite)


def fill(folder: Path, shards: int, stem: Stem = "text") -> ShardedJob:
    """A job of which so many shards are written, the n-th with the row n."""
    begun = job(folder, stem)
    for number in range(shards):
        begun.write(pa.table({"row": [number]}), {"unit": number}, {"rows": number + 1})
    return begun


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_parquet_in_zstd(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    assert names(tmp_path) == ["job.json", "text-00000.parquet", "text-00001.parquet"]
    shard = pq.ParquetFile(tmp_path / "text-00001.parquet")
    assert shard.read().to_pydict() == {"row": [1]}
    assert shard.metadata.row_group(0).column(0).compression == "ZSTD"


def test_blocks_are_arrow_that_datasets_maps_into_memory(tmp_path: Path) -> None:
    fill(tmp_path, 2, "blocks")
    assert names(tmp_path) == ["blocks-00000.arrow", "blocks-00001.arrow", "job.json"]
    dataset = Dataset.from_file(str(tmp_path / "blocks-00001.arrow"))
    assert dataset[:] == {"row": [1]}
    assert dataset.cache_files


def test_a_new_job_begins_at_the_beginning(tmp_path: Path) -> None:
    begun = job(tmp_path / "new" / "folder")
    assert (begun.cursor, begun.counts, begun.results) == (None, Counter(), None)


@pytest.mark.parametrize("stem", ("text", "blocks"))
def test_a_stopped_job_goes_on_behind_its_last_shard(tmp_path: Path, stem: Stem) -> None:
    fill(tmp_path, 3, stem)
    resumed = job(tmp_path, stem)
    assert (resumed.cursor, resumed.counts) == ({"unit": 2}, Counter(rows=3))
    resumed.write(pa.table({"row": [3]}), {"unit": 3}, {"rows": 4})
    assert any(name.startswith(f"{stem}-00003") for name in names(tmp_path))


def test_the_schema_keeps_its_own_metadata(tmp_path: Path) -> None:
    table = pa.table({"row": [0]}).replace_schema_metadata({"huggingface": "{}"})
    job(tmp_path).write(table, {}, {})
    assert pq.read_schema(tmp_path / "text-00000.parquet").metadata[b"huggingface"] == b"{}"


def test_a_finished_job_knows_its_results(tmp_path: Path) -> None:
    fill(tmp_path, 1).finish({"rows": 1}, {"workers": 2})
    assert job(tmp_path).results == {"rows": 1}


@pytest.mark.parametrize(
    ("changed", "named"),
    (({"size": 4}, "size 3 instead of 4"), ({"shard": "1/2"}, "shard None instead of '1/2'")),
)
def test_another_job_in_the_folder_is_named(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    fill(tmp_path, 1)
    with pytest.raises(CharBertError, match=f"holds another run, with {named}"):
        job(tmp_path, **changed)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text-00000.parquet").touch()
    with pytest.raises(CharBertError, match="already holds something"):
        job(tmp_path)


def test_shards_of_another_kind_are_never_overwritten(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    with pytest.raises(CharBertError, match="holds another kind of shards"):
        job(tmp_path, "blocks", overwrite=True)
    assert names(tmp_path) == ["job.json", "text-00000.parquet"]


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(CharBertError, match="out: is a file"):
        job(tmp_path / "out")


def test_overwriting_removes_what_a_job_left_and_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path, 3).finish({}, {})
    (tmp_path / "notes.txt").touch()
    begun = job(tmp_path, overwrite=True, size=4)
    assert names(tmp_path) == ["job.json", "notes.txt"]
    assert (begun.cursor, begun.results) == (None, None)


def test_what_a_killed_job_left_half_written_is_removed(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "text-00001.partial").touch()
    job(tmp_path)
    assert names(tmp_path) == ["job.json", "text-00000.parquet"]


@pytest.mark.parametrize("stem", ("text", "blocks"))
def test_a_damaged_last_shard_is_made_again(tmp_path: Path, stem: Stem) -> None:
    fill(tmp_path, 3, stem)
    (damaged,) = tmp_path.glob(f"{stem}-00002.*")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert job(tmp_path, stem).cursor == {"unit": 1}
    assert not damaged.exists()


@pytest.mark.parametrize("stem", ("text", "blocks"))
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path: Path, stem: Stem) -> None:
    begun = fill(tmp_path, 1, stem)
    ending = {"text": "parquet", "blocks": "arrow"}[stem]
    (tmp_path / f"{stem}-00001.{ending}.partial").symlink_to("/dev/full")
    with pytest.raises(
        CharBertError, match=rf"{stem}-00001\.\w+: cannot be written \(No space left on device\)"
    ):
        begun.write(pa.table({"row": list(range(100_000))}), {}, {})
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize("stem", ("text", "blocks"))
def test_shards_that_cannot_be_read_are_kept(
    tmp_path: Path, stem: Stem, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 3, stem)

    def broken(*given: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("data.corpus.jobs._end_of", broken)
        with pytest.raises(CharBertError, match=r"00002.*cannot be read \(Input/output error\)"):
            job(tmp_path, stem)
    assert job(tmp_path, stem).cursor == {"unit": 2}


@pytest.mark.parametrize("stem", ("text", "blocks"))
def test_two_damaged_shards_are_not_taken_for_a_crash(tmp_path: Path, stem: Stem) -> None:
    fill(tmp_path, 3, stem)
    for path in sorted(tmp_path.glob(f"{stem}-*"))[1:]:
        path.write_bytes(b"")
    with pytest.raises(CharBertError, match=r"00001.*is damaged"):
        job(tmp_path, stem)
    assert (tmp_path / "job.json").exists()
    assert len(list(tmp_path.glob(f"{stem}-*"))) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *product(("job.json", "results.json"), ("[]", "3", "", "[" * 100_000)),
        *product(("job.json",), ("{}", '{"settings": [1]}')),
    ],
)
def test_notes_of_another_kind_are_said_in_one_line(name: str, content: str, tmp_path: Path) -> None:
    fill(tmp_path, 1).finish({"rows": 1}, {})
    (tmp_path / name).write_text(content)
    with pytest.raises(CharBertError, match=rf"{name}: (holds|is) ") as raised:
        job(tmp_path)
    assert "\n" not in str(raised.value)
