"""Compressed files (`.gz`, `.bz2`, `.xz`): opened by the ending of their names, to read and to write."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any

from charbert.errors import CharBertError

_READERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_WRITERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": partial(gzip.GzipFile, "", "wb", 9, mtime=0),  # without name and time, which would differ
    ".bz2": partial(bz2.BZ2File, mode="wb"),
    ".xz": partial(lzma.LZMAFile, mode="wb"),
}


def text_ending(path: Path) -> str:
    """The ending of a file's name in small letters, without that of its compression: `.csv` of `A.CSV.gz`."""
    return Path(path.stem if path.suffix.lower() in _READERS else path).suffix.lower()


@contextmanager
def open_to_read(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed.

    Raises:
        CharBertError: there is none, it is damaged or cannot be read, also while it is open.
    """
    try:
        with _READERS.get(path.suffix.lower(), open)(path, "rb") as file:
            yield file
    except FileNotFoundError as error:
        raise CharBertError(f"{path}: no such file") from error
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise CharBertError(f"{path}: is damaged or cannot be read ({error})") from error


@contextmanager
def open_to_write(path: Path, ending: str) -> Iterator[IO[bytes]]:
    """A file to write bytes to, compressed as an ending says, which need not be that of its name."""
    with path.open("wb") as file, _WRITERS.get(ending.lower(), nullcontext)(file) as opened:
        yield opened
