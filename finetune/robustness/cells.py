"""What has been measured so far, kept in a file, so that an interrupted report goes on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from charbert.commands.results import whole_lines
from charbert.errors import CharBertError

Key = Mapping[str, Any]
Cell = dict[str, Any]


class Cells:
    """Results by what they are of. Each stands in a line of its own as soon as it is known.

    A key holds all that a result depends on, so that a result is taken up only where it would come out
    the same.

    Args:
        path: the file; it may hold results of before, and what an interruption left of a line.

    Raises:
        CharBertError: it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Cell] = {}
        if path.exists():
            for number, line in enumerate(whole_lines(path), start=1):
                try:
                    record = json.loads(line)
                    self._known[_name(record["key"])] = record["found"]
                except (ValueError, KeyError, TypeError) as error:
                    raise CharBertError(
                        f"{path}: row {number}: is no result of a report; delete the row, or start anew with "
                        "--overwrite"
                    ) from error

    def found(self, key: Key, make: Callable[[], Cell]) -> Cell:
        """The result of a key, made now if it is not known."""
        name = _name(key)
        if name not in self._known:
            self._known[name] = make()
            line = json.dumps({"key": dict(key), "found": self._known[name]}, ensure_ascii=False)
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line + "\n")
        return self._known[name]


def stamp(path: Path) -> str:
    """What changes when a file, or a file of a folder, is written anew."""
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    states = [(each.name, each.stat()) for each in files]
    return ";".join(f"{name}:{state.st_size}:{state.st_mtime_ns}" for name, state in states)


def _name(key: Key) -> str:
    return json.dumps(dict(key), sort_keys=True)
