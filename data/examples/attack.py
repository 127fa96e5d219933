"""`python -m data attack`: a labelled file with typos in its words, in the format that it has."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charbert.commands.output import output_file
from charbert.commands.paths import FILE
from charbert.commands.progress import passing_bar
from charbert.commands.results import format_numbers
from charbert.commands.settings import REQUIRED, option, positional
from charbert.compression import open_to_write, text_ending
from charbert.errors import CharBertError
from charbert.noise.settings import AttackSettings
from data.examples.readers import READERS, Columns, find_reader, read_examples
from data.examples.rows import BadRows


@dataclass(kw_only=True)
class AttackFileSettings(AttackSettings, Columns):
    """Which file is attacked, how, and where the result is written."""

    file: str = positional("labelled data, in any file that fine-tuning reads")
    output: str = option(
        REQUIRED,
        "file to write, with the ending of FILE; it may be compressed",
        writes=FILE,
        section="output",
    )
    contexts: bool = option(False, "squad, squad2, qa: attack the contexts too, not questions alone")
    skip_bad_rows: bool = option(False, "leave rows out that cannot be used", section="inputs")
    overwrite: bool = option(False, "write over a file that is there", section="output")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not find_reader(self.task).has_contexts and self.contexts:
            others = [task for task, reader in READERS.items() if reader.has_contexts]
            raise CharBertError(f"--contexts: {self.task} has none; it is for {', '.join(others)}")


def run(settings: AttackFileSettings) -> None:
    """Attack the file, write the other one, and print the counts of words.

    Raises:
        CharBertError: the file cannot be read, or the output is another kind of file, or exists already.
    """
    started = time.monotonic()
    path, output = Path(settings.file), Path(settings.output)
    reader, bad = find_reader(settings.task), BadRows(settings.skip_bad_rows)
    with output_file(settings) as unfinished:
        _check_files(path, output)
        attack = settings.load_attack()
        found = read_examples(settings, str(path), bad, _needs_labels(settings))
        examples: list[Any] = list(passing_bar(found, "reading", unit=" examples"))
        attacked = type(examples[0]).attack(examples, attack, settings.contexts)
        with open_to_write(unfinished, output.suffix) as file:
            reader.write_attacked(settings, path, file, attacked)
    if bad:
        print(bad.summary(), file=sys.stderr)
    counts = attacked.counts
    numbers = {
        "examples": len(examples),
        **counts._asdict(),
        "eligible_percent": 100 * counts.eligible / max(counts.words, 1),
        "changed_percent": 100 * counts.changed / max(counts.words, 1),
        "left_out": len(bad),
        "seconds": time.monotonic() - started,
    }
    print(format_numbers(numbers))


def _check_files(path: Path, output: Path) -> None:
    if path.is_dir():
        raise CharBertError(f"{path}: is a folder; write its rows into a .parquet or .jsonl file first")
    if not path.exists():
        raise CharBertError(f"{path}: no such file")
    if text_ending(output) != text_ending(path):
        raise CharBertError(
            f"{output}: must end as {path.name} does, whose format it gets; it may be compressed"
        )
    if text_ending(output) == ".parquet" != output.suffix.lower():
        raise CharBertError(f"{output}: must end in .parquet, which is compressed by itself")


def _needs_labels(settings: AttackFileSettings) -> bool:
    """Whether labels must move with the words; their column may be missing if nobody named it."""
    reader = find_reader(settings.task)
    if not reader.attack_needs_labels or reader.label_setting is None:
        return reader.attack_needs_labels
    if reader.has_labels(settings, settings.file):
        return True
    name, is_given = getattr(settings, reader.label_setting), reader.label_setting in settings.given
    if not is_given:
        print(
            f"{settings.file}: has no labels in a column {name!r}, and is taken as data without labels",
            file=sys.stderr,
        )
    return is_given
