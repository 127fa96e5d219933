import bz2
import random
from pathlib import Path

import dumps
import pytest

from charbert.errors import CharBertError
from data.wiki import dump
from data.wiki.dump import Dump, PageGroup
from data.wiki.pages import decompress_xml, extract_pages

FORMS = {
    "xml": dumps.articles(6).encode(),
    "bz2": bz2.compress(dumps.articles(6).encode()),
    "streams-that-cut-pages": dumps.cut_into_streams(dumps.articles(6)),
    "multistream": dumps.articles_in_streams(6),
}
ENDLESS = dumps.articles(6).removesuffix(dumps.END)
every_form = pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)


@pytest.fixture(autouse=True)
def a_unit_for_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "_GROUP_BYTES", 1)
    monkeypatch.setattr(dump, "_CHUNK_BYTES", 100)


def opened(tmp_path: Path, content: bytes) -> Dump:
    path = tmp_path / "dump"
    path.write_bytes(content)
    return Dump(str(path))


def ids(groups: list[PageGroup]) -> list[int]:
    return [
        outcome.id for group in groups for outcome in extract_pages(decompress_xml(group.content)[0], set())
    ]


@every_form
def test_units_hold_every_page_once_in_order(tmp_path: Path, content: bytes) -> None:
    assert ids(list(opened(tmp_path, content).page_groups())) == list(range(6))


@every_form
def test_reading_goes_on_behind_any_unit(tmp_path: Path, content: bytes) -> None:
    opened_dump = opened(tmp_path, content)
    groups = list(opened_dump.page_groups())
    for done, group in enumerate(groups):
        rest = list(opened_dump.page_groups(after=(group.number, group.byte)))
        assert [(group.number, group.content) for group in rest] == [
            (group.number, group.content) for group in groups[done + 1 :]
        ]


@every_form
def test_positions_end_at_the_size_of_the_file(tmp_path: Path, content: bytes) -> None:
    positions = [group.position for group in opened(tmp_path, content).page_groups()]
    assert positions == sorted(positions)
    assert len(content) - 100 <= positions[-1] <= len(content)


def test_streams_of_whole_pages_are_left_to_the_workers(tmp_path: Path) -> None:
    groups = list(opened(tmp_path, FORMS["multistream"]).page_groups())
    assert [group.content[:3] for group in groups] == [b"BZh"] * 4


def test_a_first_stream_cut_right_behind_the_header_makes_no_multistream(tmp_path: Path) -> None:
    content = bz2.compress(dumps.ROOT.encode()) + bz2.compress(b"\n<!-- -->" + dumps.export()[-13:].encode())
    assert list(opened(tmp_path, content).page_groups()) == []


@pytest.mark.parametrize("compress", (bytes, bz2.compress), ids=("xml", "bz2"))
def test_standard_input_is_a_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: type[bytes]
) -> None:
    path = tmp_path / "dump"
    path.write_bytes(compress(dumps.articles(6).encode()))
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        given = Dump("-")
        groups = list(given.page_groups())
    assert ids(groups) == list(range(6))
    assert (given.name, given.size, "datei" in given.site.hidden_namespaces) == ("standard input", None, True)


def test_standard_input_is_passed_over_up_to_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = list(opened(tmp_path, FORMS["xml"]).page_groups())[2]
    with (tmp_path / "dump").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert ids(list(Dump("-").page_groups(after=(third.number, third.byte)))) == [3, 4, 5]


def test_a_file_is_read_as_its_units_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "_GROUP_BYTES", 1_000)
    long = dumps.export(*(dumps.page(number, "x" * 1_000) for number in range(500))).encode()
    for content in (long, dumps.multistream(*map(dumps.article, range(20_000)))):
        assert next(opened(tmp_path, content).page_groups()).position < len(content) / 2


def test_the_namespaces_of_its_own_language_are_in_the_header(tmp_path: Path) -> None:
    hidden = opened(tmp_path, FORMS["xml"]).site.hidden_namespaces
    assert {"file", "category", "datei"} <= hidden


def test_a_dump_without_a_header_is_read(tmp_path: Path) -> None:
    content = f"<mediawiki>\n{dumps.article(0)}</mediawiki>".encode()
    assert ids(list(opened(tmp_path, content).page_groups())) == [0]


def pages_before_the_error(tmp_path: Path, content: bytes, reason: str) -> list[int]:
    groups: list[PageGroup] = []
    with pytest.raises(CharBertError, match=f"dump: is cut short or damaged at byte .*{reason}"):
        for group in opened(tmp_path, content).page_groups():
            groups.append(group)
    return [number for number in ids(groups) if number >= 0]


@pytest.mark.parametrize(
    "content",
    (ENDLESS.encode(), bz2.compress(ENDLESS.encode()), dumps.cut_into_streams(ENDLESS)),
    ids=("xml", "bz2", "streams-that-cut-pages"),
)
def test_a_dump_without_its_end_is_cut_short(tmp_path: Path, content: bytes) -> None:
    assert pages_before_the_error(tmp_path, content, "does not end") == list(range(6))


def test_a_multistream_dump_cut_between_streams_is_cut_short(tmp_path: Path) -> None:
    last = len(bz2.compress(dumps.END.encode()))
    content = FORMS["multistream"][:-last]
    assert pages_before_the_error(tmp_path, content, "does not end the XML") == list(range(6))


def test_a_cut_is_told_again_when_all_before_it_is_done(tmp_path: Path) -> None:
    last = len(bz2.compress(dumps.END.encode()))
    given = opened(tmp_path, FORMS["multistream"][:-last])
    with pytest.raises(CharBertError, match="cut short"):
        for group in given.page_groups():
            place = (group.number, group.byte)
    with pytest.raises(CharBertError, match="cut short"):
        next(given.page_groups(after=place))


def test_pages_before_damage_are_read(tmp_path: Path) -> None:
    # Pages that do not compress, so that whole blocks lie before the damage.
    generator = random.Random(0)
    xml = dumps.export(*(dumps.page(number, generator.randbytes(20_000).hex()) for number in range(100)))
    content = bytearray(bz2.compress(xml.encode()))
    content[len(content) * 2 // 3] ^= 0xFF
    pages = pages_before_the_error(tmp_path, bytes(content), "Invalid data stream")
    assert pages == list(range(len(pages)))
    assert 20 < len(pages) < 80


def test_a_page_without_end_is_no_reason_to_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "_MOST_BYTES", 5_000)
    xml = dumps.export(dumps.article(0), dumps.page(1, "x" * 1_000_000), dumps.article(2)).encode()
    for content in (xml, bz2.compress(xml)):
        groups = list(opened(tmp_path, content).page_groups())
        assert [group.problem for group in groups] == ["", "it has more than 5,000 bytes", ""]
        assert len(groups[1].content) < 5_000


@pytest.mark.parametrize(
    ("content", "reason"),
    (
        (random.Random(0).randbytes(1000), "not well-formed"),
        (b"<!DOCTYPE html>\n<html><body>A page<br></body></html>", "its root is <html>"),
        (b'<?xml version="1.0"?><feed/>', "its root is <feed>"),
        (b"", "it is empty"),
        (bz2.compress(b"no XML"), "syntax error"),
        (b"BZh9 no bz2", "Invalid data stream"),
    ),
    ids=("random", "html", "xml", "empty", "bz2-of-text", "broken-bz2"),
)
def test_what_is_no_dump_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(CharBertError, match=rf"dump: is no MediaWiki dump \({reason}"):
        opened(tmp_path, content)


def test_a_missing_dump_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="nowhere: no such file"):
        Dump(str(tmp_path / "nowhere"))
