"""Corpus files: `.parquet` (also as folders of shards), `.txt` and `.jsonl`, the last two also compressed."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.compression import open_to_read, text_ending
from charbert.errors import CharBertError

FILE_KINDS = ".parquet, .txt, .jsonl (the last two also .gz, .bz2, .xz)"
SCHEMA = pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())])
COLUMNS = tuple(SCHEMA.names)
SHARD_NAMES = "text-*.parquet"
BATCH_ROWS = 1_000
BYTE_ORDER_MARK = "\ufeff"
"""What some editors begin a file with."""
# Tokenizers take some hundred bytes for each character, and abort the process where a text is too long.
PIECE_CHARACTERS = 100_000
DOCUMENT_CHARACTERS = 1_000_000
MOST_CHARACTERS = 100_000_000
_BYTES_OF_A_CHARACTER = 4


class Document(NamedTuple):
    """One text of a corpus. Plain text files have no titles: theirs are empty."""

    id: int
    title: str
    text: str


class Row(NamedTuple):
    """A document as a file holds it: what is missing there is None."""

    id: Any
    title: Any
    text: str | None


class Part(NamedTuple):
    """What can be read without the rest of the file: a row group of a Parquet file, or any other file."""

    path: Path
    row_group: int | None = None
    rows: int | None = None
    """Where it is known without reading them."""


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder and of the folders in it: parts of a corpus that several machines made."""
    return sorted(folder.rglob(SHARD_NAMES))


def find_parts(path: Path) -> list[Part]:
    """The parts of a file, in order.

    Raises:
        CharBertError: a file of another kind, or a Parquet file that is damaged or has no column of text.
    """
    if path.suffix.lower() == ".parquet":
        with open_parquet(path) as file:
            found = {field.name: field.type for field in file.schema_arrow}
            kind = found.get("text", pa.null())
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise CharBertError(
                    f"{path}: has no column 'text' of type string; its columns: {', '.join(found)}"
                )
            groups = range(file.metadata.num_row_groups)
            return [Part(path, group, file.metadata.row_group(group).num_rows) for group in groups]
    if _reader(path) is None:
        raise CharBertError(f"{path}: not a corpus; give a folder of shards, or a file {FILE_KINDS}")
    return [Part(path)]


def has_known_ending(path: Path) -> bool:
    """Whether the name alone says that this is a file for `find_parts`."""
    return path.suffix.lower() == ".parquet" or _reader(path) is not None


def read_rows(part: Part, start: int = 0) -> Iterator[Row]:
    """The rows of a part, without the first `start`.

    Raises:
        CharBertError: when a row is reached that cannot be read.
    """
    for row in _rows(part, start):
        yield check_length(row, part.path)


def check_length(row: Row, source: str | Path) -> Row:
    """The row.

    Raises:
        CharBertError: its text is too long to be held in memory as one document.
    """
    if row.text and len(row.text) > MOST_CHARACTERS:
        raise CharBertError(
            f"{source}: a document has {len(row.text):,} characters, more than {MOST_CHARACTERS:,}; divide it"
        )
    return row


def cut_text(text: str, characters: int | None = None) -> Iterator[str]:
    """A text in pieces that together are the text, of so many characters at most (`PIECE_CHARACTERS`).

    A piece begins with the last space before a word, or the last line end, where there is one: so the
    tokenizers of BERT and RoBERTa find the same words in the pieces as in the text.
    """
    start, most = 0, characters or PIECE_CHARACTERS
    while len(text) - start > most:
        end = _find_cut(text, start + 1, start + most)
        yield text[start:end]
        start = end
    yield text[start:]


def _find_cut(text: str, first: int, last: int) -> int:
    for space in " \n":
        end = last
        while (end := text.rfind(space, first, end)) >= 0:
            if not text[end + 1].isspace():
                return end
    return last


def _rows(part: Part, start: int) -> Iterator[Row]:
    if part.row_group is not None:
        return _parquet_rows(part.path, part.row_group, start)
    reader = _reader(part.path)
    assert reader is not None  # find_parts refuses such a file
    return reader(part.path, start)


def _reader(path: Path) -> Callable[[Path, int], Iterator[Row]] | None:
    return {".txt": _text_rows, ".jsonl": _json_rows}.get(text_ending(path))


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, closed at the end.

    Raises:
        CharBertError: it is none, or damaged, or what is read from it is.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise CharBertError(f"{path}: is damaged or no Parquet file ({error})") from error
    except UnicodeDecodeError as error:
        raise CharBertError(f"{path}: holds text that is not UTF-8; write the file anew") from error


def _parquet_rows(path: Path, row_group: int, start: int) -> Iterator[Row]:
    with open_parquet(path) as file:
        present = [name for name in COLUMNS if name in file.schema_arrow.names]
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[row_group], columns=present):
            rows, start = batch.slice(start), max(0, start - batch.num_rows)
            columns: list[Iterable[Any]] = [
                rows.column(name).to_pylist() if name in present else repeat(None, rows.num_rows)
                for name in COLUMNS
            ]
            yield from map(Row, *columns)


def _text_rows(path: Path, start: int) -> Iterator[Row]:
    for text in islice(_text_documents(path), start, None):
        yield Row(None, None, text)


def _text_documents(path: Path) -> Iterator[str]:
    """What stands between blank lines; a long one is cut where a line ends, a long line before a word."""
    lines: list[str] = []
    size = last = 0
    for number, line in _lines(path, _BYTES_OF_A_CHARACTER * DOCUMENT_CHARACTERS, is_cut=True):
        for piece in cut_text(line, DOCUMENT_CHARACTERS):
            if lines and (not piece or number == last or size + len(piece) > DOCUMENT_CHARACTERS):
                yield "\n".join(lines)
                lines, size = [], 0
            last = number
            if piece:
                lines.append(piece)
                size += len(piece) + 1
    if lines:
        yield "\n".join(lines)


def _json_rows(path: Path, start: int) -> Iterator[Row]:
    lines = _lines(path, _BYTES_OF_A_CHARACTER * MOST_CHARACTERS)
    for number, line in islice(((number, line) for number, line in lines if line), start, None):
        try:
            row = json.loads(line)
            text = row["text"]
            text.encode()  # an escape can name half of a character, which no tokenizer takes
        except UnicodeEncodeError as error:
            raise CharBertError(f"{path}: line {number} has an escape \\u for half a character") from error
        except (ValueError, RecursionError) as error:
            raise CharBertError(f"{path}: line {number} is not JSON ({error})") from error
        except (AttributeError, KeyError, TypeError) as error:
            raise CharBertError(f"{path}: line {number} is no JSON object with a string `text`") from error
        yield Row(row.get("id"), row.get("title"), text)


def _lines(path: Path, most: int, is_cut: bool = False) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, without the white space at their ends.

    A line of more bytes than `most` is refused, or comes in pieces, cut before a word where it has spaces.
    """
    number, rest = 1, b""
    with open_to_read(path) as file:
        while line := rest + file.readline(most - len(rest)):
            is_long = len(line) >= most and not line.endswith(b"\n")
            if is_long and not is_cut:
                raise CharBertError(f"{path}: line {number} has more than {most:,} bytes; divide it")
            end = _find_end_of_word(line) if is_long else len(line)
            line, rest = line[:end], line[end:]
            try:
                text = decode_line(line)
            except ValueError as error:
                raise CharBertError(
                    f"{path}: line {number} {error}; convert the file to UTF-8 first"
                ) from error
            yield number, text.removeprefix(BYTE_ORDER_MARK).rstrip()
            number += not is_long


def _find_end_of_word(line: bytes) -> int:
    """Where a line can be cut: at its last space, else before its last character, which may be cut itself."""
    end = line.rfind(b" ")
    if end <= 0:
        end = len(line) - 1
        while end > 1 and line[end] & 0xC0 == 0x80:
            end -= 1
    return end


def read_byte_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, also of a compressed one, with their numbers from 1 and their ends.

    Raises:
        CharBertError: it is damaged or cannot be read.
    """
    with open_to_read(path) as file:
        yield from enumerate(file, start=1)


def decode_line(line: bytes) -> str:
    """The text of a line.

    Raises:
        ValueError: it is none in UTF-8; says why.
    """
    if b"\0" in line:
        raise ValueError("holds a NUL byte")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8") from error
