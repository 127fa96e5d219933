"""Text corpora: folders of Parquet shards with the columns `id`, `title` and `text`."""

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

SCHEMA = pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())])
SHARD_NAMES = "text-*.parquet"


class Document(NamedTuple):
    """One text of a corpus. Plain text files have no titles: theirs are empty."""

    id: int
    title: str
    text: str


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder and of the folders in it: parts of a corpus that several machines made."""
    return sorted(folder.rglob(SHARD_NAMES))
