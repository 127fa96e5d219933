"""Pages of a dump -> their outcomes: text of an article, redirect, other namespace, or a failure."""

import bz2
import html
import re
from collections.abc import Iterator, Set
from typing import NamedTuple
from xml.etree import ElementTree

from charbert.errors import first_line
from data.wiki.dump import BZ2, END_OF_DUMP, END_OF_PAGE, START_OF_PAGE
from data.wiki.wikitext import MarkupError, plain_text

_ARTICLE_NAMESPACE = 0
_TITLE = re.compile(rb"<title>([^<]*)")


class Outcome(NamedTuple):
    """Outcome of a page: the name of its count, the text of an article, why a page failed."""

    kind: str
    id: int
    title: str
    text: str = ""
    problem: str = ""


def decompress_xml(content: bytes) -> tuple[bytes, str]:
    """The XML of a group, and what is wrong where it is a bz2 stream and cannot be read to its end."""
    if not content.startswith(BZ2):
        return content, ""
    decompressor = bz2.BZ2Decompressor()
    try:
        xml = decompressor.decompress(content)
    except OSError as error:
        return b"", first_line(error)
    return xml, "" if decompressor.eof else "its bz2 stream has no end"


def extract_pages(xml: bytes, hidden_namespaces: Set[str]) -> Iterator[Outcome]:
    """Yield the outcome of each page; one with broken XML or markup fails alone."""
    *pages, rest = xml.split(END_OF_PAGE)
    for piece in pages:
        before, start, page = piece.rpartition(START_OF_PAGE)
        if before.strip() or not start:
            yield _failed(before or page, "its XML is damaged")
        if start:
            yield _extract_page(start + page + END_OF_PAGE, hidden_namespaces)
    if rest.strip() not in (b"", END_OF_DUMP):
        yield _failed(rest, "its XML has no end")


def _extract_page(xml: bytes, hidden_namespaces: Set[str]) -> Outcome:
    try:
        page = ElementTree.fromstring(xml)
        id, title = int(page.findtext("id", "0")), page.findtext("title", "")
        namespace = int(page.findtext("ns", "0"))
    except (ElementTree.ParseError, ValueError) as error:
        return _failed(xml, first_line(error))
    if namespace != _ARTICLE_NAMESPACE:
        return Outcome("other_namespaces", id, title)
    if page.find("redirect") is not None:
        return Outcome("redirects", id, title)
    revisions = page.findall("revision")
    markup = revisions[-1].findtext("text", "") if revisions else ""
    try:
        text = plain_text(markup, hidden_namespaces)
    except MarkupError as error:
        return Outcome("failed", id, title, problem=str(error))
    return Outcome("articles_written" if text else "empty", id, title, text)


def _failed(xml: bytes, problem: str) -> Outcome:
    title = _TITLE.search(xml)
    name = html.unescape(title[1].decode(errors="replace")) if title else "a page without a title"
    return Outcome("failed", 0, name, problem=problem)
