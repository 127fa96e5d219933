"""MediaWiki dumps as bytes: groups of whole pages, found without parsing the pages.

Whoever reads a dump does little; whoever gets a group decompresses and parses it. So many processes can share
the work, and the reader can go on in the middle.
"""

import bz2
import re
import sys
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from charbert.errors import CharBertError, first_line
from data.wiki.wikitext import HIDDEN_NAMESPACES

START_OF_PAGE, END_OF_PAGE = b"<page>", b"</page>"
END_OF_DUMP = b"</mediawiki>"
BZ2 = b"BZh"
_STANDARD_INPUT = "-"
_END_OF_HEADER = re.compile(rb"</siteinfo>|(?=<page>|</mediawiki>)")
_HIDDEN_NAMESPACE_KEYS = frozenset({"-2", "6", "14"})  # media, files, categories
# A stream begins at a byte, and its first block with pi in BCD: by chance, that is one in 10 ** 22 bytes.
_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
_STREAM_BYTES = 10
_GROUP_BYTES = 1_000_000
_MOST_BYTES = 64_000_000
_MOST_HEADER_BYTES = 1_000_000
_CHUNK_BYTES = 1 << 16
_SCAN_BYTES = 1 << 20


class PageGroup(NamedTuple):
    """Whole pages of a dump: XML, or a bz2 stream of it.

    Together, `number` and `byte` are the position after which `Dump.page_groups` continues; `position`
    says how many bytes of the file were read, for a progress bar.
    """

    number: int
    byte: int
    position: int
    content: bytes


class Dump:
    """A MediaWiki export: XML, bz2 of it in one stream or many, or either of them on standard input ("-").

    Attributes:
        name: the file's name, without its folder.
        size: its bytes; None for standard input.
        hidden_namespaces: lower-case prefixes of links that show nothing, in English and its own language.

    Raises:
        CharBertError: the file is missing, or is no MediaWiki export.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.name = "standard input"
        self.size: int | None = None
        if path != _STANDARD_INPUT:
            if not Path(path).is_file():
                raise CharBertError(f"{path}: no such file to read; dumps are at https://dumps.wikimedia.org")
            self.name, self.size = Path(path).name, Path(path).stat().st_size
        file, stream = self._open()
        header, self.hidden_namespaces = self._header(stream)
        end = _END_OF_HEADER.search(header)
        self._first_byte = end.end() if end else 0
        self._first_stream: int | None = None
        if path == _STANDARD_INPUT:
            self._read = (file, stream, header)
        else:
            if stream is not file:
                self._first_stream = _find_first_stream(file)
            file.close()  # of many dumps, one at a time is open

    def page_groups(self, after: tuple[int, int] | None = None) -> Iterator[PageGroup]:
        """Yield the groups after the one of this `number` and `byte`, or all.

        The pages before a cut or damage are yielded first. Raises a `CharBertError` that says where it is.
        """
        if self._first_stream is not None:
            return self._compressed_groups(after)
        return self._xml_groups(after)

    def _compressed_groups(self, after: tuple[int, int] | None) -> Iterator[PageGroup]:
        # Position of a group: where its own stream begins, so that the last one is there for the check.
        number, start = after or (-1, self._first_stream or 0)
        first = max(number, 0)
        last = b""
        with open(self._path, "rb") as file:
            for group, (offset, last) in enumerate(_streams(file, start), start=first):
                if group > number:
                    yield PageGroup(group, offset, offset + len(last), last)
        try:
            is_whole = bz2.decompress(last).rstrip().endswith(END_OF_DUMP)
        except (OSError, ValueError) as error:
            raise self._damage(self.size, first_line(error)) from error
        if not is_whole:
            raise self._damage(self.size, "its last stream does not end the XML")

    def _xml_groups(self, after: tuple[int, int] | None) -> Iterator[PageGroup]:
        # Position of a group: where its XML ends. It holds for every size, also before damage.
        number, start = after or (-1, self._first_byte)
        file, stream, read = self._read if self._path == _STANDARD_INPUT else (*self._open(), b"")
        buffer = bytearray(read)
        offset = 0
        if stream is file and file.seekable() and not read:
            offset = file.seek(start)
        damage = None
        is_end = False
        with file:
            while not is_end:
                try:
                    chunk = stream.read1(_CHUNK_BYTES)
                except (EOFError, OSError) as error:  # how bz2 reports a cut, and damage
                    chunk, damage = b"", first_line(error)
                is_end = not chunk
                position = file.tell() if file.seekable() else offset + len(buffer)
                buffer += chunk
                skipped = min(max(start - offset, 0), len(buffer))
                del buffer[:skipped]
                offset += skipped
                while end := _find_end_of_group(buffer, len(chunk), is_end):
                    content = bytes(buffer[:end])
                    del buffer[:end]
                    offset += end
                    number += 1
                    yield PageGroup(number, offset, position, content)
                if len(buffer) > _MOST_BYTES:
                    raise CharBertError(
                        f"{self._path}: has a page of more than {_MOST_BYTES:,} bytes at byte {offset} of "
                        "its XML; take a dump without the history of the pages (pages-articles)"
                    )
        if damage or END_OF_DUMP not in buffer:
            raise self._damage(position, damage or "the XML does not end")

    def _open(self) -> tuple[BufferedReader, BufferedReader | bz2.BZ2File]:
        """The file, and the stream of its XML."""
        descriptor = sys.stdin.fileno() if self._path == _STANDARD_INPUT else self._path
        closes = self._path != _STANDARD_INPUT
        file = open(descriptor, "rb", closefd=closes)  # noqa: SIM115 (`page_groups` closes it)
        return file, bz2.BZ2File(file) if file.peek(len(BZ2)).startswith(BZ2) else file

    def _header(self, stream: BufferedReader | bz2.BZ2File) -> tuple[bytes, frozenset[str]]:
        """What was read to have all of the header, and the hidden namespaces it names."""
        namespaces = _Namespaces()
        header, reason = b"", "it is empty"
        try:
            while not _END_OF_HEADER.search(header) and len(header) < _MOST_HEADER_BYTES:
                # Damage after the root is left for `page_groups` to report.
                chunk = stream.read1(_CHUNK_BYTES)
                if not chunk:
                    break
                header += chunk
            end = _END_OF_HEADER.search(header)
            namespaces.parse(header[: end.end()] if end else header)
        except (EOFError, OSError, expat.ExpatError) as error:
            reason = first_line(error)
        if not namespaces.root_is_right:
            raise CharBertError(
                f"{self._path}: is no MediaWiki dump ({reason}); give XML, or bz2 of it, as downloaded"
            )
        return header, frozenset(namespaces.hidden)

    def _damage(self, position: int | None, reason: str) -> CharBertError:
        return CharBertError(
            f"{self._path}: is cut short or damaged at byte {position} ({reason}); "
            "the pages before that were read: get the dump again for the rest"
        )


class _Namespaces:
    """What the header of an export says: whether it is one, and which namespaces are hidden."""

    def __init__(self) -> None:
        self.root_is_right = False
        self.hidden = set(HIDDEN_NAMESPACES)
        self._text: list[str] | None = None
        self._expat = expat.ParserCreate()
        self._expat.StartElementHandler = self._start
        self._expat.CharacterDataHandler = self._characters
        self._expat.EndElementHandler = self._end

    def parse(self, header: bytes) -> None:
        self._expat.Parse(header)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.root_is_right and tag != "mediawiki":
            raise expat.ExpatError(f"its root is <{tag}>, not <mediawiki>")
        self.root_is_right = True
        if tag == "namespace" and attributes.get("key") in _HIDDEN_NAMESPACE_KEYS:
            self._text = []

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        if self._text is not None:
            self.hidden.add("".join(self._text).lower())
            self._text = None


def _find_end_of_group(buffer: bytearray, new: int, is_last: bool) -> int:
    """How many bytes of the buffer are a group, or 0 as long as too little was read."""
    if is_last:
        end = buffer.rfind(END_OF_PAGE)
    else:
        # What was searched before is not searched again, for the sake of very long pages.
        end = buffer.find(END_OF_PAGE, max(_GROUP_BYTES, len(buffer) - new - len(END_OF_PAGE)))
    return end + len(END_OF_PAGE) if end >= 0 else 0


def _streams(file: BufferedReader, start: int) -> Iterator[tuple[int, bytes]]:
    """The offset and the bytes of each bz2 stream from `start` on, where one begins.

    Raises:
        CharBertError: one is too long for a stream of some pages.
    """
    file.seek(start)
    buffer = bytearray()
    searched = 1
    while chunk := file.read(_SCAN_BYTES):
        buffer += chunk
        while begin := _STREAM.search(buffer, searched):
            yield start, bytes(buffer[: begin.start()])
            start += begin.start()
            del buffer[: begin.start()]
            searched = 1
        searched = max(1, len(buffer) - _STREAM_BYTES + 1)
        if len(buffer) > _MOST_BYTES:
            raise CharBertError(f"{file.name}: no bz2 stream begins in {_MOST_BYTES:,} bytes from {start} on")
    if buffer:
        yield start, bytes(buffer)


def _find_first_stream(file: BufferedReader) -> int | None:
    """Where the pages begin in a multistream dump: one stream for the header, each further one whole pages.

    None for any other file. Some compressors write many streams too, but cut pages with them.
    """
    try:
        (_, header), (offset, pages) = islice(_streams(file, 0), 2)
        starts_pages = bz2.BZ2Decompressor().decompress(pages, 1000).lstrip().startswith(START_OF_PAGE)
        return offset if starts_pages and bz2.decompress(header).rstrip().endswith(b"</siteinfo>") else None
    except (CharBertError, OSError, ValueError):
        return None
