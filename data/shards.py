"""Text corpora: folders of Parquet shards with the columns `id`, `title` and `text`."""

from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.results import check_output_folder

SCHEMA = pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())])
SHARD_NAMES = "text-*.parquet"
_BYTES_PER_SHARD = 64_000_000


class Document(NamedTuple):
    """One text of a corpus. Plain text files have no titles: theirs are empty."""

    id: int
    title: str
    text: str


class ShardWriter:
    """Writes documents into `text-00000.parquet`, `text-00001.parquet`, ... in a folder.

    A shard gets its name once it is complete, so that a reader never sees half of one. Leaving the `with`
    block writes the rows collected so far as the last shard, also after an exception.

    Args:
        folder: made where missing.
        rows_per_shard: the most rows of a shard; one also ends at 64 MB of text, which bounds the memory.
        overwrite: remove the shards that the folder already holds when the `with` block is entered.

    Raises:
        CharBertError: the folder already holds something, and `overwrite` is not set.
    """

    def __init__(self, folder: str | Path, rows_per_shard: int = 10_000, *, overwrite: bool = False) -> None:
        self._folder = Path(folder)
        self._rows_per_shard = rows_per_shard
        self._overwrite = overwrite
        self._shards = 0
        self._rows: list[Document] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        check_output_folder(self._folder, self._overwrite)
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in shard_paths(self._folder):
            path.unlink()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._flush()

    def write(self, id: int, title: str, text: str) -> None:
        """Add a document."""
        self._rows.append(Document(id, title, text))
        self._bytes += len(text.encode())
        if len(self._rows) >= self._rows_per_shard or self._bytes >= _BYTES_PER_SHARD:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        path = self._folder / f"text-{self._shards:05d}.parquet"
        partial = path.with_suffix(".partial")
        columns = dict(zip(SCHEMA.names, zip(*self._rows, strict=True), strict=True))
        try:
            pq.write_table(pa.table(columns, schema=SCHEMA), partial, compression="zstd")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._shards += 1
        self._rows, self._bytes = [], 0


def shard_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(SHARD_NAMES))
