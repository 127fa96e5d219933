"""MediaWiki dumps as bytes: groups of whole pages, found without parsing the pages.

Whoever reads a dump does little; whoever gets a group decompresses and parses it. So many processes can share
the work, and the reader can go on in the middle.
"""

import bz2
import re
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from charbert.commands.paths import STANDARD, standard_input
from charbert.errors import CharBertError, first_line
from data.wiki.sites import Site, make_site

START_OF_PAGE, END_OF_PAGE = b"<page>", b"</page>"
END_OF_DUMP = b"</mediawiki>"
BZ2 = b"BZh"
_END_OF_HEADER = re.compile(rb"</siteinfo>|(?=<page>|</mediawiki>)")
# A stream begins at a byte, and its first block with pi in BCD: by chance, that is one in 10 ** 22 bytes.
_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
_STREAM_BYTES = 10
_GROUP_BYTES = 1_000_000
_MOST_BYTES = 64_000_000
_HEAD_BYTES = 2_000  # of what is too long, to name it
_MOST_HEADER_BYTES = 1_000_000
_CHUNK_BYTES = 1 << 16
_SCAN_BYTES = 1 << 20


class PageGroup(NamedTuple):
    """Whole pages of a dump: XML, or a bz2 stream of it.

    Together, `number` and `byte` are the position after which `Dump.page_groups` continues; `position`
    says how many bytes of the file were read, for a progress bar. Of a page or stream that is too long only
    the beginning is there, and `problem` says so.
    """

    number: int
    byte: int
    position: int
    content: bytes
    problem: str = ""


class Dump:
    """A MediaWiki export: XML, bz2 of it in one stream or many, or either of them on standard input ("-").

    Attributes:
        name: the file's name, without its folder.
        size: its bytes; None for standard input.
        site: the wiki that it is of.

    Raises:
        CharBertError: the file is missing, or is no MediaWiki export.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.name = "standard input"
        self.size: int | None = None
        if path != STANDARD:
            if not Path(path).is_file():
                raise CharBertError(f"{path}: no such file to read; dumps are at https://dumps.wikimedia.org")
            self.name, self.size = Path(path).name, Path(path).stat().st_size
        file, stream = self._open()
        header, self.site = self._header(stream)
        end = _END_OF_HEADER.search(header)
        self._first_byte = end.end() if end else 0
        self._first_stream: int | None = None
        if path == STANDARD:
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
                    problem = "" if last else f"the bz2 stream has more than {_MOST_BYTES:,} bytes"
                    yield PageGroup(group, offset, offset + len(last), last, problem)
        try:
            end = _end_of_stream(last)
        except (OSError, ValueError) as error:
            raise self._damage(self.size, first_line(error)) from error
        if not end.rstrip().endswith(END_OF_DUMP):
            raise self._damage(self.size, "its last stream does not end the XML")

    def _xml_groups(self, after: tuple[int, int] | None) -> Iterator[PageGroup]:
        # Position of a group: where its XML ends. It holds for every size, also before damage.
        number, start = after or (-1, self._first_byte)
        file, stream, read = self._read if self._path == STANDARD else (*self._open(), b"")
        buffer = _Buffer(read)
        if stream is file and file.seekable() and not read:
            buffer.offset = file.seek(start)
        damage = None
        is_end = False
        too_long: bytes | None = None  # the beginning of a page of which the rest is skipped
        with file:
            while not is_end:
                try:
                    chunk = stream.read1(_CHUNK_BYTES)
                except (EOFError, OSError) as error:  # how bz2 reports a cut, and damage
                    chunk, damage = b"", first_line(error)
                is_end = not chunk
                position = file.tell() if file.seekable() else buffer.offset + len(buffer)
                buffer += chunk
                buffer.take(min(max(start - buffer.offset, 0), len(buffer)))
                if too_long is not None:
                    end = _find_end_of_page(buffer)
                    buffer.take(end or max(len(buffer) - len(END_OF_PAGE), 0))
                    if not end:
                        continue
                    number += 1
                    problem = f"it has more than {_MOST_BYTES:,} bytes"
                    yield PageGroup(number, buffer.offset, position, too_long, problem)
                    too_long = None
                while end := _find_end_of_group(buffer, len(chunk), is_end):
                    number, content = number + 1, buffer.take(end)
                    yield PageGroup(number, buffer.offset, position, content)
                if len(buffer) > _MOST_BYTES:
                    # Whole pages before the long one are a group of their own.
                    if end := _find_end_of_group(buffer, 0, is_last=True):
                        number, content = number + 1, buffer.take(end)
                        yield PageGroup(number, buffer.offset, position, content)
                    too_long = bytes(buffer[:_HEAD_BYTES])
        if damage or END_OF_DUMP not in buffer:
            raise self._damage(position, damage or "the XML does not end")

    def _open(self) -> tuple[BufferedReader, BufferedReader | bz2.BZ2File]:
        """The file, and the stream of its XML."""
        descriptor = standard_input().fileno() if self._path == STANDARD else self._path
        closes = self._path != STANDARD
        file = open(descriptor, "rb", closefd=closes)  # noqa: SIM115 (`page_groups` closes it)
        return file, bz2.BZ2File(file) if file.peek(len(BZ2)).startswith(BZ2) else file

    def _header(self, stream: BufferedReader | bz2.BZ2File) -> tuple[bytes, Site]:
        """What was read to have all of the header, and the wiki that it describes."""
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
        return header, make_site(namespaces.language, namespaces.names)

    def _damage(self, position: int | None, reason: str) -> CharBertError:
        return CharBertError(
            f"{self._path}: is cut short or damaged at byte {position} ({reason}); "
            "the pages before that were read: get the dump again for the rest"
        )


class _Namespaces:
    """What the header of an export says: whether it is one, its language, and the namespaces by number."""

    def __init__(self) -> None:
        self.root_is_right = False
        self.language = "en"
        self.names: dict[str, str] = {}
        self._key: str | None = None
        self._expat = expat.ParserCreate()
        self._expat.StartElementHandler = self._start
        self._expat.CharacterDataHandler = self._characters
        self._expat.EndElementHandler = self._end

    def parse(self, header: bytes) -> None:
        self._expat.Parse(header)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.root_is_right and tag != "mediawiki":
            raise expat.ExpatError(f"its root is <{tag}>, not <mediawiki>")
        if not self.root_is_right:
            self.language = attributes.get("xml:lang", self.language)
        self.root_is_right = True
        self._key = attributes.get("key") if tag == "namespace" else None

    def _characters(self, text: str) -> None:
        if self._key is not None:
            self.names[self._key] = self.names.get(self._key, "") + text

    def _end(self, tag: str) -> None:
        self._key = None


class _Buffer(bytearray):
    """What was read of a file and is still to be given on; it begins at byte `offset` of it."""

    offset = 0

    def take(self, count: int) -> bytes:
        """The first bytes, which are no longer in it."""
        taken = bytes(self[:count])
        del self[:count]
        self.offset += count
        return taken


def _find_end_of_group(buffer: bytearray, new: int, is_last: bool) -> int:
    """How many bytes of the buffer are a group, or 0 as long as too little was read."""
    if is_last:
        end = buffer.rfind(END_OF_PAGE)
    else:
        # What was searched before is not searched again, for the sake of very long pages.
        end = buffer.find(END_OF_PAGE, max(_GROUP_BYTES, len(buffer) - new - len(END_OF_PAGE)))
    return end + len(END_OF_PAGE) if end >= 0 else 0


def _find_end_of_page(buffer: bytearray) -> int:
    """How many bytes of the buffer reach to the end of a page, or 0."""
    end = buffer.find(END_OF_PAGE)
    return end + len(END_OF_PAGE) if end >= 0 else 0


def _streams(file: BufferedReader, start: int) -> Iterator[tuple[int, bytes]]:
    """The offset and the bytes of each bz2 stream from `start` on, where one begins.

    Of one that is too long for a stream of some pages, there are no bytes.
    """
    file.seek(start)
    buffer = bytearray()
    searched = 1
    is_skipped = False
    while chunk := file.read(_SCAN_BYTES):
        buffer += chunk
        while begin := _STREAM.search(buffer, searched):
            if not is_skipped:
                yield start, bytes(buffer[: begin.start()])
            start += begin.start()
            del buffer[: begin.start()]
            searched, is_skipped = 1, False
        if len(buffer) > _MOST_BYTES and not is_skipped:
            yield start, b""
            is_skipped = True
        if is_skipped:
            start += len(buffer) - _STREAM_BYTES
            del buffer[:-_STREAM_BYTES]
        searched = max(1, len(buffer) - _STREAM_BYTES + 1)
    if buffer and not is_skipped:
        yield start, bytes(buffer)


def _end_of_stream(content: bytes) -> bytes:
    """The last bytes of what a bz2 stream holds, which may be more than memory does."""
    decompressor = bz2.BZ2Decompressor()
    end = decompressor.decompress(content, _SCAN_BYTES)
    while not decompressor.eof and (more := decompressor.decompress(b"", _SCAN_BYTES)):
        end = (end + more)[-_HEAD_BYTES:]
    return end


def _find_first_stream(file: BufferedReader) -> int | None:
    """Where the pages begin in a multistream dump: one stream for the header, each further one whole pages.

    None for any other file. Some compressors write many streams too, but cut pages with them.
    """
    try:
        (_, header), (offset, pages) = islice(_streams(file, 0), 2)
        starts_pages = bz2.BZ2Decompressor().decompress(pages, 1000).lstrip().startswith(START_OF_PAGE)
        ends_header = _end_of_stream(header).rstrip().endswith(b"</siteinfo>")
        return offset if starts_pages and ends_header else None
    except (OSError, ValueError):
        return None
