from pathlib import Path

import pyarrow as pa

from data.corpus.files import SCHEMA, shard_paths


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
