"""Compressed files (`.gz`, `.bz2`, `.xz`): opened by the ending of their names, to read and to write."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from io import BufferedIOBase, BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any

from charbert.errors import CharBertError

_READERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_WRITERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": partial(gzip.GzipFile, "", "wb", 9, mtime=0),  # without name and time, which would differ
    ".bz2": partial(bz2.BZ2File, mode="wb"),
    ".xz": partial(lzma.LZMAFile, mode="wb"),
}
_BUFFER = 65536


def compression_ending(path: Path) -> str:
    """The ending of a compressed file's name, as it is written; of any other, nothing."""
    return path.suffix if path.suffix.lower() in _READERS else ""


def text_ending(path: Path) -> str:
    """The ending of a file's name in small letters, without that of its compression: `.csv` of `A.CSV.gz`."""
    return Path(path.name.removesuffix(compression_ending(path))).suffix.lower()


@contextmanager
def open_to_read(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed.

    Raises:
        CharBertError: there is none, it is damaged or cannot be read, also while it is open.
    """
    with _reading(path):
        opened = _READERS.get(path.suffix.lower(), open)(path, "rb")
    with opened, BufferedReader(_NamedReader(opened, path), _BUFFER) as file:
        yield file


class _NamedReader(RawIOBase):
    """A file whose errors name it, so that nothing else that fails while it is open is taken for one."""

    def __init__(self, opened: BufferedIOBase, path: Path) -> None:
        self._opened, self._path = opened, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _reading(self._path):
            return self._opened.readinto1(buffer)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise CharBertError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise CharBertError(f"{path}: is a folder, and a file is needed") from error
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise CharBertError(f"{path}: is damaged or cannot be read ({error})") from error


@contextmanager
def open_to_write(path: Path, ending: str) -> Iterator[IO[bytes]]:
    """A file to write bytes to, compressed as an ending says, which need not be that of its name."""
    with path.open("wb") as file, _WRITERS.get(ending.lower(), nullcontext)(file) as opened:
        yield opened
