"""Text corpora on disk: folders of Parquet shards with the columns id, title and text."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.errors import CharBertError

SCHEMA = pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())])
SHARD_NAME = "text-{:05d}.parquet"
SHARD_PATTERN = "text-*.parquet"
ROWS_OF_A_SHARD = 10_000
CHARACTERS_OF_A_SHARD = 64_000_000
ROWS_AT_ONCE = 256


class Document(NamedTuple):
    """One text of a corpus."""

    id: int
    title: str
    text: str


class ShardWriter:
    """Writes documents into numbered shards; a context manager.

    A shard gets its name when it is complete, so that no reader meets half of one. Rows that are waiting when
    the context ends, by an exception too, become the last shard.
    """

    def __init__(self, folder: Path, rows_per_shard: int = ROWS_OF_A_SHARD) -> None:
        self._folder = folder
        self._rows_per_shard = rows_per_shard
        self._rows: list[Document] = []
        self._characters = 0
        self._shards = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rows:
            self._flush()

    def write(self, document: Document) -> None:
        self._rows.append(document)
        self._characters += len(document.text)
        if len(self._rows) >= self._rows_per_shard or self._characters >= CHARACTERS_OF_A_SHARD:
            self._flush()

    def _flush(self) -> None:
        path = self._folder / SHARD_NAME.format(self._shards)
        partial = path.with_suffix(".partial")
        try:
            columns = list(map(list, zip(*self._rows, strict=True)))
            pq.write_table(pa.table(columns, schema=SCHEMA), partial, compression="zstd")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._shards += 1
        self._rows, self._characters = [], 0


def shards_of(folder: Path) -> list[Path]:
    """The complete shards of a folder, in order."""
    return sorted(folder.glob(SHARD_PATTERN))


def read_documents(path: Path) -> Iterator[Document]:
    """The documents of a folder of shards, or of a .parquet, .jsonl (field `text`) or .txt file.

    In a .txt file a blank line ends a document. Memory stays constant.

    Raises:
        CharBertError: nothing there, a file of another kind, or one that cannot be read; no document at all.
    """
    count = 0
    for document in _read(path):
        count += 1
        yield document
    if not count:
        raise CharBertError(f"{path}: holds no text")


def _read(path: Path) -> Iterator[Document]:
    if path.is_dir():
        shards = shards_of(path)
        if not shards:
            raise CharBertError(
                f"{path}: holds no text shards ({SHARD_PATTERN}); `python -m data wikipedia` makes some"
            )
        for shard in shards:
            yield from _read_parquet(shard)
    elif not path.exists():
        raise CharBertError(f"{path}: no such file or folder")
    elif path.suffix == ".parquet":
        yield from _read_parquet(path)
    elif path.suffix == ".jsonl":
        yield from _read_jsonl(path)
    elif path.suffix == ".txt":
        yield from _read_plain(path)
    else:
        raise CharBertError(f"{path}: give a folder of shards, or a .parquet, .jsonl or .txt file")


def _read_parquet(path: Path) -> Iterator[Document]:
    try:
        for batch in pq.ParquetFile(path).iter_batches(ROWS_AT_ONCE, columns=SCHEMA.names):
            yield from (Document(**row) for row in batch.to_pylist())
    except (pa.ArrowException, TypeError) as error:
        raise CharBertError(
            f"{path}: not a shard with the columns {', '.join(SCHEMA.names)} ({error})"
        ) from error


def _read_jsonl(path: Path) -> Iterator[Document]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row["text"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise CharBertError(f"{path}: line {number} is no JSON object with a field `text`") from error
        yield Document(number, str(row.get("title", "")), text)


def _read_plain(path: Path) -> Iterator[Document]:
    lines: list[str] = []
    start = 1
    for number, line in _lines(path):
        if line.strip():
            start = start if lines else number
            lines.append(line)
        elif lines:
            yield Document(start, "", "".join(lines).strip())
            lines = []
    if lines:
        yield Document(start, "", "".join(lines).strip())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise CharBertError(
                    f"{path}: line {number} is not UTF-8 (byte {error.start} of it)"
                ) from error
