import argparse
import bz2
import random
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from charbert.errors import CharBertError
from data import wikipedia
from data.__main__ import main
from data.shards import Document
from data.sources import read_documents

SITE_INFO = '<siteinfo><namespaces><namespace key="6">Datei</namespace></namespaces></siteinfo>'
ROOT = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="de">{SITE_INFO}'


def page(number: int, markup: str, namespace: int = 0, more: str = "") -> str:
    return (
        f"<page><title>Page {number}</title><ns>{namespace}</ns><id>{number}</id>{more}<revision><id>9</id>"
        f"<contributor><id>8</id></contributor><text>{escape(markup)}</text></revision></page>\n"
    )


def article(number: int) -> str:
    return page(number, f"'''Page {number}''' is an [[article]] & more.")


def articles(count: int) -> str:
    return export(*map(article, range(count)))


def export(*pages: str) -> str:
    return f"{ROOT}{''.join(pages)}</mediawiki>"


def text_of(number: int) -> Document:
    return Document(number, f"Page {number}", f"Page {number} is an article & more.")


def run(tmp_path: Path, dump: str | bytes, *options: str) -> dict[str, int | float]:
    """Write `dump` to a file without a telling name, and convert it into `tmp_path/out`."""
    path = tmp_path / "dump"
    path.write_bytes(dump.encode() if isinstance(dump, str) else dump)
    parser = argparse.ArgumentParser()
    wikipedia.add_arguments(parser)
    return wikipedia.run(parser.parse_args([str(path), "--out", str(tmp_path / "out"), *options]))


def written(tmp_path: Path) -> list[Document]:
    return list(read_documents(tmp_path / "out"))


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def two_streams() -> bytes:
    whole = articles(4).encode()
    return bz2.compress(whole[:700]) + bz2.compress(whole[700:])


@pytest.mark.parametrize(
    "dump",
    (articles(4).encode(), bz2.compress(articles(4).encode()), two_streams()),
    ids=("xml", "bz2", "multi"),
)
def test_articles_are_written_from_every_form_of_dump(tmp_path: Path, dump: bytes) -> None:
    run(tmp_path, dump)
    assert written(tmp_path) == [text_of(number) for number in range(4)]


def test_every_page_is_counted_once(tmp_path: Path) -> None:
    counts = run(
        tmp_path,
        export(
            article(1),
            page(2, "#REDIRECT [[Page 1]]", more='<redirect title="Page 1"/>'),
            page(3, "Talk.", namespace=1),
            page(4, "{{" * 200),
            page(5, "{{stub}}"),
            page(6, "Six."),
        ),
    )
    assert counts.pop("seconds") > 0
    assert counts == {
        "pages_read": 6,
        "articles_written": 2,
        "redirects": 1,
        "other_namespaces": 1,
        "failed": 1,
        "empty": 1,
        "characters": len(text_of(1).text) + len("Six."),
    }
    assert [document.id for document in written(tmp_path)] == [1, 6]


def test_a_skipped_page_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, export(article(1), page(2, "[[" * 200)))
    assert "skipped 'Page 2'" in capsys.readouterr().err


def test_links_of_the_dumps_language_are_dropped(tmp_path: Path) -> None:
    run(tmp_path, export(page(1, "Katze.[[Datei:Katze.jpg]] [[File:Cat.jpg]]")))
    assert written(tmp_path)[0].text == "Katze."


def test_of_several_revisions_the_last_is_taken(tmp_path: Path) -> None:
    run(tmp_path, export(page(1, "Old.").replace("</page>", "<revision><text>New.</text></revision></page>")))
    assert written(tmp_path)[0].text == "New."


def test_max_pages_counts_pages_of_any_kind(tmp_path: Path) -> None:
    counts = run(tmp_path, export(page(1, "Talk.", namespace=1), article(2), article(3)), "--max-pages", "2")
    assert (counts["pages_read"], counts["articles_written"]) == (2, 1)


def test_a_long_page_is_kept_whole(tmp_path: Path) -> None:
    counts = run(tmp_path, export(page(1, "A sentence with a [[link]]. " * 40_000)))
    assert counts["characters"] == len("A sentence with a link. ") * 40_000 - 1


def test_results_are_written_beside_the_shards(tmp_path: Path) -> None:
    run(tmp_path, articles(1))
    assert files(tmp_path) == ["results.json", "text-00000.parquet"]


def random_articles() -> bytes:
    """Pages that do not compress, so that a cut of the bz2 file leaves whole blocks before it."""
    generator = random.Random(0)
    return export(*(page(n, generator.randbytes(20_000).hex()) for n in range(100))).encode()


def test_a_cut_bz2_file_keeps_the_pages_before_the_cut(tmp_path: Path) -> None:
    dump = bz2.compress(random_articles())
    cut = len(dump) * 2 // 3
    with pytest.raises(CharBertError, match=rf"cut short or damaged at byte {cut}, after page 'Page \d+'"):
        run(tmp_path, dump[:cut])
    kept = [document.id for document in written(tmp_path)]
    assert kept == list(range(len(kept)))
    assert 20 < len(kept) < 80


def test_a_damaged_bz2_file_keeps_the_pages_before_the_damage(tmp_path: Path) -> None:
    dump = bytearray(bz2.compress(random_articles()))
    dump[len(dump) * 2 // 3] ^= 0xFF
    with pytest.raises(CharBertError, match=r"cut short or damaged at byte \d+.*, after page 'Page \d+'"):
        run(tmp_path, bytes(dump))
    assert len(written(tmp_path)) > 20


def test_a_cut_between_two_bz2_streams_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="cut short"):
        run(tmp_path, bz2.compress(articles(4).encode()[:-12]))
    assert len(written(tmp_path)) == 4


def test_cut_xml_keeps_the_pages_before_the_cut(tmp_path: Path) -> None:
    whole = articles(4)
    cut = whole.index("</text>", whole.index("Page 3"))
    with pytest.raises(CharBertError, match=rf"at byte {cut} of its XML, after page 'Page 2'"):
        run(tmp_path, whole[:cut])
    assert written(tmp_path) == [text_of(number) for number in range(3)]


def test_broken_xml_keeps_the_pages_before_it(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="after page 'Page 1' \\(mismatched tag"):
        run(tmp_path, export(article(0), article(1), "<page></title>", article(2)))
    assert written(tmp_path) == [text_of(0), text_of(1)]


def test_a_cut_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(CharBertError):
        run(tmp_path, articles(4)[:-20])
    assert files(tmp_path) == ["text-00000.parquet"]


@pytest.mark.parametrize(
    ("content", "byte"),
    (
        (random.Random(0).randbytes(1000), 0),
        (b"<!DOCTYPE html>\n<html><body>A page<br></body></html>", 22),
        (b'<?xml version="1.0"?><feed/>', 28),
        (b"", 0),
        (bz2.compress(b"no XML"), 0),
        (b"BZh9 no bz2", 11),
    ),
    ids=("random", "html", "xml", "empty", "bz2-of-text", "broken-bz2"),
)
def test_what_is_no_dump_is_refused_before_anything_is_written(
    tmp_path: Path, content: bytes, byte: int
) -> None:
    with pytest.raises(CharBertError, match=rf"dump: is no MediaWiki dump \(.*at byte {byte}\b"):
        run(tmp_path, content)
    assert not (tmp_path / "out").exists()


def test_a_missing_dump_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(CharBertError, match="nowhere: no such file"),
        wikipedia.open_dump(tmp_path / "nowhere"),
    ):
        pass


def test_a_dump_without_articles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="no article with text in 1 pages"):
        run(tmp_path, export(page(1, "Talk.", namespace=1)))


def test_a_folder_with_shards_is_refused(tmp_path: Path) -> None:
    run(tmp_path, articles(2))
    with pytest.raises(CharBertError, match="already holds"):
        run(tmp_path, articles(1))
    assert len(written(tmp_path)) == 2


def test_overwrite_replaces_the_shards(tmp_path: Path) -> None:
    run(tmp_path, articles(2))
    run(tmp_path, articles(1), "--overwrite")
    assert len(written(tmp_path)) == 1


def test_overwrite_removes_nothing_before_the_dump_is_known_to_be_one(tmp_path: Path) -> None:
    run(tmp_path, articles(2))
    with pytest.raises(CharBertError, match="no MediaWiki dump"):
        run(tmp_path, "no dump", "--overwrite")
    assert len(written(tmp_path)) == 2


def test_results_of_an_earlier_run_do_not_outlive_its_shards(tmp_path: Path) -> None:
    run(tmp_path, articles(2))
    with pytest.raises(CharBertError, match="cut short"):
        run(tmp_path, articles(1)[:-1], "--overwrite")
    assert files(tmp_path) == ["text-00000.parquet"]


def test_max_pages_below_one_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["wikipedia", "dump", "--out", str(tmp_path), "--max-pages", "0"])
