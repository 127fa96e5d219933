"""Lines of text files: their encoding, and what separates the columns of CSV, found or named by the user."""

import codecs
import io
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from charbert.compression import open_to_read
from charbert.errors import CharBertError
from data.corpus.files import BYTE_ORDER_MARK, decode_line, read_byte_lines
from data.examples.rows import BadRows

UTF_8, LATIN = "utf-8", "cp1252"
_QUOTED = re.compile(r'"[^"]*"?')
_DELIMITERS = ",;\t|"
logger = logging.getLogger(__name__)
_MARKS = {BYTE_ORDER_MARK.encode(name): name for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")}
_HEAD = 2**22  # bytes that show the encoding
_LEAST_LATIN_LINES = 3  # fewer may be damage
_LATIN_MARKS = "\xa0€‚„…‘’“”•–—™¡§ª«°´º»¿"


class Dialect(NamedTuple):
    """How a file of text is written; what is None is found."""

    delimiter: str | None = None
    """Of cells: in CSV that of the header, in TSV a tab."""
    encoding: str | None = None
    """As of `read_lines`."""


FOUND = Dialect()


def read_lines(path: Path, bad: BadRows, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, without their ends; white space before these stays.

    Args:
        path: the file.
        bad: gets the lines that are no text.
        encoding: of the file; None: as `find_encoding` finds it.

    Raises:
        CharBertError: the file is empty, damaged or cannot be read.
    """
    for number, line in read_all_lines(path, bad, encoding):
        if line is not None:
            yield number, line


def read_all_lines(path: Path, bad: BadRows, encoding: str | None = None) -> Iterator[tuple[int, str | None]]:
    """The lines as `read_lines` gives them, with None for one that went to `bad`."""
    for number, content in raw_lines(path, encoding):
        line = None
        try:
            line = decode_line(content)
        except ValueError as error:
            bad.add(f"{path}: row {number}", str(error))
        else:
            line = line.removesuffix("\n").removesuffix("\r")
        yield number, line


def raw_lines(path: Path, encoding: str | None = None) -> Iterator[tuple[int, bytes]]:
    """The lines in UTF-8 with their numbers from 1 and their ends, the first without a byte order mark.

    Args:
        path: the file.
        encoding: of the file; None: as `find_encoding` finds it. Bytes that are no text stay as they are.

    Raises:
        CharBertError: the file is empty, damaged or cannot be read.
    """
    number, name = 0, codecs.lookup(encoding or find_encoding(path)).name
    for number, line in read_byte_lines(path) if name == UTF_8 else _recoded_lines(path, name):
        yield number, line.removeprefix(BYTE_ORDER_MARK.encode()) if number == 1 else line
    if not number:
        raise CharBertError(f"{path}: is empty")


def _recoded_lines(path: Path, encoding: str) -> Iterator[tuple[int, bytes]]:
    with open_to_read(path) as file:
        lines = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="\n")
        try:
            for number, line in enumerate(lines, start=1):
                yield number, line.encode(UTF_8, "surrogateescape")
        except UnicodeError as error:
            raise CharBertError(
                f"{path}: is not {encoding} ({error}); name another with --encoding"
            ) from error
        finally:
            lines.detach()


def find_encoding(path: Path) -> str:
    """The encoding of a file, which is said where it is not UTF-8.

    UTF-16 and 32 are known by their byte order mark. A file is taken for Latin-1, as Windows extends it,
    where three lines at least of its first 4 MiB are not ASCII, and all of these are text in Latin-1, none in
    UTF-8.

    Raises:
        CharBertError: the file is damaged or cannot be read.
    """
    if not path.is_file():  # a pipe, which can be read but once
        return UTF_8
    state = path.stat()
    return _find_encoding(path, state.st_size, state.st_mtime_ns)


@cache
def _find_encoding(path: Path, *state: int) -> str:
    with open_to_read(path) as file:
        head = file.read(_HEAD)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            logger.warning("%s: is read as %s, by its byte order mark", path.name, encoding)
            return encoding
    lines = head.splitlines()[: -1 if len(head) == _HEAD else None]
    lines = [line for line in lines if not line.isascii()]
    if len(lines) < _LEAST_LATIN_LINES or not all(map(_is_latin, lines)):
        return UTF_8
    logger.warning("%s: is not UTF-8, and read as %s (Latin-1); --encoding names another", path.name, LATIN)
    return LATIN


def _is_latin(line: bytes) -> bool:
    """Whether a line is not UTF-8 but text in Latin-1, most of whose letters are ASCII ones."""
    texts = []
    for encoding in (UTF_8, LATIN):
        try:
            texts.append(line.decode(encoding))
        except UnicodeDecodeError:
            texts.append("")
    other = [letter for letter in texts[1] if not letter.isascii()]
    is_text = all(letter.isalpha() or letter in _LATIN_MARKS for letter in other)
    return not texts[0] and is_text and 0 < 2 * len(other) < len(line)


def line_end(path: Path, encoding: str | None = None) -> str:
    """What ends the first line of a file: a line break of Windows, or a plain one."""
    return "\r\n" if next(raw_lines(path, encoding))[1].endswith(b"\r\n") else "\n"


def read_text(path: Path, encoding: str | None = None) -> str:
    """The content of a file.

    Args:
        path: the file.
        encoding: as of `read_lines`.

    Raises:
        CharBertError: the file is empty, damaged, not UTF-8, or cannot be read.
    """
    lines = []
    for number, line in raw_lines(path, encoding):
        try:
            lines.append(decode_line(line))
        except ValueError as error:
            raise CharBertError(f"{path}: row {number} {error}; convert the file to UTF-8 first") from error
    return "".join(lines)


def row_location(path: Path, record: int, line: int) -> str:
    """A row as a spreadsheet counts it, the header as the first, and where another one its first line."""
    return f"{path}: row {record}" + (f" (line {line})" if line != record else "")


def find_delimiter(path: Path, dialect: Dialect) -> str:
    """What separates the cells of a CSV file: by default the most frequent in its header, which is said.

    Raises:
        CharBertError: the file cannot be read.
    """
    if dialect.delimiter is not None:
        return dialect.delimiter
    if not path.is_file():  # a pipe, which can be read but once
        return ","
    state = path.stat()
    return _find_delimiter(path, dialect.encoding, state.st_size, state.st_mtime_ns)


@cache
def _find_delimiter(path: Path, encoding: str | None, *state: int) -> str:
    header = next((line for _, line in raw_lines(path, encoding) if line.strip()), b"")
    plain = _QUOTED.sub("", header.decode(errors="replace"))
    found = max(_DELIMITERS, key=plain.count)
    if found != ",":
        name = "a tab" if found == "\t" else repr(found)
        logger.warning("%s: its columns are separated by %s; --delimiter names another", path.name, name)
    return found
