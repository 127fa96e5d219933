"""The test set of a report: clean, attacked in each way, and as files give it."""

import hashlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from charbert.errors import CharBertError
from charbert.noise import KINDS, Attack, read_misspellings
from data.examples.readers import has_labels, read_examples
from data.examples.rows import BadRows
from data.examples.types import AttackCounts, QuestionExample, TaggedExample, attack_examples
from finetune.robustness.cells import stamp
from finetune.robustness.models import Run
from finetune.robustness.settings import RobustnessSettings

CLEAN, FILE = "clean", "file"


class Condition(NamedTuple):
    """What has been done to the test set: nothing, an attack, or whatever made the file of this name."""

    kind: str
    rate: float = 0.0
    seed: int = 0
    file: str = ""


class TestSet:
    """The examples of a report under each of its conditions.

    Args:
        settings: of the report.
        run: one of the runs to compare; says how the files are read.

    Raises:
        CharBertError: a file cannot be read, has no labels, or is not aligned with the test data; an attack
            is not to be had.
    """

    __test__ = False  # for pytest, which takes the name for one of its own

    def __init__(self, settings: RobustnessSettings, run: Run) -> None:
        self._settings = settings
        self._bad = BadRows(settings.skip_bad_rows)
        self._misspellings = read_misspellings(Path(settings.misspellings)) if settings.misspellings else None
        self.kinds = settings.kinds or [
            name for name, kind in KINDS.items() if kind.is_available(self._misspellings)
        ]
        self.left_out = [] if settings.kinds else [kind for kind in KINDS if kind not in self.kinds]
        """Kinds that were not asked for by name and cannot be made."""
        self._attacks = {condition: self._attack(condition) for condition in self.attacks}
        for attack in self._attacks.values():
            attack.texts([])  # so that a list that it lacks is missed now
        self.examples = run.task.usable(self._examples(settings.test, run, settings.limit), self._bad)
        if len(self.examples) < 2:
            raise CharBertError(f"{settings.test}: two examples at least are needed that can be used")
        self._files: dict[str, list[Any]] = {}
        for text in settings.attacked:
            name, equals, path = text.partition("=")
            if not (name and equals and path) or name in self._files:
                raise CharBertError(f"attacked: {text!r} is not NAME=FILE with a name of its own")
            self._files[name] = self._aligned(self._examples(path, run), path)
        self._fingerprint = {
            "test": _digest(self.examples),
            "language": settings.language,
            "misspellings": settings.misspellings and stamp(Path(settings.misspellings)),
            "contexts": settings.contexts,
        }

    @property
    def attacks(self) -> list[Condition]:
        """Every attack: all kinds at the rate of the report, the main one at the rates of the curves too."""
        settings, main = self._settings, self.kinds[0]
        pairs = [(kind, settings.rate) for kind in self.kinds] + [(main, rate) for rate in self.rates]
        return [
            Condition(kind, rate, seed)
            for kind, rate in dict.fromkeys(pairs)
            if rate
            for seed in settings.seeds
        ]

    @property
    def rates(self) -> list[float]:
        """Those of the curves."""
        return sorted({0.0, self._settings.rate, *self._settings.rates})

    @property
    def files(self) -> list[Condition]:
        return [Condition(FILE, file=name) for name in self._files]

    def main(self, seed: int) -> Condition:
        """The main attack."""
        return Condition(self.kinds[0], self._settings.rate, seed)

    def is_detailed(self, condition: Condition) -> bool:
        """Whether more than scores is wanted: where clean and mainly attacked examples are compared."""
        return condition.kind in (CLEAN, FILE) or condition == self.main(condition.seed)

    def under(self, condition: Condition) -> tuple[list[Any], AttackCounts | None]:
        """The examples under a condition, in the order of the test set, and how many words an attack met."""
        if condition.kind == FILE:
            return self._files[condition.file], None
        if condition not in self._attacks:
            return self.examples, None
        return attack_examples(self.examples, self._attacks[condition], self._settings.contexts)

    def key(self, condition: Condition) -> dict[str, Any]:
        """All that the examples under a condition depend on."""
        of_file = {"content": _digest(self._files[condition.file])} if condition.kind == FILE else {}
        return {**self._fingerprint, **condition._asdict(), **of_file}

    def faults(self) -> str | None:
        """The rows that were left out."""
        return self._bad.summary()

    def _attack(self, condition: Condition) -> Attack:
        return Attack(
            kind=condition.kind,
            rate=condition.rate,
            seed=condition.seed,
            language=self._settings.language,
            misspellings=self._misspellings,
        )

    def _examples(self, path: str, run: Run, limit: int | None = None) -> list[Any]:
        unlabelled = CharBertError(
            f"{path}: has no labels, without which nothing can be scored; give the labelled data"
        )
        if not has_labels(run.settings, path):
            raise unlabelled
        examples = list(islice(read_examples(run.settings, path, self._bad), limit))
        if not all(example.is_labelled for example in examples):
            raise unlabelled
        return examples

    def _aligned(self, given: Sequence[Any], path: str) -> list[Any]:
        """The example of an attacked file that belongs to each example of the test set."""
        complete = not self._settings.limit and not self._bad
        ids = [example.id for example in self.examples]
        by_id = {example.id: example for example in given}
        found = [by_id[name] for name in ids if name in by_id] if len(by_id) == len(given) else list(given)
        if len(found) < len(ids) or (complete and len(given) > len(ids)):
            raise CharBertError(
                f"{path}: {len(given)} examples, and {len(ids)} in {self._settings.test}; give the same "
                "examples in one order"
            )
        for clean, noised in zip(self.examples, found, strict=False):
            if not _belong_together(clean, noised):
                raise CharBertError(
                    f"{noised.location}: has other labels than {clean.location}, of which it should be an "
                    "attacked form; give the same examples in one order"
                )
        return found[: len(ids)]


def _belong_together(clean: Any, noised: Any) -> bool:
    """Whether what is right of an example is right of the other."""
    if isinstance(clean, TaggedExample):
        return _order_of_tags(clean.tags or ()) == _order_of_tags(noised.tags or ())
    if isinstance(clean, QuestionExample):
        return clean.id == noised.id and clean.answerable == noised.answerable
    return clean.label == noised.label


def _order_of_tags(tags: Sequence[str]) -> list[str]:
    """What of tags stays where words are joined or divided: each entity, and each run of another tag."""
    found: list[str] = []
    for tag in tags:
        if not tag.startswith("I-") and (tag.startswith("B-") or found[-1:] != [tag]):
            found.append(tag)
    return found


def _digest(examples: Sequence[Any]) -> str:
    """What differs where any text or label does."""
    found = hashlib.sha256()
    for example in examples:
        found.update(repr(example._replace(location="")).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
