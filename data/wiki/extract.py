"""`python -m data wikipedia`: MediaWiki dumps to the clean text of their articles, in shards.

A stopped run goes on where it stopped when the same command is given again.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from tqdm import tqdm

from charbert.commands.output import output_folder
from charbert.commands.progress import progress_bar
from charbert.commands.results import format_numbers
from charbert.commands.settings import REQUIRED, Settings, option, positional
from charbert.errors import CharBertError
from data.corpus.files import SCHEMA
from data.corpus.jobs import JOB, ShardedJob
from data.corpus.parallel import ordered_map
from data.wiki.dump import Dump, PageGroup
from data.wiki.pages import Outcome, decompress_xml, extract_pages, failed
from data.wiki.sites import Site
from data.wiki.templates import TABLE

_COUNTS = (
    *("pages_read", "articles_written", "redirects", "other_namespaces", "other_models", "failed", "empty"),
    "characters",
)
# Among the counts are the unknown templates that left their first value, by name; of many, the frequent ones.
_UNKNOWN = "unknown template "
_MOST_NAMES, _NAMES_KEPT, _NAMES_SAID = 2_000, 1_000, 10
# Of the English Wikipedia, 64 MB are some 27,000 articles; the rows are a bound for wikis of one-liners.
_BYTES_PER_SHARD = 64_000_000
_ROWS_PER_SHARD = 100_000


@dataclass(kw_only=True)
class ExtractSettings(Settings):
    """Which dumps are read, and where their text goes."""

    dump: list[str] = positional(
        "pages-articles dumps: .xml.bz2 as downloaded (multistream is read in parallel), .xml, or - for "
        "standard input; several are read after each other"
    )
    output: str = option(REQUIRED, "folder of text shards to write", metavar="FOLDER")
    workers: int = option(1, "processes", minimum=1)
    shard: str | None = option(
        None,
        "only the I-th of N parts, into the folder part-I-of-N in the output, so that N machines share the "
        "work",
        metavar="I/N",
    )
    max_pages: int | None = option(None, "stop after so many pages of any kind", minimum=1)
    overwrite: bool = option(False, "begin anew where the output folder holds another run")

    def __post_init__(self) -> None:
        super().__post_init__()
        _parse_part(self.shard)


def run(settings: ExtractSettings) -> None:
    results = extract_articles(settings)
    unknown = results.pop("unknown_templates", {})
    print(format_numbers(results))
    if unknown:
        names = ", ".join(f"{count:,} x {name}" for name, count in list(unknown.items())[:_NAMES_SAID])
        more = f", and {len(unknown) - _NAMES_SAID:,} more in results.json" * (len(unknown) > _NAMES_SAID)
        print(f"unknown templates that left their first value: {names}{more}; add them in {TABLE}")


def extract_articles(settings: ExtractSettings) -> dict[str, Any]:
    """Write the shards, and return the counts of pages by outcome, the characters, megabytes and seconds.

    `seconds` and `megabytes_per_second` are those of this run, the other numbers those of all runs since the
    beginning of the job.

    Raises:
        CharBertError: as `Dump` and `ShardedJob`; a dump is cut short or damaged, or holds no article. The
            articles before that are kept in complete shards.
    """
    # The dumps come first: a file that is none must leave the folder as it was.
    dumps = [Dump(path) for path in settings.dump]
    part = _parse_part(settings.shard)
    job_settings = {
        **{f"dump_{number}": _identity(dump) for number, dump in enumerate(dumps, start=1)},
        "shard": settings.shard,
        "max_pages": settings.max_pages,
    }
    folder = _output_folder(Path(settings.output), part)
    with output_folder(settings, folder, goes_on=True):
        return _fill_folder(settings, dumps, ShardedJob(folder, "text", job_settings, settings.overwrite))


def _fill_folder(settings: ExtractSettings, dumps: list[Dump], job: ShardedJob) -> dict[str, Any]:
    started, part = time.monotonic(), _parse_part(settings.shard)
    if job.results is not None:
        return job.results
    read_before = job.counts["xml_bytes"]
    counts = _fill(job, dumps, part, settings.max_pages or sys.maxsize, settings.workers)
    if not counts["articles_written"] and part is None:
        raise CharBertError(f"{settings.dump[0]}: no article with text in {counts['pages_read']} pages")
    seconds = time.monotonic() - started
    unknown = _unknown_templates(counts)
    results = {
        **{name: counts[name] for name in _COUNTS},
        "xml_megabytes": counts["xml_bytes"] / 1e6,
        "seconds": seconds,
        "megabytes_per_second": (counts["xml_bytes"] - read_before) / 1e6 / seconds,
        "unknown_templates": {name.removeprefix(_UNKNOWN): count for name, count in unknown},
    }
    job.finish(results, asdict(settings))
    return results


def _unknown_templates(counts: Counter[str]) -> list[tuple[str, int]]:
    """The counts of unknown templates, the frequent ones first."""
    named = [(name, count) for name, count in counts.items() if name.startswith(_UNKNOWN)]
    return sorted(named, key=lambda item: (-item[1], item[0]))


class _Task(NamedTuple):
    """A group of a dump, for a worker."""

    dump: int
    site: Site
    group: PageGroup


class _Complete(NamedTuple):
    """How many of the rows gathered, and bytes of text in them, are of whole groups, and where those end."""

    rows: int
    text_bytes: int
    cursor: dict[str, Any] | None
    counts: Counter[str]


class _Extract(NamedTuple):
    """The outcomes of the pages of a group, and its location in the dump."""

    cursor: dict[str, int]
    position: int
    xml_bytes: int
    outcomes: list[Outcome]


class _Collector:
    """Gathers the rows of whole groups until they are a shard of the job.

    An interrupt may come at any moment: so what is complete changes with one assignment, and a shard that the
    job already holds is not written again.
    """

    def __init__(self, job: ShardedJob) -> None:
        self._job = job
        self._rows: list[Outcome] = []
        self._complete = _Complete(0, 0, job.cursor, job.counts)

    @property
    def counts(self) -> Counter[str]:
        return self._complete.counts

    def add(self, extract: _Extract) -> None:
        rows, text_bytes, _, counts = self._complete
        counts = counts.copy()
        counts["xml_bytes"] += extract.xml_bytes
        for outcome in extract.outcomes:
            counts["pages_read"] += 1
            counts[outcome.kind] += 1
            counts["characters"] += len(outcome.text)
            for name, count in outcome.unknown.items():
                counts[_UNKNOWN + name] += count
            if outcome.text:
                self._rows.append(outcome)
                text_bytes += len(outcome.text.encode())
        if len(counts) > _MOST_NAMES:
            for name, _ in _unknown_templates(counts)[_NAMES_KEPT:]:
                del counts[name]
        rows = len(self._rows)
        self._complete = _Complete(rows, text_bytes, extract.cursor, counts)
        if rows >= _ROWS_PER_SHARD or text_bytes >= _BYTES_PER_SHARD:
            self.flush()

    def flush(self) -> None:
        rows, _, cursor, counts = self._complete
        if not rows or cursor is None or cursor == self._job.cursor:
            return
        written = self._rows[:rows]
        columns = {name: [getattr(row, name) for row in written] for name in SCHEMA.names}
        self._job.write(pa.table(columns, schema=SCHEMA), cursor, counts)
        self._rows = []
        self._complete = _Complete(0, 0, cursor, counts)


def _fill(
    job: ShardedJob, dumps: list[Dump], part: tuple[int, int] | None, max_pages: int, workers: int
) -> Counter[str]:
    """Write what is left of a job, and return its counts."""
    collector = _Collector(job)
    before = [sum(dump.size or 0 for dump in dumps[:number]) for number in range(len(dumps))]
    pages_before = job.counts["pages_read"]
    started = time.monotonic()
    tasks = _make_tasks(dumps, job.cursor, part)
    with _progress_bar(dumps) as bar, closing(ordered_map(_extract, tasks, workers)) as extracts:
        try:
            while collector.counts["pages_read"] < max_pages and (extract := next(extracts, None)):
                left = max_pages - collector.counts["pages_read"]
                collector.add(extract._replace(outcomes=extract.outcomes[:left]))
                for outcome in extract.outcomes[:left]:
                    if outcome.problem:
                        tqdm.write(f"skipped {outcome.title!r}: {outcome.problem}", file=sys.stderr)
                pages = (collector.counts["pages_read"] - pages_before) / (time.monotonic() - started)
                bar.set_postfix_str(f"{pages:,.0f} pages/s", refresh=False)
                bar.update(before[extract.cursor["dump"]] + extract.position - bar.n)
        finally:
            # Also after an interrupt or damage: nothing that is done is done again.
            collector.flush()
    return collector.counts


def _make_tasks(
    dumps: list[Dump], cursor: Mapping[str, int] | None, part: tuple[int, int] | None
) -> Iterator[_Task]:
    """The groups after the cursor, of the part only."""
    number, parts = part or (1, 1)
    first = cursor["dump"] if cursor else 0
    for index, dump in enumerate(dumps[first:], start=first):
        after = (cursor["unit"], cursor["byte"]) if cursor and index == first else None
        for group in dump.page_groups(after):
            if group.number % parts == number - 1:
                yield _Task(index, dump.site, group)


def _extract(task: _Task) -> _Extract:
    group = task.group
    if group.problem:
        xml, outcomes = b"", [failed(group.content, group.problem)]
    else:
        xml, problem = decompress_xml(group.content)
        outcomes = list(extract_pages(xml, task.site))
        if problem:
            outcomes.append(Outcome("failed", 0, f"bz2 stream at byte {group.byte}", problem=problem))
    cursor = {"dump": task.dump, "unit": group.number, "byte": group.byte}
    return _Extract(cursor, group.position, len(xml), outcomes)


def _output_folder(out: Path, part: tuple[int, int] | None) -> Path:
    """The output folder, or that of a part in it, which must not hold the same pages twice."""
    of = f"-of-{part[1]}" if part else None
    others = [path for path in out.glob("part-*-of-*") if of is None or not path.name.endswith(of)]
    if part and (out / JOB).exists():
        others.append(out / JOB)
    if others:
        raise CharBertError(
            f"{out}: holds another division of the work ({others[0].name}); give another folder"
        )
    return out / f"part-{part[0]}{of}" if part else out


def _identity(dump: Dump) -> str:
    return dump.name if dump.size is None else f"{dump.name} ({dump.size:,} bytes)"


def _progress_bar(dumps: list[Dump]) -> tqdm:
    sizes = [dump.size for dump in dumps]
    total = None if None in sizes else sum(filter(None, sizes))
    return progress_bar(total=total, unit="B", unit_scale=True)


def _parse_part(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise CharBertError(f"--shard: {text} is not I/N with I from 1 to N, such as 2/4")
    return int(match[1]), int(match[2])
