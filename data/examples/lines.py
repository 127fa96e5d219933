"""Lines of labelled files: UTF-8 text, also compressed."""

from collections.abc import Iterator
from pathlib import Path

from charbert.errors import CharBertError
from data.corpus.files import BYTE_ORDER_MARK, byte_lines, decoded
from data.examples.rows import BadRows


def read_lines(path: Path, bad: BadRows) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, without their ends; white space before these stays.

    Raises:
        CharBertError: the file is empty, damaged or cannot be read.
    """
    for number, line in read_all_lines(path, bad):
        if line is not None:
            yield number, line


def read_all_lines(path: Path, bad: BadRows) -> Iterator[tuple[int, str | None]]:
    """The lines as `read_lines` gives them, with None for one that went to `bad`."""
    for number, content in raw_lines(path):
        line = None
        try:
            line = decoded(content)
        except ValueError as error:
            bad.add(f"{path}: row {number}", str(error))
        else:
            line = line.removesuffix("\n").removesuffix("\r")
        yield number, line


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers from 1 and their ends, the first without a byte order mark.

    Raises:
        CharBertError: the file is empty, damaged or cannot be read.
    """
    number = 0
    for number, line in byte_lines(path):
        yield number, line.removeprefix(BYTE_ORDER_MARK.encode()) if number == 1 else line
    if not number:
        raise CharBertError(f"{path}: is empty")
