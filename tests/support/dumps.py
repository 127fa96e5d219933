"""Small dumps in every form, and the documents that are in them."""

import bz2
from xml.sax.saxutils import escape

from data.corpus.files import Document

SITE_INFO = '<siteinfo><namespaces><namespace key="6">Datei</namespace></namespaces></siteinfo>'
ROOT = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="de">{SITE_INFO}'
END = "</mediawiki>\n"


def page(number: int, markup: str, namespace: int = 0, more: str = "") -> str:
    return (
        f"<page><title>Page {number}</title><ns>{namespace}</ns><id>{number}</id>{more}<revision><id>9</id>"
        f"<contributor><id>8</id></contributor><text>{escape(markup)}</text></revision></page>\n"
    )


def article(number: int) -> str:
    return page(number, f"'''Page {number}''' is an [[article]] & more.")


def articles(count: int) -> str:
    return export(*map(article, range(count)))


def text_of(number: int) -> Document:
    """What becomes of an `article`."""
    return Document(number, f"Page {number}", f"Page {number} is an article & more.")


def export(*pages: str) -> str:
    return f"{ROOT}{''.join(pages)}{END}"


def multistream(*streams: str) -> bytes:
    """As Wikimedia writes it: the header, whole pages, the end of the root, each a bz2 stream of its own."""
    return b"".join(bz2.compress(xml.encode()) for xml in (ROOT, *streams, END))


def articles_in_streams(count: int) -> bytes:
    """Two articles a stream."""
    return multistream(*(article(number) + article(number + 1) for number in range(0, count, 2)))


def cut_into_streams(xml: str) -> bytes:
    """As a parallel compressor writes it: streams that end in the middle of a page."""
    middle = xml.index("Page 1")
    return bz2.compress(xml[:middle].encode()) + bz2.compress(xml[middle:].encode())
