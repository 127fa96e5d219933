"""Every setting of a robustness report."""

from dataclasses import dataclass, field

import torch

from charbert.commands.settings import described
from charbert.errors import CharBertError
from charbert.noise import KINDS

PAPER_RATES = [0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]
GPU_BATCH, CPU_BATCH = 256, 64
LEAST = {"batch_size": 0, "limit": 2, "examples": 0, "worst_case_limit": 1, "worst_case_variants": 1}


@dataclass
class RobustnessSettings:
    """Keys of a config file. The first of `kinds` is the main attack: of the headline, curves, examples."""

    test: str = field(metadata={"help": "labelled data as the runs read theirs, not attacked"})
    models: list[str] = field(
        metadata={
            "help": "output folders of fine-tuning runs, each [NAME=]FOLDER or, with a word recogniser that "
            "reads before the model, [NAME=]FOLDER::RECOGNIZER; for words that this does not know "
            "::RECOGNIZER::neutral, or ::RECOGNIZER::ANOTHER"
        }
    )
    output: str = field(metadata={"help": "folder for report.html, report.json, results.json and cells"})

    kinds: list[str] = described(
        [], f"kinds of attack, the main one first: {' '.join(KINDS)}; if none is given, all that can be made"
    )
    rate: float = described(1.0, "share of the words that can be changed to change, kind by kind")
    rates: list[float] = described(PAPER_RATES, "such shares for the curves, of the main attack")
    seeds: list[int] = described([1, 2, 3], "seeds of the attacks")
    contexts: bool = described(False, "questions: attack their contexts too")
    misspellings: str | None = described(
        None, "file of misspellings for the kind natural; without one, codespell's"
    )
    language: str = described("en", "of the texts, for the kinds that know languages")
    attacked: list[str] = described(
        [], "files that are attacked already, each NAME=FILE, aligned with the test data example by example"
    )
    worst_case: list[int] = described(
        [], "edits an adversary may make in an example, such as 1 2; none: no search"
    )
    worst_case_limit: int = described(100, "examples searched, drawn by the first of the seeds")
    worst_case_variants: int = described(20, "variants of each word that are tried")

    examples: int = described(3, "examples shown of each model, and of where models differ")
    limit: int | None = described(None, "use the first so many examples")
    batch_size: int = described(0, f"examples per batch; 0: {GPU_BATCH} on a GPU, {CPU_BATCH} elsewhere")
    skip_bad_rows: bool = described(False, "leave rows out that cannot be used, and name them")
    resume: bool = described(False, "keep what the folder holds of the same measurements")
    overwrite: bool = described(False, "write into a folder that holds another report")

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise CharBertError(f"{name}={value} must be at least {least}")
        for name in ("models", "seeds", "rates"):
            if not getattr(self, name):
                raise CharBertError(f"{name}: give one at least")
        for name in ("seeds", "kinds", "rates"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise CharBertError(f"{name}={values}: give none twice")
        if any(seed < 0 for seed in self.seeds):
            raise CharBertError(f"seeds={self.seeds} must be at least 0")
        for kind in self.kinds:
            if kind not in KINDS:
                raise CharBertError(f"kinds: {kind!r} is unknown; choose of {', '.join(KINDS)}")
        for rate in self.rates:
            if not 0 <= rate <= 1:
                raise CharBertError(f"rates: {rate} must lie between 0 and 1")
        if not 0 < self.rate <= 1:
            raise CharBertError(f"rate={self.rate} must lie above 0, and not above 1")
        if any(budget < 1 for budget in self.worst_case):
            raise CharBertError(f"worst_case={self.worst_case}: each must be at least 1")
        if not self.batch_size:
            self.batch_size = GPU_BATCH if torch.cuda.is_available() else CPU_BATCH
        if self.resume and self.overwrite:
            raise CharBertError("resume and overwrite exclude each other")
