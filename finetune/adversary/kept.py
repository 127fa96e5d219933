"""What a search for worst cases has found so far, kept in a file, so that an interrupted one goes on."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from charbert.commands.results import whole_lines
from charbert.errors import CharBertError
from finetune.adversary.search import Verdict, WorstCase
from finetune.adversary.transformations import texts_of, with_texts

_JUDGED_AT_ONCE = 1000


class KeptCases:
    """The examples that are done, each in a line of its own as soon as it is, behind a line of the settings.

    Kept are texts. What the model makes of them it is asked again when a search goes on, which takes no time
    beside the search itself.

    Args:
        path: the file, begun with the first example. It may hold what was found before, and what an
            interruption left of a line.
        settings: all that the search depends on, in plain JSON.

    Attributes:
        seconds: that the search has taken until its last example.

    Raises:
        CharBertError: the file is of a search with other settings, or of none.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self._path = path
        self._settings = json.loads(json.dumps(dict(settings)))
        self._lines: list[dict[str, Any]] = []
        self.seconds = 0.0
        lines = whole_lines(path) if path.exists() else []
        if not lines:
            return
        try:
            before, *self._lines = map(json.loads, lines)
            self.seconds = self._lines[-1]["seconds"] if self._lines else 0.0
            other = [name for name in self._settings if before[name] != self._settings[name]]
        except (ValueError, KeyError, TypeError) as error:
            raise CharBertError(f"{path}: is not what a search has kept; give --overwrite") from error
        if other:
            raise CharBertError(
                f"{path}: is of a search with other {', '.join(other)}; give the same, or --overwrite"
            )

    def __len__(self) -> int:
        """How many examples are done."""
        return len(self._lines)

    def found(
        self, judge: Callable[[list[Any]], Sequence[Verdict]], examples: Sequence[Any]
    ) -> dict[int, list[WorstCase]]:
        """What was found before of each example that is done, by its number."""
        given = [
            (line["number"], with_texts(examples[line["number"]], case["texts"]), case)
            for line in self._lines
            for case in line["cases"]
        ]
        found: dict[int, list[WorstCase]] = {}
        for start in range(0, len(given), _JUDGED_AT_ONCE):
            some = given[start : start + _JUDGED_AT_ONCE]
            verdicts = judge([example for _, example, _ in some])
            for (number, example, case), verdict in zip(some, verdicts, strict=True):
                edits = tuple((old, new) for old, new in case["edits"])
                found.setdefault(number, []).append(WorstCase(example, edits, verdict, case["queries"]))
        return found

    def add(self, number: int, cases: Sequence[WorstCase], seconds: float) -> None:
        """Keep what was found of an example, `seconds` after the search began."""
        kept = [
            {"texts": texts_of(case.example), "edits": case.edits, "queries": case.queries} for case in cases
        ]
        lines = [] if self._path.exists() and self._path.stat().st_size else [self._settings]
        lines.append({"number": number, "seconds": seconds, "cases": kept})
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def remove(self) -> None:
        """Forget it all, once the results are written."""
        self._path.unlink(missing_ok=True)
