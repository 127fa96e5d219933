"""`python -m data wikipedia`: a MediaWiki dump -> the clean text of its articles."""

import argparse
import bz2
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.etree import ElementTree

from tqdm import tqdm

from charbert.errors import CharBertError
from charbert.results import check_output_folder, write_results
from data.shards import Document, ShardWriter, shards_of
from data.wikitext import HIDDEN_NAMESPACES, MarkupError, plain_text

ARTICLES = "0"
HIDDEN_KEYS = {"-2", "6", "14"}  # media, files, categories
BZ2_MAGIC = b"BZh"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dump", metavar="DUMP", help="XML export, plain or bz2, as Wikipedia publishes it")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the text shards")
    parser.add_argument("--max-pages", type=int, metavar="N", help="stop after so many articles")
    parser.add_argument("--overwrite", action="store_true", help="replace the shards of a folder in use")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the articles' text and return what was read, written and left out.

    Raises:
        CharBertError: the file is no dump (nothing is written then), or it ends early: what was read until
            there is in complete shards.
    """
    started = time.monotonic()
    out = Path(arguments.out)
    check_output_folder(out, arguments.overwrite)
    counts = dict.fromkeys(
        ("pages_read", "articles_written", "redirects", "other_namespaces", "failed", "empty", "characters"),
        0,
    )
    with Dump(Path(arguments.dump)) as dump:
        for shard in shards_of(out):
            shard.unlink()
        with ShardWriter(out) as writer:
            for page in dump.pages():
                text = _text_of(page, dump.hidden_namespaces, counts)
                if text:
                    writer.write(Document(page.id, page.title, text))
                if counts["articles_written"] == arguments.max_pages:
                    break
    if not counts["articles_written"]:
        raise CharBertError(f"{arguments.dump}: {counts['pages_read']} pages, but no article with text")
    results = {**counts, "seconds": time.monotonic() - started}
    write_results(out, results, vars(arguments))
    return results


class Page(NamedTuple):
    """A page of a dump, with its latest markup."""

    id: int
    title: str
    namespace: str
    is_redirect: bool
    markup: str


def _text_of(page: Page, hidden_namespaces: frozenset[str], counts: dict[str, int]) -> str:
    """The text of an article; empty where there is none to keep. Every page is counted."""
    counts["pages_read"] += 1
    if page.namespace != ARTICLES or page.is_redirect:
        counts["redirects" if page.is_redirect else "other_namespaces"] += 1
        return ""
    try:
        text = plain_text(page.markup, hidden_namespaces)
    except MarkupError:
        counts["failed"] += 1
        return ""
    counts["articles_written" if text else "empty"] += 1
    counts["characters"] += len(text)
    return text


class Dump:
    """An open dump; a context manager that shows its progress.

    Raises:
        CharBertError: the file cannot be read, or is no MediaWiki export.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.hidden_namespaces: frozenset[str] = HIDDEN_NAMESPACES
        self._last_title = ""

    def __enter__(self) -> "Dump":
        try:
            self._file = self._path.open("rb")
            magic = self._file.read(len(BZ2_MAGIC))
            self._file.seek(0)
        except OSError as error:
            raise CharBertError(f"{self._path}: cannot be read ({error.strerror})") from error
        stream: IO[bytes] = bz2.BZ2File(self._file) if magic == BZ2_MAGIC else self._file
        self._events = ElementTree.iterparse(stream, events=("start", "end"))
        try:
            _, self._root = next(self._events)
        except (ElementTree.ParseError, EOFError, OSError, StopIteration) as error:
            self._file.close()
            raise CharBertError(f"{self._path}: not a MediaWiki dump ({_reason(error)})") from error
        if _tag(self._root) != "mediawiki":
            self._file.close()
            raise CharBertError(
                f"{self._path}: not a MediaWiki dump, but XML that begins with <{_tag(self._root)}>"
            )
        self._bar = tqdm(total=self._path.stat().st_size, unit="B", unit_scale=True, desc="wikipedia")
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        self._file.close()

    def pages(self) -> Iterator[Page]:
        """The pages in the order of the dump.

        Raises:
            CharBertError: the dump ends early or is damaged; where, and after which page.
        """
        count = 0
        namespaces = set(HIDDEN_NAMESPACES)
        try:
            for event, element in self._events:
                if event != "end":
                    continue
                if _tag(element) == "namespace" and element.get("key") in HIDDEN_KEYS:
                    namespaces.add((element.text or "").lower())
                elif _tag(element) == "siteinfo":
                    self.hidden_namespaces = frozenset(namespaces)
                elif _tag(element) == "page":
                    page = _page(element)
                    self._root.clear()  # else the tree keeps every page
                    self._last_title = page.title
                    count += 1
                    self._bar.set_postfix(pages=count, refresh=False)
                    self._bar.update(min(self._file.tell(), self._bar.total) - self._bar.n)
                    yield page
        except (ElementTree.ParseError, EOFError, OSError) as error:
            raise CharBertError(
                f"{self._path}: damaged or cut short at byte {self._file.tell()}, after {count} pages, "
                f"the last {self._last_title!r} ({_reason(error)}); the text up to there is kept"
            ) from error


def _page(element: ElementTree.Element) -> Page:
    fields = {_tag(child): child for child in element}
    revision = {_tag(child): child for child in fields.get("revision", ())}

    def text(found: dict[str, ElementTree.Element], name: str) -> str:
        return (found[name].text or "") if name in found else ""

    return Page(
        id=int(text(fields, "id") or 0),
        title=text(fields, "title"),
        namespace=text(fields, "ns") or ARTICLES,
        is_redirect="redirect" in fields or text(revision, "text").lstrip()[:9].lower() == "#redirect",
        markup=text(revision, "text"),
    )


def _tag(element: ElementTree.Element) -> str:
    """The name of an element without the namespace, which changes with each version of the format."""
    return element.tag.rpartition("}")[2]


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
