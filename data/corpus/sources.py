"""Sources of documents: the files, folders and datasets that every command with TEXT reads."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from charbert.errors import CharBertError
from data.corpus import files, hub
from data.corpus.files import SHARD_NAMES, Document, Part, Row, shard_paths
from data.corpus.jobs import unfinished_jobs

if TYPE_CHECKING:
    from datasets import IterableDataset

logger = logging.getLogger(__name__)
BATCH_CHARACTERS = 1_000_000
HELP = (
    "folder of text shards or of a saved dataset; a file " + files.FILE_KINDS + "; or a dataset of the hub, "
    "owner/name:config:split"
)


def read_documents(source: str | Path, start: int = 0) -> Iterator[Document]:
    """Read a corpus, one document at a time.

    Args:
        source: one of
            a folder of shards, as `python -m data wikipedia` writes it;
            a `.parquet` file with a column `text` and, where they are there, `id` and `title`;
            a `.txt` file, in which blank lines separate the documents;
            a `.jsonl` file, a JSON object on each line, with the same names as in `.parquet`;
            the last two compressed as `.gz`, `.bz2` or `.xz`;
            a folder that `save_to_disk` of `datasets` wrote;
            a dataset of the hub, `owner/name`, `owner/name:config` or `owner/name:config:split`.
            What exists as a path is read from there. A document whose `id` is no whole number gets its
            position in the source, from 0.
        start: skip so many documents. Parquet files are skipped by their row counts, not read.

    Raises:
        CharBertError: there is no such source, it is of another kind, or holds no document (all at once), or
            a document of it cannot be read (when it is reached).
    """
    return read_all([source], start)


def read_all(sources: Sequence[str | Path], start: int = 0) -> Iterator[Document]:
    """Read several corpora as one: the arguments and errors of `read_documents`."""
    opened = list(map(_open_source, sources))  # a mistake in the last name shows before hours of work
    documents = _chained(opened, start)
    first = next(documents, None)
    if first is None and not start:
        raise CharBertError(f"{', '.join(map(str, sources))}: holds no documents")
    return documents if first is None else chain([first], documents)


def identities(sources: Sequence[str | Path]) -> list[str]:
    """The sources' names and sizes, by which a resumed command notices that a corpus was replaced.

    Raises:
        CharBertError: as `read_documents`.
    """
    opened = zip(map(_normalize, sources), map(_open_source, sources), strict=True)
    return [name if source.size is None else f"{name} ({source.size:,} bytes)" for name, source in opened]


def known_length(sources: Sequence[str | Path]) -> int | None:
    """How many documents there are, if that is known without reading them.

    Raises:
        CharBertError: as `read_documents`.
    """
    total = 0
    for source in map(_open_source, sources):
        if source.length is None:
            return None
        total += source.length
    return total


def batches(documents: Iterable[Document], characters: int = BATCH_CHARACTERS) -> Iterator[list[Document]]:
    """The documents in lists that end once they hold this many characters of text."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.text)
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def stream_texts(source: str | Path) -> "IterableDataset":
    """The texts of a source as a stream with the one column `text`.

    The stream has a `state_dict`, to go on from, and can be split between processes. Its shards are the row
    groups of Parquet files, other files as a whole, or those of the dataset.

    Raises:
        CharBertError: as `read_documents`, and where `datasets` is not installed.
    """
    return _open_source(source).stream()


class _Source(NamedTuple):
    """A corpus that was found: its rows from one on, how many, it as a stream, and its bytes."""

    rows: Callable[[int], Iterator[Row]]
    length: int | None
    stream: Callable[[], "IterableDataset"]
    size: int | None = None


def _normalize(source: str | Path) -> str:
    return os.path.normpath(source) if Path(source).exists() else str(source)


def _open_source(source: str | Path) -> _Source:
    path = Path(source)
    if path.is_dir() and hub.is_saved(path):
        return _from_dataset(hub.load_saved(path), str(source))
    if path.exists():
        return _from_parts(_parts(path), str(source))
    if hub.NAME.fullmatch(str(source)) and not files.has_known_ending(path):
        return _from_dataset(hub.load_named(str(source)), str(source))
    raise CharBertError(f"{source}: no such file or folder")


def _from_dataset(loaded: hub.Loaded, source: str) -> _Source:
    return _Source(partial(hub.read_rows, loaded, source), loaded.rows, partial(hub.as_stream, loaded))


def _from_parts(parts: list[Part], source: str) -> _Source:
    lengths = [part.rows for part in parts]
    length = None if None in lengths else sum(filter(None, lengths))
    size = sum(path.stat().st_size for path in {part.path for part in parts})
    return _Source(partial(_rows_of_parts, parts), length, partial(_stream_of_parts, parts, source), size)


def _parts(path: Path) -> list[Part]:
    if not path.is_dir():
        return files.find_parts(path)
    shards = shard_paths(path)
    if not shards:
        raise CharBertError(f"{path}: holds no shards {SHARD_NAMES}; make some with `python -m data`")
    for folder in unfinished_jobs(path):
        logger.warning("%s: is unfinished: the command that makes it was stopped; give it again", folder)
    return list(chain.from_iterable(map(files.find_parts, shards)))


def _rows_of_parts(parts: list[Part], start: int) -> Iterator[Row]:
    for part in parts:
        if part.rows is not None and part.rows <= start:
            start -= part.rows
            continue
        yield from files.read_rows(part, start)
        start = 0


def _stream_of_parts(parts: list[Part], source: str) -> "IterableDataset":
    if not parts:
        raise CharBertError(f"{source}: holds no documents")
    datasets = hub.import_datasets(source)
    return datasets.IterableDataset.from_generator(
        _texts_of_parts,
        features=datasets.Features({"text": datasets.Value("string")}),
        gen_kwargs={"parts": parts},
    )


def _texts_of_parts(parts: list[Part]) -> Iterator[dict[str, str]]:
    for row in _rows_of_parts(parts, 0):
        yield {"text": row.text or ""}


def _chained(sources: list[_Source], start: int) -> Iterator[Document]:
    for source in sources:
        if source.length is not None and source.length <= start:
            start -= source.length
        elif source.length is None and start and source is not sources[-1]:
            # How many of it are skipped shows only when it ends.
            documents = map(_document, source.rows(0), count())
            start -= sum(1 for _ in islice(documents, start))
            yield from documents
        else:
            yield from map(_document, source.rows(start), count(start))
            start = 0


def _document(row: Row, number: int) -> Document:
    title = row.title if isinstance(row.title, str) else ""
    return Document(_whole(row.id, number), title, row.text or "")


def _whole(value: Any, otherwise: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
