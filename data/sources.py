"""Text corpora: what `python -m data` reads documents from."""

import json
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.errors import CharBertError
from data.shards import SCHEMA, SHARD_NAMES, Document, shard_paths

_BATCH_ROWS = 1_000


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


def _read_folder(folder: Path) -> Iterator[Document]:
    shards = shard_paths(folder)
    if not shards:
        raise CharBertError(f"{folder}: holds no shards {SHARD_NAMES}; make some with `python -m data`")
    return chain.from_iterable(map(_read_shard, shards))


def _read_shard(path: Path) -> Iterator[Document]:
    try:
        with pq.ParquetFile(path) as shard:
            found = {field.name: field.type for field in shard.schema_arrow}
            for field in SCHEMA:
                if found.get(field.name) != field.type:
                    raise CharBertError(f"{path}: has no column {field.name!r} of type {field.type}")
            for batch in shard.iter_batches(_BATCH_ROWS, columns=SCHEMA.names):
                yield from map(Document, *(batch.column(name).to_pylist() for name in SCHEMA.names))
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
