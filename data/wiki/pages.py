"""Pages of a dump -> their outcomes: text of an article, redirect, other namespace, or a failure."""

import bz2
import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from charbert.errors import first_line
from data.wiki.dump import BZ2, END_OF_DUMP, END_OF_PAGE, START_OF_PAGE
from data.wiki.sites import Site
from data.wiki.wikitext import plain_text

_ARTICLE_NAMESPACE = "0"
_WIKITEXT = "wikitext"
# Of MediaWiki itself, a title has 255 bytes and a page two million.
_MOST_TITLE_CHARACTERS = 1_000
_MOST_MARKUP_CHARACTERS = 16_000_000
_MOST_XML_BYTES = 256_000_000
_LARGEST_ID = (1 << 63) - 1
_TITLE = re.compile(rb"<title>([^<]{0,1000})")


class Outcome(NamedTuple):
    """Outcome of a page: the name of its count, the text of an article, why a page failed.

    `unknown` counts the templates in no table that left their first value in the text.
    """

    kind: str
    id: int
    title: str
    text: str = ""
    problem: str = ""
    unknown: Mapping[str, int] = {}


def decompress_xml(content: bytes) -> tuple[bytes, str]:
    """The XML of a group, and what is wrong where it is a bz2 stream and cannot be read to its end."""
    if not content.startswith(BZ2):
        return content, ""
    decompressor = bz2.BZ2Decompressor()
    try:
        xml = decompressor.decompress(content, _MOST_XML_BYTES)
    except OSError as error:
        return b"", first_line(error)
    if len(xml) >= _MOST_XML_BYTES:
        return xml, f"the bz2 stream holds more than {_MOST_XML_BYTES:,} bytes"
    return xml, "" if decompressor.eof else "its bz2 stream has no end"


def extract_pages(xml: bytes, site: Site) -> Iterator[Outcome]:
    """Yield the outcome of each page; one with broken XML or markup fails alone."""
    *pages, rest = xml.split(END_OF_PAGE)
    for piece in pages:
        before, start, page = piece.rpartition(START_OF_PAGE)
        if before.strip() or not start:
            yield failed(before or page, "its XML is damaged")
        if start:
            yield _extract_page(start + page + END_OF_PAGE, site)
    if rest.strip() not in (b"", END_OF_DUMP):
        yield failed(rest, "its XML has no end")


def failed(xml: bytes, problem: str) -> Outcome:
    """The outcome of a page that cannot be read; the beginning of its XML names it."""
    title = _TITLE.search(xml)
    name = html.unescape(title[1].decode(errors="replace")) if title else "a page without a title"
    return Outcome("failed", 0, name, problem=problem)


def _extract_page(xml: bytes, site: Site) -> Outcome:
    try:
        return _read_page(ElementTree.fromstring(xml), site)
    except Exception as error:  # whatever is in a page, the others are still read
        return failed(xml, first_line(error) or type(error).__name__)


def _read_page(page: ElementTree.Element, site: Site) -> Outcome:
    title, id_text = page.findtext("title", ""), page.findtext("id", "0")
    if len(title) > _MOST_TITLE_CHARACTERS:
        raise ValueError(f"its title has {len(title):,} characters")
    if not re.fullmatch(r"\s*[0-9]{1,19}\s*", id_text) or int(id_text) > _LARGEST_ID:
        raise ValueError(f"its id is no whole number up to {_LARGEST_ID}")
    id, namespace = int(id_text), page.findtext("ns")
    if not (site.is_article(title) if namespace is None else namespace.strip() == _ARTICLE_NAMESPACE):
        return Outcome("other_namespaces", id, title)
    if page.find("redirect") is not None:
        return Outcome("redirects", id, title)
    revisions = page.findall("revision")
    revision = revisions[-1] if revisions else page
    if revision.findtext("model", _WIKITEXT) != _WIKITEXT:
        return Outcome("other_models", id, title)
    markup = revision.findtext("text", "")
    if len(markup) > _MOST_MARKUP_CHARACTERS:
        raise ValueError(f"its text has {len(markup):,} characters")
    unknown: Counter[str] = Counter()
    text = plain_text(markup, site, unknown)
    return Outcome("articles_written" if text else "empty", id, title, text, unknown=unknown)
