"""Settings of a robustness report: models, test data, attacks, and the search for worst cases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from charbert import models
from charbert.commands.paths import DATA, FILE, FOLDER, check_exists
from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError
from charbert.noise import KEYBOARDS, KINDS
from finetune.settings import BATCH_TOKENS, SKIP_BAD_ROWS

PAPER_RATES = [0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]
QUICK, FULL = "quick", "full"
PRESET_SEEDS = {QUICK: (1,), FULL: (1, 2, 3)}
QUICK_EXAMPLES = 500
QUICK_KINDS, QUICK_COUNT = ("paper", "natural", "ocr", "space", "unicode"), 4  # the first of them available

SEPARATOR = "::"
_NUMBER = re.compile(r"\d*\.?\d+")
SYNTAX = (
    "[NAME=]FOLDER, [NAME=]FOLDER::RECOGNIZER, that followed by ::neutral or ::ANOTHER_RECOGNIZER, or "
    "[NAME=]FOLDER::CORRECTOR[::THRESHOLD]"
)


@dataclass(kw_only=True)
class RobustnessSettings(Settings):
    """Keys of a config file. The first of `kinds` is the main attack: of the headline, curves, examples."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        **Settings.RENAMED,
        "batch_size": "batch_tokens",
        "worst_case": "budgets",
        "worst_case_limit": "searched_examples",
        "worst_case_variants": "variants",
    }

    test: str = option(
        REQUIRED, "labelled data as the runs read theirs, not attacked", reads=DATA, section="inputs"
    )
    models: list[str] = option(
        REQUIRED,
        "output folders of fine-tuning runs or their exports, each [NAME=]FOLDER or, with a word recogniser "
        "that reads before the model, [NAME=]FOLDER::RECOGNIZER; for words that this does not know "
        "::RECOGNIZER::neutral, or ::RECOGNIZER::ANOTHER; with a pre-trained CharBERT that corrects the text "
        "first [NAME=]FOLDER::CORRECTOR",
        reads="[NAME=]FOLDER",
    )
    output: str = option(
        REQUIRED,
        "folder for report.html, report.json, results.json and the cache",
        writes=FOLDER,
        section="output",
    )

    preset: str = option(
        QUICK,
        f"how much is measured where other options do not say: {QUICK}: {QUICK_EXAMPLES} examples, one seed, "
        f"four kinds of attack; {FULL}: all examples, seeds 1 2 3, all kinds",
        choices=(QUICK, FULL),
        section="attacks",
    )
    kinds: list[str] = option(
        [],
        f"kinds of attack, the main one first: {' '.join(KINDS)}; if none is given, those of the preset that "
        "are available",
        choices=KINDS,
        unique=True,
    )
    rate: float = option(1.0, "share of the eligible words to change, kind by kind", above=0, maximum=1)
    rates: list[float] = option(
        PAPER_RATES, "such shares for the curves, of the main attack", minimum=0, maximum=1, unique=True
    )
    seeds: list[int] = option(
        [], "seeds of the attacks; if none is given, those of the preset", minimum=0, unique=True
    )
    contexts: bool = option(False, "questions: attack their contexts too")
    misspellings: str | None = option(
        None, "file of misspellings for the kind natural; without one, codespell's", reads=FILE
    )
    language: str = option(
        "en", "language of the texts, for the kinds that know languages", choices=KEYBOARDS
    )
    attacked: list[str] = option(
        [],
        "files that are attacked already, each NAME=FILE, aligned with the test data example by example",
        reads="NAME=FILE",
    )

    budgets: list[int] = option(
        [],
        "words of an example that an adversary may edit, such as 1 2; none: no search",
        minimum=1,
        section="worst cases",
    )
    searched_examples: int = option(100, "examples searched, drawn by the first of the seeds", minimum=1)
    variants: int = option(20, "variants of each word that the search tries", minimum=1)

    examples: int = option(
        3, "examples shown of each model, and of where models differ", minimum=0, section="report"
    )
    limit: int | None = option(
        None, "use the first so many examples; if not given, the preset's, drawn by the first seed", minimum=2
    )
    batch_tokens: int | None = option(None, BATCH_TOKENS, minimum=1)
    skip_bad_rows: bool = option(False, SKIP_BAD_ROWS)
    resume: bool = option(False, "keep what the folder holds of the same measurements", section="output")
    overwrite: bool = option(False, "write into a folder that holds another report")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seeds = self.seeds or list(PRESET_SEEDS[self.preset])
        for name in ("models", "rates"):
            if not getattr(self, name):
                raise CharBertError(f"--{name}: give one at least")

    def check_paths(self) -> None:
        super().check_paths()
        for text in self.models:
            _, folder, reader = split_model(text)
            for each in (folder, *reader):
                # Instead of another recogniser; a threshold is looked at with its corrector.
                if each not in ("pass", "neutral") and not _NUMBER.fullmatch(each):
                    check_exists("--models", each, FOLDER)
        for text in self.attacked:
            check_exists("--attacked", text.partition("=")[2], DATA)


def split_model(text: str) -> tuple[str, str, list[str]]:
    """Name, folder, and word recogniser of a model of a report; without a name it gets that of its folder.

    Raises:
        CharBertError: the text is not `SYNTAX`.
    """
    source, *reader = text.split(SEPARATOR)
    name, equals, folder = source.partition("=")
    if not equals or Path(source).is_dir():
        name, folder = Path(source).resolve().name, source
        name = " + ".join([name, *(Path(part).name for part in reader)])
    if len(reader) > 2 or not all((name.strip(), folder, *reader)):
        raise CharBertError(f"--models: {text!r} is not {SYNTAX}")
    return name.strip(), folder, [models.find(part) for part in reader]
