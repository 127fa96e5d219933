"""A folder of numbered shards that a command fills, and can go on filling after it was stopped."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from charbert.commands.output import say_finished, whole_file
from charbert.commands.results import RESULTS, read_numbers, read_object, write_results
from charbert.errors import CharBertError, name_failures

JOB = "job.json"
_SUFFIXES = {"text": ".parquet", "blocks": ".arrow"}
_METADATA = b"charbert"
_ROWS_PER_GROUP = 2_000  # what a reader of Parquet can pass over, or leave to another process
_ARROW_END = b"\xff\xff\xff\xff\0\0\0\0"
_ADVICE = "; when that is fixed, run the same command again to go on"


class ShardedJob:
    """Fills a folder with `STEM-00000`, `STEM-00001`, ..., each complete or not there at all.

    A shard holds, in the metadata of its schema, where in the input it ends. So a shard and the knowledge
    that it is done are one file, and a stopped command goes on after the last one. The settings lie in
    `job.json`.

    Args:
        folder: made where missing.
        stem: "text" for Parquet in zstd, "blocks" for an Arrow stream, which `datasets.Dataset.from_file`
            maps into memory.
        settings: what decides the content of the shards, in plain JSON.
        overwrite: begin anew; removes the shards, `job.json` and `results.json` of the folder.

    Attributes:
        cursor: where the last complete shard ends, as given to `write`; None where there is no shard.
        counts: the counts up to there.
        results: the numbers of `results.json` where the job is finished, else None.

    Raises:
        CharBertError: the folder holds something else: another run without `overwrite`, or other shards.
    """

    def __init__(
        self,
        folder: str | Path,
        stem: Literal["text", "blocks"],
        settings: Mapping[str, Any],
        overwrite: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.cursor: dict[str, Any] | None = None
        self.counts: Counter[str] = Counter()
        self.results: dict[str, Any] | None = None
        self._stem = stem
        self._next = 0
        job = {"shards": stem, "settings": json.loads(json.dumps(dict(settings)))}
        self._refuse_other_content(job, overwrite)
        with name_failures(self.folder, advice=_ADVICE):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove("*.partial")
        if overwrite:
            # What says that the job is done or begun goes first: without it nothing goes on from old shards.
            for path in (self.folder / RESULTS, self.folder / JOB):
                path.unlink(missing_ok=True)
            self._remove(f"*{_SUFFIXES[stem]}")
        with name_failures(self.folder / JOB, advice=_ADVICE), whole_file(self.folder / JOB) as partial:
            partial.write_text(json.dumps(job, indent=2) + "\n", encoding="utf-8")
        self._find_end()

    def write(self, table: pa.Table, cursor: Mapping[str, Any], counts: Mapping[str, int]) -> None:
        """Write the next shard; `cursor` and `counts`, from the beginning of the job, say where it ends.

        Raises:
            CharBertError: it cannot be written, on a full disk for example; nothing of it is left then.
        """
        end = json.dumps({"cursor": dict(cursor), "counts": dict(counts)}, sort_keys=True)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _METADATA: end.encode()})
        path = self._path(self._next)
        with name_failures(path, advice=_ADVICE), whole_file(path) as partial:
            if self._stem == "text":
                pq.write_table(table, partial, row_group_size=_ROWS_PER_GROUP, compression="zstd")
            else:
                with pa.OSFile(str(partial), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
                    stream.write_table(table)
        # The cursor first: whoever is interrupted here and writes once more must see that this is written.
        self.cursor, self.counts = dict(cursor), Counter(counts)
        self._next += 1

    def finish(self, numbers: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Write `results.json`, which says that the job is done."""
        with name_failures(self.folder / RESULTS, advice=_ADVICE):
            write_results(self.folder, numbers, settings)
        self.results = dict(numbers)

    def _refuse_other_content(self, job: dict[str, Any], overwrite: bool) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise CharBertError(f"{self.folder}: is a file, and a folder is needed for the output")
        kept = _read_job(self.folder)
        if kept is None:
            content = self.folder.iterdir() if self.folder.is_dir() else ()
            if not overwrite and any(path.suffix != ".partial" for path in content):
                raise CharBertError(
                    f"{self.folder}: already holds something; give another folder or --overwrite"
                )
        elif kept.get("shards") != self._stem:
            # Also with --overwrite: what looks like a slip in --output may be the input of this command.
            raise CharBertError(f"{self.folder}: holds another kind of shards; give another folder")
        elif not overwrite:
            there, here = kept.get("settings", {}), job["settings"]
            for key in {**here, **there}:
                if there.get(key) != here.get(key):
                    raise CharBertError(
                        f"{self.folder}: holds another run, with {key} {there.get(key)!r} instead of "
                        f"{here.get(key)!r}; give another folder or --overwrite"
                    )

    def _find_end(self) -> None:
        while self._path(self._next).exists():
            self._next += 1
        for is_last in (True, False):
            if not self._next:
                break
            last = self._path(self._next - 1)
            with name_failures(last, "read", _ADVICE):
                end = _end_of(last)
            if end is not None:
                self.cursor, self.counts = end["cursor"], Counter(end["counts"])
                break
            if not is_last:
                raise CharBertError(f"{last}: is damaged; give --overwrite to begin anew")
            # A crash of the machine can leave a last shard that is named but not whole: it is made again.
            last.unlink()
            self._next -= 1
        if (self.folder / RESULTS).is_file():
            self.results = read_numbers(self.folder)
            say_finished(self.folder)

    def _remove(self, ending: str) -> None:
        for path in self.folder.glob(f"{self._stem}-{ending}"):
            path.unlink()

    def _path(self, number: int) -> Path:
        return self.folder / f"{self._stem}-{number:05d}{_SUFFIXES[self._stem]}"


def unfinished_jobs(folder: Path) -> list[Path]:
    """The folders, this one or in it, that a job has begun to fill and not finished."""
    return [path.parent for path in sorted(folder.rglob(JOB)) if not (path.parent / RESULTS).exists()]


def job_settings(folder: Path) -> dict[str, Any]:
    """The settings of the job that filled a folder; none where it was no job."""
    return (_read_job(folder) or {}).get("settings", {})


def _end_of(shard: Path) -> dict[str, Any] | None:
    """What `write` noted in a shard, or None where it is damaged."""
    try:
        if shard.suffix == ".parquet":
            schema = pq.read_schema(shard)
        else:
            with shard.open("rb") as file:
                file.seek(max(shard.stat().st_size - len(_ARROW_END), 0))
                if file.read() != _ARROW_END:
                    return None
            with pa.memory_map(str(shard)) as file, pa.ipc.open_stream(file) as stream:
                schema = stream.schema
        end = json.loads(schema.metadata[_METADATA])
        return {"cursor": dict(end["cursor"]), "counts": dict(end["counts"])}
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError, RecursionError):
        return None


def _read_job(folder: Path) -> dict[str, Any] | None:
    path = folder / JOB
    return read_object(path, settings=dict) if path.is_file() else None
