"""Text corpora: folders of Parquet shards with the columns `id`, `title` and `text`."""

import json
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.errors import CharBertError
from charbert.results import check_output_folder

_SCHEMA = pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())])
_SHARD_NAMES = "text-*.parquet"
_BATCH_ROWS = 1_000
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
        for path in _shard_paths(self._folder):
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
        columns = dict(zip(_SCHEMA.names, zip(*self._rows, strict=True), strict=True))
        try:
            pq.write_table(pa.table(columns, schema=_SCHEMA), partial, compression="zstd")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._shards += 1
        self._rows, self._bytes = [], 0


def read_documents(path: str | Path) -> Iterator[Document]:
    """Read a corpus, one document at a time.

    Args:
        path: a folder of shards, one shard (`.parquet`), a text file (`.txt`, in which blank lines separate
            the documents), or a file with a JSON object on each line (`.jsonl`, with the field `text` and,
            where there is one, `title`). The `id` in the last two is a number from 0: of the document in
            `.txt`, of the line in `.jsonl`.

    Raises:
        CharBertError: the path is missing, of another kind, or holds no document (all at once), or a row of
            it cannot be read (when it is reached).
    """
    path = Path(path)
    if not path.exists():
        raise CharBertError(f"{path}: no such file or folder")
    read = _read_folder if path.is_dir() else _READERS.get(path.suffix.lower())
    if read is None:
        raise CharBertError(f"{path}: not a corpus; give a folder of shards or a file {', '.join(_READERS)}")
    documents = read(path)
    first = next(documents, None)
    if first is None:
        raise CharBertError(f"{path}: holds no documents")
    return chain([first], documents)


def _shard_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(_SHARD_NAMES))


def _read_folder(folder: Path) -> Iterator[Document]:
    shards = _shard_paths(folder)
    if not shards:
        raise CharBertError(f"{folder}: holds no shards {_SHARD_NAMES}; make some with `python -m data`")
    return chain.from_iterable(map(_read_shard, shards))


def _read_shard(path: Path) -> Iterator[Document]:
    try:
        with pq.ParquetFile(path) as shard:
            found = {field.name: field.type for field in shard.schema_arrow}
            for field in _SCHEMA:
                if found.get(field.name) != field.type:
                    raise CharBertError(f"{path}: has no column {field.name!r} of type {field.type}")
            for batch in shard.iter_batches(_BATCH_ROWS, columns=_SCHEMA.names):
                yield from map(Document, *(batch.column(name).to_pylist() for name in _SCHEMA.names))
    except (pa.ArrowException, OSError) as error:
        raise CharBertError(f"{path}: is damaged or no Parquet file ({error})") from error


def _read_text(path: Path) -> Iterator[Document]:
    documents = (lines for has_text, lines in groupby(_lines(path), key=bool) if has_text)
    for number, lines in enumerate(documents):
        yield Document(number, "", "\n".join(lines))


def _read_json_lines(path: Path) -> Iterator[Document]:
    for number, line in enumerate(_lines(path)):
        if not line:
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise CharBertError(f"{path}: line {number + 1} is not JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise CharBertError(f"{path}: line {number + 1} is no JSON object with a string `text`")
        yield Document(number, str(row.get("title", "")), row["text"])


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                # "-sig": some editors start a file with a byte order mark.
                text = line.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise CharBertError(f"{path}: line {number} is not UTF-8; convert the file first") from error
            yield text.rstrip()


_READERS: dict[str, Callable[[Path], Iterator[Document]]] = {
    ".parquet": _read_shard,
    ".txt": _read_text,
    ".jsonl": _read_json_lines,
}
