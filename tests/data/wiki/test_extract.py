import base64
import bz2
import itertools
import random
import re
from pathlib import Path
from typing import Any

import pytest
from dumps import article, articles, articles_in_streams, export, multistream, page, text_of

from charbert.commands.options import parse_command
from charbert.commands.results import read_numbers
from charbert.errors import CharBertError
from data.__main__ import main
from data.corpus.files import Document
from data.corpus.jobs import ShardedJob
from data.corpus.sources import read_documents
from data.wiki import dump, pages
from data.wiki import extract as wikipedia

every_form = pytest.mark.parametrize(
    "content",
    (articles(20).encode(), bz2.compress(articles(20).encode()), articles_in_streams(20)),
    ids=("xml", "bz2", "multistream"),
)


def settings(*options: str | Path) -> wikipedia.ExtractSettings:
    return parse_command(wikipedia.ExtractSettings, list(map(str, options)), "wikipedia", "")[0]


def run(tmp_path: Path, dump: str | bytes, *options: str) -> dict[str, Any]:
    """Write `dump` to a file without a telling name, and convert it into `tmp_path/out`."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "dump"
    path.write_bytes(dump.encode() if isinstance(dump, str) else dump)
    return wikipedia.extract_articles(settings(path, "--output", tmp_path / "out", *options))


def written(tmp_path: Path) -> list[Document]:
    return list(read_documents(tmp_path / "out"))


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def shards(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((tmp_path / "out").glob("*.parquet"))}


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group ends with each page, and a shard holds three."""
    monkeypatch.setattr(dump, "_GROUP_BYTES", 1)
    monkeypatch.setattr(wikipedia, "_ROWS_PER_SHARD", 3)


class Stopped(BaseException):
    """As if the process was killed: nothing is written any more."""


def stop_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Make a job end when it has written so many shards."""
    write = ShardedJob.write

    def write_or_stop(job: ShardedJob, *arguments: Any) -> None:
        if len(list(job.folder.glob("*.parquet"))) == count:
            raise Stopped
        write(job, *arguments)

    monkeypatch.setattr(ShardedJob, "write", write_or_stop)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, groups: int) -> None:
    """Press Ctrl-C in the work on the group behind so many."""
    extract, done = wikipedia._extract, itertools.count()

    def extract_or_interrupt(task: Any) -> Any:
        if next(done) == groups:
            raise KeyboardInterrupt
        return extract(task)

    monkeypatch.setattr(wikipedia, "_extract", extract_or_interrupt)


def test_every_page_is_counted_once(tmp_path: Path) -> None:
    counts = run(
        tmp_path,
        export(
            article(1),
            page(2, "#REDIRECT [[Page 1]]", more='<redirect title="Page 1"/>'),
            page(3, "Talk.", namespace=1),
            page(4, "Four.").replace("<id>4", "<id>four"),
            page(5, "{{stub}}"),
            page(6, "Six."),
            page(7, "body { }").replace("<text>", "<model>css</model><text>"),
        ),
    )
    assert {key: counts[key] for key in list(counts)[:8]} == {
        "pages_read": 7,
        "articles_written": 2,
        "redirects": 1,
        "other_namespaces": 1,
        "other_models": 1,
        "failed": 1,
        "empty": 1,
        "characters": len(text_of(1).text) + len("Six."),
    }
    assert [document.id for document in written(tmp_path)] == [1, 6]


def test_unknown_templates_are_counted_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], small_pieces: None
) -> None:
    pages = (page(number, f"Es {'{{Tief|3}} und ' * number}{'{{Alt|x}}'} da.") for number in range(5))
    (tmp_path / "dump").write_text(export(*pages))
    main(["wikipedia", str(tmp_path / "dump"), "--output", str(tmp_path / "out"), "--workers", "2"])
    said = "left their first value: 10 x Tief, 5 x Alt; add them in data/wiki/templates.tsv"
    assert said in capsys.readouterr().out
    assert read_numbers(tmp_path / "out")["unknown_templates"] == {"Tief": 10, "Alt": 5}


def test_of_many_unknown_templates_the_frequent_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_pieces: None
) -> None:
    monkeypatch.setattr(wikipedia, "_MOST_NAMES", 16)
    monkeypatch.setattr(wikipedia, "_NAMES_KEPT", 2)
    pages = (page(number, f"Es {{{{Oft|3}}}} und {{{{Selten {number}|x}}}} da.") for number in range(20))
    counted = run(tmp_path, export(*pages))["unknown_templates"]
    assert counted["Oft"] == 20
    assert len(counted) < 20


def test_a_skipped_page_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, export(article(1), page(2, "Two.").replace("<id>2", "<id>two")))
    assert "skipped 'Page 2'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "bad",
    (
        page(2, "Two.").replace("Page 2", "&#" + "5" * 5_000 + ";"),
        page(2, "Two.").replace("Page 2", "Page 2" * 1_000),
        page(2, "Two.").replace("<id>2", "<id>9223372036854775808"),
        page(2, "Two.").replace("<id>2", "<id>" + "2" * 5_000),
        page(2, "Two.").replace("<id>2", "<id>-2"),
        page(2, "Two.", more="<ns>" + "0" * 5_000 + "x</ns>").replace("<ns>0</ns>", ""),
        page(2, "Two.").replace("Two.", "Two.<deep>" * 3 + "</deep>"),
        page(2, "word " * 500),
    ),
)
def test_whatever_is_in_a_page_the_others_are_read(
    tmp_path: Path, bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_MOST_MARKUP_CHARACTERS", 2_000)
    counts = run(tmp_path, export(article(1), bad, article(3)))
    assert counts["pages_read"] - counts["articles_written"] == 1
    assert [document.id for document in written(tmp_path)] == [1, 3]


@pytest.mark.parametrize(
    "markup", ("{{roman|" + "1" * 4_301 + "}}", "{{age|" + "1" * 4_301 + "|1|1|2|2|2}}x")
)
def test_a_template_with_a_long_number_costs_no_page(tmp_path: Path, markup: str) -> None:
    assert run(tmp_path, export(article(1), page(2, markup)))["articles_written"] == 2


def test_an_error_of_any_kind_is_the_pages_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_two(markup: str, *_: object) -> str:
        if "Page 2" in markup:
            raise RecursionError("too deep")
        return markup

    monkeypatch.setattr(pages, "plain_text", fail_at_two)
    assert run(tmp_path, articles(4))["failed"] == 1
    assert [document.id for document in written(tmp_path)] == [0, 1, 3]


@every_form
def test_a_page_that_is_too_long_is_skipped_alone(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dump, "_GROUP_BYTES", 1_000)
    monkeypatch.setattr(dump, "_MOST_BYTES", 100_000)
    monkeypatch.setattr(pages, "_MOST_XML_BYTES", 100_000)
    long = page(2, "word " * 100_000)
    forms = {
        b"<": export(article(0), article(1), long, article(3)).encode(),
        b"B": bz2.compress(export(article(0), article(1), long, article(3)).encode()),
        b"M": multistream(article(0) + article(1), long, article(3)),
    }
    is_multistream = content.count(b"BZh9") > 1
    counts = run(tmp_path, forms[b"M" if is_multistream else content[:1]])
    assert counts["failed"] >= 1
    assert [document.id for document in written(tmp_path)] == [0, 1, 3]
    assert "bytes" in capsys.readouterr().err


def test_a_stream_that_is_too_long_is_skipped_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "_MOST_BYTES", 5_000)
    monkeypatch.setattr(dump, "_SCAN_BYTES", 1_000)
    noise = base64.b64encode(random.Random(7).randbytes(30_000)).decode()
    counts = run(tmp_path, multistream(article(1), page(2, noise), article(3)))
    assert counts["failed"] == 1
    assert [document.id for document in written(tmp_path)] == [1, 3]


def test_without_namespaces_at_the_pages_their_titles_tell(tmp_path: Path) -> None:
    titles = ("Page", "Talk:Page", "user_talk:Anna", "Datei:Katze.jpg", "Kategorie:Katzen", "2001: Odyssey")
    found = [page(number, "Text.").replace(f"Page {number}", title) for number, title in enumerate(titles)]
    counts = run(tmp_path, re.sub("<ns>0</ns>", "", export(*found)))
    assert counts["other_namespaces"] == 4
    assert [document.title for document in written(tmp_path)] == ["Page", "2001: Odyssey"]


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
    assert files(tmp_path) == ["job.json", "results.json", "text-00000.parquet"]


@pytest.mark.parametrize(
    "damaged", ("<page></title>", "<page><title>\xff", "</page>", "<page><title>Page 9</title>")
)
def test_a_page_with_broken_xml_is_skipped_alone(
    tmp_path: Path, damaged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    xml = export(article(0), damaged, article(1) if "title" in damaged else "", article(2))
    counts = run(tmp_path, xml.encode("latin-1"))
    assert counts["failed"] == 1
    assert capsys.readouterr().err.count("skipped") == 1


def test_a_cut_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(CharBertError):
        run(tmp_path, articles(4)[:-20])
    assert files(tmp_path) == ["job.json", "text-00000.parquet"]


def test_a_dump_without_articles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="no article with text in 1 pages"):
        run(tmp_path, export(page(1, "Talk.", namespace=1)))


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
        run(tmp_path, articles(1)[:-2], "--overwrite")
    assert files(tmp_path) == ["job.json", "text-00000.parquet"]


def test_several_dumps_are_read_after_each_other(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(export(article(5), article(6)))
    (tmp_path / "second").write_bytes(articles_in_streams(2))
    given = settings(tmp_path / "first", tmp_path / "second", "--output", tmp_path / "out")
    assert wikipedia.extract_articles(given)["pages_read"] == 4
    assert [document.id for document in written(tmp_path)] == [5, 6, 0, 1]


def test_of_several_dumps_all_are_checked_before_the_first_is_read(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(articles(2))
    with pytest.raises(CharBertError, match="nowhere: no such file"):
        wikipedia.extract_articles(
            settings(tmp_path / "first", tmp_path / "nowhere", "--output", tmp_path / "out")
        )
    assert not (tmp_path / "out").exists()


def test_any_number_of_workers_writes_the_same_shards(tmp_path: Path, small_pieces: None) -> None:
    run(tmp_path / "one", articles_in_streams(20))
    run(tmp_path / "two", articles_in_streams(20), "--workers", "2")
    assert shards(tmp_path / "one") == shards(tmp_path / "two")
    assert len(shards(tmp_path / "one")) == 5


@every_form
@pytest.mark.parametrize("written_before", (0, 1, 4))
def test_a_killed_run_goes_on_to_the_same_shards(
    tmp_path: Path, small_pieces: None, content: bytes, written_before: int
) -> None:
    whole = run(tmp_path / "whole", content)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, written_before)
        run(tmp_path / "stopped", content)
    assert len(shards(tmp_path / "stopped")) == written_before
    resumed = run(tmp_path / "stopped", content, "--workers", "2")
    assert shards(tmp_path / "stopped") == shards(tmp_path / "whole")
    assert resumed["characters"] == whole["characters"]
    assert resumed["xml_megabytes"] == whole["xml_megabytes"]


@every_form
def test_what_is_done_is_kept_at_ctrl_c_and_not_done_again(
    tmp_path: Path, small_pieces: None, content: bytes
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 7)
        run(tmp_path, content)
    kept = written(tmp_path)
    assert len(kept) >= 7
    run(tmp_path, content)
    assert written(tmp_path) == [text_of(number) for number in range(20)]


def test_a_second_dump_is_gone_on_with(tmp_path: Path, small_pieces: None) -> None:
    paths = [tmp_path / "first", tmp_path / "second"]
    for path in paths:
        path.write_text(articles(5))
    given = settings(*paths, "--output", tmp_path / "out")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 7)
        wikipedia.extract_articles(given)
    wikipedia.extract_articles(given)
    assert [document.id for document in written(tmp_path)] == [*range(5), *range(5)]


def test_a_finished_run_is_reported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = run(tmp_path, articles(3))
    assert run(tmp_path, articles(3), "--workers", "2") == results
    assert "was finished before" in capsys.readouterr().err


def test_max_pages_holds_for_a_stopped_run_too(tmp_path: Path, small_pieces: None) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 2)
        run(tmp_path, articles_in_streams(20), "--max-pages", "7")
    assert run(tmp_path, articles_in_streams(20), "--max-pages", "7")["pages_read"] == 7
    assert len(written(tmp_path)) == 7


def test_another_dump_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="cut short"):
        run(tmp_path, articles(3)[:-20])
    with pytest.raises(CharBertError, match=r"holds another run, with dump_1 'dump \(.* instead of 'dump \("):
        run(tmp_path, articles(3))


def test_parts_share_the_work(tmp_path: Path, small_pieces: None) -> None:
    counts = [run(tmp_path, articles_in_streams(20), "--shard", f"{part}/3") for part in (1, 2, 3)]
    assert [count["pages_read"] for count in counts] == [8, 6, 6]
    assert sorted(document.id for document in written(tmp_path)) == list(range(20))


def test_a_part_goes_on_where_it_was_stopped(tmp_path: Path, small_pieces: None) -> None:
    options = (articles(20).encode(), "--shard", "2/2")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 4)
        run(tmp_path, *options)
    run(tmp_path, *options)
    assert [document.id for document in written(tmp_path)] == list(range(1, 20, 2))


@pytest.mark.parametrize("other", ((), ("--shard", "1/3")))
def test_a_folder_holds_one_division_of_the_work(tmp_path: Path, other: tuple[str, ...]) -> None:
    run(tmp_path, articles(3), "--shard", "1/2")
    with pytest.raises(CharBertError, match=r"another division of the work \(part-1-of-2\)"):
        run(tmp_path, articles(3), *other)


def test_parts_beside_the_shards_of_a_whole_are_refused(tmp_path: Path) -> None:
    run(tmp_path, articles(3))
    with pytest.raises(CharBertError, match=r"another division of the work \(job.json\)"):
        run(tmp_path, articles(3), "--shard", "1/2")


def test_a_damaged_stream_is_skipped_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(articles_in_streams(6))
    second = [begin.start() for begin in re.finditer(b"BZh9", content)][2]
    content[second + 40] ^= 0xFF
    assert run(tmp_path, bytes(content))["failed"] == 1
    assert [document.id for document in written(tmp_path)] == [0, 1, 4, 5]
    assert f"skipped 'bz2 stream at byte {second}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    (("--max-pages", "0"), ("--workers", "0"), ("--shard", "0/2"), ("--shard", "3/2"), ("--shard", "half")),
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, option: tuple[str, str]) -> None:
    with pytest.raises(CharBertError, match=option[0]):
        main(["wikipedia", "dump", "--output", str(tmp_path), *option])


MARKUP = """{{Infobox river|name=Elbe|length={{convert|1094|km}}}}
[[File:Elbe.jpg|thumb|The [[Elbe]]{{efn|Near Hamburg.}}]]
The '''Elbe''' ({{IPA-de|ɛlbə}}; {{lang-cs|Labe}}) is {{convert|1094|km|mi}} long<ref name="a">{{cite}}</ref>
and drains {{cvt|148268|km2}}.<ref name="a" />
{{as of|2014}}, [[Hamburg|its port]] earned {{US$|2 billion}}{{sfn|A}}.
{| class="wikitable"
! Town !! {{abbr|Pop.|Population}}
|-
| Dresden || {{formatnum:536308}}
|}
== See also ==
* [[Rhine]]
{{DEFAULTSORT:Elbe}}[[Category:Rivers]]
"""


def test_an_article_becomes_what_its_reader_reads(tmp_path: Path) -> None:
    run(tmp_path, export(page(1, MARKUP)).replace('xml:lang="de"', 'xml:lang="en"'))
    assert written(tmp_path)[0].text == (
        "The Elbe (Czech: Labe) is 1,094 kilometres long and drains 148,268 km². "
        "As of 2014, its port earned US$2 billion."
    )
