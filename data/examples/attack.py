"""`python -m data attack`: a labelled file with typos in its words, in the form that it has."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from charbert.commands.progress import passing_bar
from charbert.commands.results import whole_file
from charbert.errors import CharBertError
from charbert.noise import KEYBOARDS, Attack, describe_kinds, load_attack
from data.corpus.files import text_ending
from data.examples.options import add_column_options, given_columns
from data.examples.readers import ANSWERS, OWN, TASKS, Columns, has_labels, read
from data.examples.rows import BadRows
from data.examples.types import AttackCounts
from data.examples.writing.files import PARQUET, rewrite_file

LABELS = ("label_column", "label_kind", "separator")
"""Of `Columns`, what no typos depend on."""

TASK_HELP = f"of IN: {' '.join(TASKS[: -len(OWN)])}, or {' '.join(OWN)} for data of your own"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="IN", help="labelled data, in any file that fine-tuning reads")
    parser.add_argument("--task", required=True, choices=TASKS, metavar="TASK", help=TASK_HELP)
    parser.add_argument(
        "--out",
        required=True,
        metavar="OUT",
        help="file to write, with the ending of IN; it may be compressed",
    )
    parser.add_argument(
        "--kind", default=Attack.kind, help=f"of attack: {describe_kinds()} (default: %(default)s)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=Attack.rate,
        metavar="R",
        help="share of the eligible words to change (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=Attack.seed, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--language",
        default=Attack.language,
        help=f"whose keyboard is used: {', '.join(KEYBOARDS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--misspellings", metavar="FILE", help="natural: list of misspellings (default: codespell's)"
    )
    parser.add_argument(
        "--contexts",
        action="store_true",
        help="squad, squad2, qa: attack the contexts too, not questions alone",
    )
    add_column_options(parser, LABELS)
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave rows out that cannot be used")
    parser.add_argument("--overwrite", action="store_true", help="write over a file that is there")


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Attack the file, write the other one, and return what was met and changed.

    Raises:
        CharBertError: an option is wrong, IN cannot be read, or OUT is IN, or is there already.
    """
    started = time.monotonic()
    attack = _attack_of(given)
    path, out = Path(given.file), Path(given.out)
    _check_files(path, out, given.overwrite)
    columns = Columns(task=given.task, **given_columns(given, LABELS))
    bad = _NotedBadRows(given.skip_bad_rows)
    found = read(columns, str(path), bad, _is_labelled(columns, path))
    examples = list(passing_bar(found, "reading", unit=" examples"))
    made = type(examples[0]).attack(examples, attack, given.contexts)
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as partial:
        rewrite_file(columns, path, out, partial, examples, made, bad.places)
    if bad:
        print(bad.summary(), file=sys.stderr)
    return {
        "examples": len(examples),
        **made.counts._asdict(),
        "eligible_percent": _percent(made.counts.eligible, made.counts),
        "changed_percent": _percent(made.counts.changed, made.counts),
        "left_out": len(bad),
        "seconds": time.monotonic() - started,
    }


class _NotedBadRows(BadRows):
    """Bad rows, and where they stand."""

    def __init__(self, skip: bool) -> None:
        super().__init__(skip)
        self.places: set[str] = set()

    def add(self, place: str, fault: str) -> None:
        super().add(place, fault)
        self.places.add(place)


def _attack_of(given: argparse.Namespace) -> Attack:
    if given.contexts and given.task not in ANSWERS:
        raise CharBertError(f"--contexts: {given.task} has none; it is for {', '.join(ANSWERS)}")
    return load_attack(given.kind, given.rate, given.seed, given.language, given.misspellings)


def _check_files(path: Path, out: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise CharBertError(f"{path}: is a folder; write its rows into a .parquet or .jsonl file first")
    if not path.exists():
        raise CharBertError(f"{path}: no such file")
    if out.is_dir():
        raise CharBertError(f"{out}: is a folder; name a file in it")
    if text_ending(out) != text_ending(path):
        raise CharBertError(f"{out}: must end as {path.name} does, whose form it gets; it may be compressed")
    if text_ending(out) == PARQUET != out.suffix.lower():
        raise CharBertError(f"{out}: must end in {PARQUET}, which is compressed by itself")
    if out.exists() and out.samefile(path):
        raise CharBertError(f"{out}: is the file to attack; give another one")
    if out.exists() and not overwrite:
        raise CharBertError(f"{out}: is there already; give another file or --overwrite")


def _is_labelled(columns: Columns, path: Path) -> bool:
    """Whether there are labels that must fit the words; their column may be missing if nobody named it."""
    column = {"tagging": "tags_column", "qa": "answers_column"}.get(columns.task)
    if column is None or has_labels(columns, str(path)):
        return columns.task != "text"
    name = getattr(columns, column)
    if name == getattr(Columns, column):
        print(f"{path}: has no column {name!r}, and is taken as data without labels", file=sys.stderr)
    return name != getattr(Columns, column)


def _percent(count: int, counts: AttackCounts) -> float:
    return 100 * count / counts.words if counts.words else 0.0
