"""The test set of a report under its conditions: clean, under each attack, and as attacked files give it."""

import hashlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from charbert.commands.cache import content_stamp
from charbert.errors import CharBertError
from charbert.noise import KINDS, Attack, read_misspellings
from charbert.noise.base import MisspellingLists
from data.examples.readers import has_labels, read_examples
from data.examples.rows import BadRows
from data.examples.types import AttackCounts, attack_examples
from finetune.adversary.attack import draw_examples
from finetune.robustness.models import Run
from finetune.robustness.settings import QUICK, QUICK_COUNT, QUICK_EXAMPLES, QUICK_KINDS, RobustnessSettings

CLEAN, FILE = "clean", "file"


class Condition(NamedTuple):
    """What was done to the test set: nothing, an attack, or what the file of this name holds."""

    kind: str
    rate: float = 0.0
    seed: int = 0
    file: str = ""


class TestSet:
    """The examples of a report under each of its conditions.

    Args:
        settings: of the report.
        run: one of the runs to compare; says how the files are read.

    Attributes:
        examples: the clean ones, or those that the preset draws of them.
        preset: of the settings.
        available: how many examples there are to draw from.
        kinds: of attacks, the main one first.
        left_out: kinds that are not available, where none was given by name.
        rate, seeds: of the attacks.
        rates: of the main attack, for the curves, in ascending order.
        attacks: all kinds at the rate of the report, the main one at the rates of the curves too.
        files: the conditions of attacked files.

    Raises:
        CharBertError: a file cannot be read, has no labels, or is not aligned with the test data; an attack
            is not available.
    """

    __test__ = False  # for pytest, which takes the name for one of its own

    def __init__(self, settings: RobustnessSettings, run: Run) -> None:
        self.path, self._limit = settings.test, settings.limit
        self.rate, self.seeds, self.contexts = settings.rate, settings.seeds, settings.contexts
        self.rates = sorted({0.0, settings.rate, *settings.rates})
        self._run, self._bad = run, BadRows(settings.skip_bad_rows)
        misspellings = read_misspellings(Path(settings.misspellings)) if settings.misspellings else None
        self.kinds, self.left_out = _choose_kinds(settings, misspellings)
        main = [(self.kinds[0], rate) for rate in self.rates if rate]
        pairs = dict.fromkeys([(kind, self.rate) for kind in self.kinds] + main)
        self.attacks = [Condition(kind, rate, seed) for kind, rate in pairs for seed in self.seeds]
        self._attacks = {
            each: Attack(
                kind=each.kind,
                rate=each.rate,
                seed=each.seed,
                language=settings.language,
                misspellings=misspellings,
            )
            for each in self.attacks
        }
        for attack in self._attacks.values():
            attack.texts([])  # so that a list that it lacks is missed now
        self.examples = run.task.usable(self._read(settings.test, self._limit), self._bad)
        if len(self.examples) < 2:
            raise CharBertError(f"{settings.test}: two examples at least are needed that can be used")
        self._file_examples = self._read_attacked(settings.attacked)
        self.preset, self.available = settings.preset, len(self.examples)
        if settings.preset == QUICK and not settings.limit:
            numbers = draw_examples(range(self.available), QUICK_EXAMPLES, settings.seeds[0])
            self.examples = [self.examples[number] for number in numbers]
            self._file_examples = {
                name: [examples[number] for number in numbers]
                for name, examples in self._file_examples.items()
            }
        self.files = [Condition(FILE, file=name) for name in self._file_examples]
        self._key = {
            "test": _digest(self.examples),
            "language": settings.language,
            "misspellings": settings.misspellings and content_stamp(Path(settings.misspellings)),
            "contexts": settings.contexts,
        }

    def main(self, seed: int) -> Condition:
        """The main attack."""
        return Condition(self.kinds[0], self.rate, seed)

    def is_detailed(self, condition: Condition) -> bool:
        """Whether more than scores is needed: where clean and mainly attacked examples are compared."""
        return condition.kind in (CLEAN, FILE) or condition == self.main(condition.seed)

    def under(self, condition: Condition) -> tuple[list[Any], AttackCounts | None]:
        """The examples under a condition, in the order of the test set, and the word counts of an attack."""
        if condition.kind == FILE:
            return self._file_examples[condition.file], None
        if condition.kind == CLEAN:
            return self.examples, None
        return attack_examples(self.examples, self._attacks[condition], self.contexts)

    def key(self, condition: Condition) -> dict[str, Any]:
        """Everything that the examples under a condition depend on, for the cache."""
        key = {**self._key, **condition._asdict()}
        if condition.kind == FILE:
            key["content"] = _digest(self._file_examples[condition.file])
        return key

    def bad_rows(self) -> str | None:
        """The rows that were left out, in words."""
        return self._bad.summary()

    def _read(self, path: str, limit: int | None = None) -> list[Any]:
        examples = []
        if is_labelled := has_labels(self._run.settings, path):
            examples = list(islice(read_examples(self._run.settings, path, self._bad), limit))
        if not is_labelled or not all(example.is_labelled for example in examples):
            raise CharBertError(
                f"{path}: has no labels, without which nothing can be scored; give the labelled data"
            )
        return examples

    def _read_attacked(self, given: Sequence[str]) -> dict[str, list[Any]]:
        """By name the examples of attacked files."""
        found: dict[str, list[Any]] = {}
        for text in given:
            name, _, path = text.partition("=")
            if not (name and path) or name in found:
                raise CharBertError(f"--attacked: {text!r} is not NAME=FILE with a name of its own")
            found[name] = self._align(self._read(path), path)
        return found

    def _align(self, given: Sequence[Any], path: str) -> list[Any]:
        """The example of an attacked file that belongs to each example of the test set."""
        is_complete = not self._limit and not self._bad
        ids = [example.id for example in self.examples]
        by_id = {example.id: example for example in given}
        found = [by_id[name] for name in ids if name in by_id] if len(by_id) == len(given) else list(given)
        if len(found) < len(ids) or (is_complete and len(given) > len(ids)):
            raise CharBertError(
                f"{path}: {len(given)} examples, and {len(ids)} in {self.path}; give the same examples in "
                "one order"
            )
        for clean, noised in zip(self.examples, found, strict=False):
            if not clean.has_labels_of(noised):
                raise CharBertError(
                    f"{noised.location}: has other labels than {clean.location}, of which it should be an "
                    "attacked form; give the same examples in one order"
                )
        return found[: len(ids)]


def _choose_kinds(
    settings: RobustnessSettings, misspellings: MisspellingLists | None
) -> tuple[list[str], list[str]]:
    """The kinds of attacks, and those that the preset would have if they were available."""
    if settings.kinds:
        return settings.kinds, []
    is_quick = settings.preset == QUICK
    wanted = {name: KINDS[name].is_available(misspellings) for name in (QUICK_KINDS if is_quick else KINDS)}
    available = [name for name, is_there in wanted.items() if is_there]
    left_out = [name for name, is_there in wanted.items() if not is_there]
    return available[: QUICK_COUNT if is_quick else None], left_out


def _digest(examples: Sequence[Any]) -> str:
    """A text that changes where any text or label does."""
    found = hashlib.sha256()
    for example in examples:
        found.update(repr(example._replace(location="")).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
