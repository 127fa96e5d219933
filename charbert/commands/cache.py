"""An append-only cache of results, one JSON line per key and result: interrupted work can be resumed."""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from charbert.commands.output import whole_lines
from charbert.errors import CharBertError, name_failures
from charbert.hub import CARD, REMOTE_CODE

Key = Mapping[str, Any]
PIECE, PIECES = 2**20, 64
NOTES = (
    *("results.json", "job.json", "run.json", "trainer_state.json", "training_args.bin"),
    *(CARD, f"{REMOTE_CODE}.py"),
)


class ResultCache:
    """Results by key, each appended to a file as soon as it is known.

    A key holds everything that its result depends on, so that a result is reused only where computing it
    again would give the same. Keys and results are plain JSON.

    Args:
        path: the file; it may hold results of an earlier run. A last line that an interruption cut off is
            removed from it. The file is created with the first result.

    Raises:
        CharBertError: the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._results: dict[str, Any] = {}
        for number, line in enumerate(whole_lines(path) if path.exists() else [], start=1):
            try:
                record = json.loads(line)
                self._results[_name(record["key"])] = record["result"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise CharBertError(
                    f"{path}: row {number}: is not a result that was kept here; delete the row, or start "
                    "anew with --overwrite"
                ) from error

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The keys, in the order in which they were added."""
        return map(json.loads, self._results)

    def __contains__(self, key: Key) -> bool:
        return _name(key) in self._results

    def __getitem__(self, key: Key) -> Any:
        return self._results[_name(key)]

    def add(self, key: Key, result: Any) -> None:
        """Keep a result."""
        self._results[_name(key)] = result
        line = json.dumps({"key": dict(key), "result": result}, ensure_ascii=False)
        with name_failures(self.path), self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    def get_or_make(self, key: Key, make: Callable[[], Any]) -> Any:
        """The result of a key, computed by `make` and kept if it is not there yet."""
        if key not in self:
            self.add(key, make())
        return self[key]


def content_stamp(path: Path) -> str:
    """A text that stands for the content of a file, or of a folder: of the files in it, and of its shards.

    What is noted beside a content, such as the seconds that it took or a model card, is left out. Of a file
    above 64 MB pieces are read, a megabyte at each sixty-fourth of it.
    """
    if not path.is_dir():
        return _digest(path)
    files = {each for each in path.iterdir() if each.is_file() and each.name not in NOTES}
    files |= {*path.rglob("*.parquet")}
    return " ".join(f"{each.relative_to(path)}:{_digest(each)}" for each in sorted(files))


def _digest(path: Path) -> str:
    size = path.stat().st_size
    found = sha256(str(size).encode())
    with path.open("rb") as file:
        for start in range(0, size, max(PIECE, size // PIECES)):
            file.seek(start)
            found.update(file.read(PIECE))
    return found.hexdigest()[:16]


def _name(key: Key) -> str:
    return json.dumps(dict(key), sort_keys=True)
