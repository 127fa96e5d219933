"""Misspelled words found and corrected: `charbert.correct` beside plain dictionary spell checkers.

    python benchmarks/correction.py TEXT --model DIR --misspellings FILE... [--json FILE]

Each list of misspellings is put into the same paragraphs of a clean text: a share of the words that it has
becomes one of their wrong forms, each word a few times at most. All see the same texts:

- `CharBERT`, and `CharBERT + NAME`, to whom the words of that checker's dictionary are known;
- `NAME`, the checker alone, and `NAME, no names`, which leaves words with a capital inside of a sentence.

A misspelled word is found if exactly it was flagged: precision, recall and F1. It is corrected if it became
what it was, in its letter case ("top 1"), or would have by one of the first five suggestions ("top 5"), in
percent of all misspelled words; "right" is in percent of the words replaced. "wrong words" are those of the
text that are not what they were, per 1,000: as it was given, and corrected. "false alarms" are the words
flagged in the clean text, per 1,000. The speed is that of the clean text, for a checker that of its first
paragraphs; a checker is asked once about each different word.

Every other paragraph of the text is read, and half of the right words of each list are misspelled, the same
in all lists: the weights of CharBERT's rule were fitted on the others.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.frame import GrowingTable, describe_device, device_of, parse_benchmark, write_json
from benchmarks.misspelt import (
    MEASURED,
    MisspellingSettings,
    MisspeltText,
    clean_lines,
    misspelt_lists,
)
from benchmarks.spell_checkers import CHECKERS, Checker
from charbert.commands.settings import option
from charbert.correction.corrector import THRESHOLD, CorrectedWord, Corrector
from charbert.errors import run_command
from charbert.lm_heads import CharBertForPreTraining

SUGGESTIONS = 5
TIMED = 20  # paragraphs for which a checker's speed is measured: one takes seconds for each
HEADING = (
    f"{'':<25}",
    "precision",
    "recall",
    "  F1",
    "top 1",
    "top 5",
    "right",
    "wrong words",
    "false alarms",
    "words/s",
)
Finder = Callable[[Sequence[str]], list[list[CorrectedWord]]]


class Counts(NamedTuple):
    """What became of the words of some texts."""

    words: int
    misspelt: int
    flagged: int
    found: int
    first: int
    """Misspelled words for which the first suggestion was the right word."""
    among: int
    """Those for which one of the first five was."""
    replaced: int
    damaged: int
    """Right words that were replaced."""

    def scores(self) -> dict[str, float]:
        """In percent; wrong words per 1,000."""
        precision, recall = self.found / max(self.flagged, 1), self.found / max(self.misspelt, 1)
        return {
            "precision": 100 * precision,
            "recall": 100 * recall,
            "f1": 200 * precision * recall / max(precision + recall, 1e-9),
            "top_1": 100 * self.first / max(self.misspelt, 1),
            "top_5": 100 * self.among / max(self.misspelt, 1),
            "right": 100 * self.first / max(self.replaced, 1),
            "wrong_before": 1000 * self.misspelt / self.words,
            "wrong_after": 1000 * (self.misspelt - self.first + self.damaged) / self.words,
        }


@dataclass(kw_only=True)
class CorrectionSettings(MisspellingSettings):
    checkers: list[str] = option(
        list(CHECKERS), f"of {', '.join(CHECKERS)}, which must be installed", choices=CHECKERS
    )
    threshold: float = option(THRESHOLD, "of CharBERT")
    real_words: bool = option(False, "CharBERT judging words it knows, too")


def main(arguments: Sequence[str]) -> None:
    given = parse_benchmark(CorrectionSettings, arguments, __file__, __doc__)
    device = device_of(given.device)
    lines = clean_lines(given.text, given.lines, MEASURED)
    sets = misspelt_lists(lines, MEASURED, given)
    model = CharBertForPreTraining.from_pretrained(given.model).to(device)

    print(
        f"{describe_device(device)}; {_words(lines):,} words in {len(lines):,} lines of {given.text}",
        flush=True,
    )
    Corrector(model)(lines[:TIMED])  # what comes first on a device takes longer
    checker_of = cache(_checker)
    finders = {**dict(_correctors(given, model, checker_of)), **dict(_checkers(given, checker_of))}
    alarms, speed = {}, {}
    for name, finder in finders.items():
        found, speed[name] = _timed(finder, lines)
        alarms[name] = 1000 * sum(map(len, found)) / _words(lines)
    # Two rows of one checker share its answers: for their speed each needs one that remembers none.
    for name, finder in _checkers(given, _checker):
        _, speed[name] = _timed(finder, lines[:TIMED])
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for list_name, texts in sets.items():
        count = sum(len(each.meant) for each in texts)
        print(f"\n{list_name}: {count:,} words misspelled")
        table = GrowingTable(HEADING)
        numbers[list_name] = {}
        for name, finder in finders.items():
            scores = counted(texts, finder([each.text for each in texts])).scores()
            scores |= {"false_alarms": alarms[name], "words_per_second": speed[name]}
            numbers[list_name][name] = scores
            table.add(name, *_cells(scores))
    write_json(given.json, {"settings": asdict(given), "lists": numbers})


def counted(texts: Sequence[MisspeltText], found: Sequence[Sequence[CorrectedWord]]) -> Counts:
    """What was found in some texts, and what of it was right."""
    flagged = hits = first = among = replaced = damaged = 0
    for each, words in zip(texts, found, strict=True):
        flagged += len(words)
        for word in words:
            meant = each.meant.get((word.start, word.end))
            suggested = [suggestion.word for suggestion in word.suggestions[:SUGGESTIONS]]
            hits += meant is not None
            first += word.correction == meant
            among += meant in suggested
            replaced += word.correction != word.word
            damaged += meant is None and word.correction != word.word
    return Counts(
        words=_words([each.text for each in texts]),
        misspelt=sum(len(each.meant) for each in texts),
        flagged=flagged,
        found=hits,
        first=first,
        among=among,
        replaced=replaced,
        damaged=damaged,
    )


def _timed(finder: Finder, texts: Sequence[str]) -> tuple[list[list[CorrectedWord]], float]:
    """What is found, and words a second."""
    started = time.perf_counter()
    found = finder(texts)
    return found, _words(texts) / (time.perf_counter() - started)


def _checker(name: str) -> Checker:
    return CHECKERS[name]()


def _correctors(
    given: CorrectionSettings, model: CharBertForPreTraining, checker_of: Callable[[str], Checker]
) -> Iterator[tuple[str, Finder]]:
    def by_model(corrector: Corrector) -> Finder:
        return lambda texts: [
            each.words for each in corrector(texts, top_k=SUGGESTIONS, threshold=given.threshold)
        ]

    yield "CharBERT", by_model(Corrector(model))
    if given.real_words:
        yield "CharBERT, real words too", by_model(Corrector(model, real_words=True))
    for name in given.checkers:
        yield f"CharBERT + {name}", by_model(Corrector(model, known=checker_of(name).words))


def _checkers(
    given: CorrectionSettings, checker_of: Callable[[str], Checker]
) -> Iterator[tuple[str, Finder]]:
    def by_checker(checker: Checker, leave_names: bool) -> Finder:
        return lambda texts: [checker.wrong_words(text, leave_names) for text in texts]

    for name in given.checkers:
        yield name, by_checker(checker_of(name), leave_names=False)
        yield f"{name}, no names", by_checker(checker_of(name), leave_names=True)


def _words(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)


def _cells(scores: dict[str, float]) -> list[str]:
    percent = [f"{scores[name]:.1f}" for name in ("precision", "recall", "f1", "top_1", "top_5", "right")]
    wrong = f"{scores['wrong_before']:.1f} -> {scores['wrong_after']:.1f}"
    return [*percent, wrong, f"{scores['false_alarms']:.1f}", f"{scores['words_per_second']:,.0f}"]


if __name__ == "__main__":
    sys.exit(run_command(main))
