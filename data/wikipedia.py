"""`python -m data wikipedia`: a MediaWiki dump to the clean text of its articles, in shards."""

import argparse
import bz2
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Set
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from tqdm import tqdm

from charbert.errors import CharBertError
from charbert.results import RESULTS, write_results
from data.shards import ShardWriter
from data.wikitext import HIDDEN_NAMESPACES, MarkupError, plain_text

_COUNTS = ("pages_read", "articles_written", "redirects", "other_namespaces", "failed", "empty", "characters")
_ARTICLE_NAMESPACE = 0
_HIDDEN_NAMESPACE_KEYS = frozenset({"-2", "6", "14"})  # media, files, categories
_BZ2_MAGIC = b"BZh"
_CHUNK_BYTES = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dump", metavar="DUMP", help="pages-articles dump: .xml, or .xml.bz2 as downloaded")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of text shards to write")
    parser.add_argument("--max-pages", type=_positive, metavar="N", help="stop after N pages of any kind")
    parser.add_argument("--overwrite", action="store_true", help="replace the shards that DIR holds")


def run(arguments: argparse.Namespace) -> dict[str, int | float]:
    """Write the shards, and return how many pages became what, the characters of text and the seconds.

    Raises:
        CharBertError: as `open_dump` and `ShardWriter`, or no page is an article with text. A dump that is
            cut short leaves the articles before the cut in complete shards.
    """
    started = time.monotonic()
    counts = dict.fromkeys(_COUNTS, 0)
    # The dump comes first: a file that is none must leave the folder as it was.
    with (
        open_dump(arguments.dump) as dump,
        ShardWriter(arguments.out, overwrite=arguments.overwrite) as shards,
        _progress_bar(dump.size) as bar,
    ):
        # Results stand for a run that was finished.
        Path(arguments.out, RESULTS).unlink(missing_ok=True)
        for page in islice(dump.pages(), arguments.max_pages):
            outcome, text = _outcome(page, dump.hidden_namespaces)
            if text:
                shards.write(page.id, page.title, text)
            counts["pages_read"] += 1
            counts[outcome] += 1
            counts["characters"] += len(text)
            bar.set_postfix(pages=counts["pages_read"], refresh=False)
            bar.update(dump.position - bar.n)
    if not counts["articles_written"]:
        raise CharBertError(f"{arguments.dump}: no article with text in {counts['pages_read']} pages")
    results = {**counts, "seconds": time.monotonic() - started}
    write_results(arguments.out, results, vars(arguments))
    return results


class Page(NamedTuple):
    """A page of a dump, with the markup of its last revision."""

    id: int
    title: str
    namespace: int
    is_redirect: bool
    markup: str


class Dump:
    """The pages of a MediaWiki XML export that was opened by `open_dump`.

    `position` and `size` count the bytes of `file`, of which `stream` is the XML.
    """

    def __init__(self, path: Path, file: BufferedReader, stream: BufferedReader | bz2.BZ2File) -> None:
        self.size = path.stat().st_size
        self._path = path
        self._file = file
        self._stream = stream
        self._export = _ExportParser()
        # Byte by byte up to the root, so that damage behind it is left for `pages` to report.
        while not self._export.is_recognised:
            self._parse_chunk(1)

    @property
    def position(self) -> int:
        return self._file.tell()

    @property
    def hidden_namespaces(self) -> Set[str]:
        """Lower-case prefixes of links that show nothing, in English and the language of the dump."""
        return self._export.hidden_namespaces

    def pages(self) -> Iterator[Page]:
        """Yield the pages; a `CharBertError` follows the last one before a cut or damage in the file."""
        damage = None
        has_more = True
        while has_more:
            try:
                has_more = self._parse_chunk(_CHUNK_BYTES)
            except CharBertError as error:
                damage, has_more = error, False
            while self._export.pages:
                yield self._export.pages.popleft()
        if damage:
            raise damage

    def _parse_chunk(self, size: int) -> bool:
        try:
            chunk = self._stream.read1(size)
        except (EOFError, OSError) as error:  # how bz2 reports a cut, and damage
            raise self._damage(f"byte {self.position}", error) from error
        try:
            self._export.parse(chunk)
        except expat.ExpatError as error:
            raise self._damage(f"byte {self._export.position} of its XML", error) from error
        return bool(chunk)

    def _damage(self, where: str, reason: Exception) -> CharBertError:
        if not self._export.is_recognised:
            return CharBertError(f"{self._path}: is no MediaWiki dump ({reason}, at {where})")
        return CharBertError(
            f"{self._path}: is cut short or damaged at {where}, {self._export.reached} ({reason}); "
            "the pages before that were read: get the dump again for the rest"
        )


@contextmanager
def open_dump(path: str | Path) -> Iterator[Dump]:
    """Open an export, XML or XML in bz2 (one stream or many), and read as far as its root.

    Raises:
        CharBertError: the file is missing, or is no MediaWiki export.
    """
    path = Path(path)
    if not path.is_file():
        raise CharBertError(f"{path}: no such file to read; dumps are at https://dumps.wikimedia.org")
    with path.open("rb") as file:
        is_bz2 = file.peek(len(_BZ2_MAGIC)).startswith(_BZ2_MAGIC)
        with bz2.open(file) if is_bz2 else nullcontext(file) as stream:
            yield Dump(path, file, stream)


class _ExportParser:
    """Gathers `pages` from the chunks of an export; what it took to build them is forgotten."""

    def __init__(self) -> None:
        self.is_recognised = False
        self.pages: deque[Page] = deque()
        self.reached = "before the first page"
        self.hidden_namespaces = set(HIDDEN_NAMESPACES)
        self._open_tags: list[str] = []
        self._namespace_key = ""
        self._text: list[str] = []
        self._fields: defaultdict[str, str] = defaultdict(str)
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.CharacterDataHandler = self._characters
        self._expat.EndElementHandler = self._end

    @property
    def position(self) -> int:
        """The byte of the XML that is being parsed, or is wrong."""
        return max(self._expat.CurrentByteIndex, 0)

    def parse(self, chunk: bytes) -> None:
        """Parse more of the XML; the empty chunk ends it. Raises `ExpatError`."""
        self._expat.Parse(chunk, not chunk)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open_tags and tag != "mediawiki":
            raise expat.ExpatError(f"its root is <{tag}>, not <mediawiki>")
        self.is_recognised = True
        self._open_tags.append(tag)
        self._namespace_key = attributes.get("key", "")
        self._text.clear()

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _end(self, tag: str) -> None:
        match self._open_tags[1:]:
            case ["page"]:
                self._end_page()
            case ["page", _] | ["page", "revision", "text"]:
                self._fields[tag] = "".join(self._text)
            case ["siteinfo", "namespaces", _] if self._namespace_key in _HIDDEN_NAMESPACE_KEYS:
                self.hidden_namespaces.add("".join(self._text).lower())
        self._open_tags.pop()
        self._text.clear()

    def _end_page(self) -> None:
        fields, self._fields = self._fields, defaultdict(str)
        self.reached = f"after page {fields['title']!r}"
        self.pages.append(
            Page(
                id=int(fields["id"] or 0),
                title=fields["title"],
                namespace=int(fields["ns"] or _ARTICLE_NAMESPACE),
                is_redirect="redirect" in fields,
                markup=fields["text"],
            )
        )


def _outcome(page: Page, hidden_namespaces: Set[str]) -> tuple[str, str]:
    """What becomes of a page, as the name of its count, and the text of an article."""
    if page.namespace != _ARTICLE_NAMESPACE:
        return "other_namespaces", ""
    if page.is_redirect:
        return "redirects", ""
    try:
        text = plain_text(page.markup, hidden_namespaces)
    except MarkupError as error:
        tqdm.write(f"skipped {page.title!r}: {error}", file=sys.stderr)
        return "failed", ""
    return ("articles_written" if text else "empty"), text


def _progress_bar(size: int) -> tqdm:
    # A log file needs no more than a line every ten seconds.
    return tqdm(total=size, unit="B", unit_scale=True, mininterval=0.1 if sys.stderr.isatty() else 10)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
