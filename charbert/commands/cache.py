"""An append-only cache of results, one JSON line per key and result: interrupted work can be resumed."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from charbert.commands.results import whole_lines
from charbert.errors import CharBertError

Key = Mapping[str, Any]


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
            except (ValueError, KeyError, TypeError) as error:
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
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    def get_or_make(self, key: Key, make: Callable[[], Any]) -> Any:
        """The result of a key, computed by `make` and kept if it is not there yet."""
        if key not in self:
            self.add(key, make())
        return self[key]


def file_stamp(path: Path) -> str:
    """A text that changes when a file, or a file directly in a folder, is written anew; for keys."""
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    states = [(each.name, each.stat()) for each in files]
    return ";".join(f"{name}:{state.st_size}:{state.st_mtime_ns}" for name, state in states)


def _name(key: Key) -> str:
    return json.dumps(dict(key), sort_keys=True)
