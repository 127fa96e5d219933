"""The models of a report: folders of fine-tuning runs, one per seed, perhaps with a word recogniser."""

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from charbert.backbones import is_charbert
from charbert.checkpoints import read_config
from charbert.errors import CharBertError
from charbert.export import is_exported
from charbert.recognizer.modeling import UNKNOWN_WORDS
from finetune.batches import Padding
from finetune.inference import Predictor, default_tokens
from finetune.models import TASK_FILE, load_finetuned, load_task, load_tokenizer
from finetune.predict import CHUNK
from finetune.recognition import CorrectWords, load_recognizer, recognize_words
from finetune.robustness.settings import SEPARATOR, split_model
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task

PASS, NEUTRAL, BACKOFF = UNKNOWN_WORDS
TIMED, ROUNDS = 200, 3  # examples, passes over them
_TRIED = (4, 16, 256)  # examples of an estimate, the first to warm up
_SEED_FOLDER = re.compile(r"seed-(\d+)")


class Run(NamedTuple):
    """A model that was fine-tuned once."""

    folder: Path
    settings: FinetuneSettings
    task: Task[Any, Any]


class Recognizer(NamedTuple):
    """A word recogniser and how it treats words that it does not know, or a CharBERT with its noisy LM."""

    folders: tuple[Path, ...]
    """Its own, and that of another one if that reads the words that this does not know."""
    unknown: str | None
    """One of `UNKNOWN_WORDS`; of a noisy LM its threshold, or None."""
    models: list[PreTrainedModel]
    correct: CorrectWords

    def __str__(self) -> str:
        return SEPARATOR.join([*map(str, self.folders), self.unknown or ""][:2]).removesuffix(SEPARATOR)


class ComparedModel(NamedTuple):
    """A model under the name that a report gives it."""

    name: str
    recognizer: Recognizer | None
    """Reads the text before the model."""
    runs: tuple[Run, ...]
    """One, or one per seed."""
    is_uncased: bool = False
    """Whether its tokenizer reads small letters only."""


def find_models(given: Sequence[str]) -> list[ComparedModel]:
    """The models of a report.

    Args:
        given: of each, a text as of `split_model`. A recogniser passes words on that it does not know,
            replaces them by a neutral one, or leaves them to another recogniser.

    Raises:
        CharBertError: a folder is not the output of a fine-tuning run, two models have one name, or they
            were trained for different tasks.
    """
    models = [_find_model(text) for text in given]
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise CharBertError(f"--models: two have the name {name!r}; write one of them as NAME=FOLDER")
    first = models[0].runs[0]
    for run in (run for model in models for run in model.runs):
        if _task_key(run) != _task_key(first):
            raise CharBertError(
                f"{run.folder}: was trained for {_describe_task(run, first)}, and {first.folder} for "
                f"{_describe_task(first, run)}; a report compares models of one task"
            )
    return models


def _find_model(text: str) -> ComparedModel:
    name, folder, reader = split_model(text)
    runs = []
    for each in _find_runs(Path(folder)):
        runs.append(Run(each, *load_task(each)))
        read_config(each)
    tokenizer = load_tokenizer(str(runs[0].folder))
    is_uncased = tokenizer.tokenize("A") == tokenizer.tokenize("a")
    return ComparedModel(name, _find_recognizer(*reader), tuple(runs), is_uncased)


def _find_runs(folder: Path) -> list[Path]:
    """The folder, or those of its seeds, unfinished ones too, so that none is left out in silence."""
    seeds = {
        int(found[1]): path for path in folder.glob("seed-*") if (found := _SEED_FOLDER.fullmatch(path.name))
    }
    if (folder / TASK_FILE).is_file() or not seeds:
        return [folder]
    return [seeds[seed] for seed in sorted(seeds)]


def _find_recognizer(folder: str | None = None, variant: str | None = None) -> Recognizer | None:
    if folder is None:
        return None
    folders: tuple[Path, ...] = (Path(folder),)
    unknown = variant
    if not is_charbert(read_config(folder)):
        if variant in (None, PASS, NEUTRAL):
            unknown = variant or PASS
        else:
            folders, unknown = (Path(folder), Path(variant)), BACKOFF
    return Recognizer(folders, unknown, *load_recognizer(folders, unknown))


def _task_key(run: Run) -> tuple[Any, ...]:
    """Equal for models that can be compared."""
    return run.settings.task, run.task.variant, frozenset(run.task.labels)


def _describe_task(run: Run, other: Run) -> str:
    """What distinguishes the task of a run from that of another."""
    if run.settings.task != other.settings.task:
        return run.settings.task
    if set(run.task.labels) != set(other.task.labels):
        if not run.task.labels:
            return "numbers"
        more = sorted(set(run.task.labels) - set(other.task.labels))
        return f"{len(run.task.labels)} labels" + (f" with {', '.join(more[:3])}" if more else "")
    return f"{run.settings.task} of another form"


def describe_device() -> str:
    """The device that models are loaded onto, in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"


class LoadedModel:
    """The model of a run on the device, with the word recogniser that reads before it.

    Args:
        run: the folder of the model, and the task that it was trained for.
        recognizer: what reads before it, if anything does.
        batch_tokens: as of `Predictor`.
    """

    def __init__(self, run: Run, recognizer: Recognizer | None, batch_tokens: int) -> None:
        self.task = run.task
        self.bf16 = run.settings.bf16
        self.model, self.tokenizer = load_finetuned(str(run.folder), run.task)
        self.is_exported = is_exported(run.folder)
        self.device = self.model.device
        self.batch_tokens = batch_tokens or default_tokens(self.device)
        self.padding = Padding(self.tokenizer)
        self._predictor = Predictor(
            run.task, self.model, self.tokenizer, batch_tokens=batch_tokens, bf16=self.bf16
        )
        self._recognizer = recognizer
        self._readers = [each.to(self.device) for each in recognizer.models] if recognizer else []

    @property
    def parameters(self) -> int | None:
        """Of the model, and of the recogniser; of an exported one they are not known."""
        if self.is_exported:
            return None
        return sum(weight.numel() for model in (self.model, *self._readers) for weight in model.parameters())

    def read(self, examples: Sequence[Any]) -> list[Any]:
        """The examples as the recogniser passes them to the model."""
        return recognize_words(examples, self._recognizer.correct) if self._recognizer else list(examples)

    def predict(self, examples: Sequence[Any]) -> list[Any]:
        """Predictions for examples that are read already."""
        chunks = (examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK))
        return [prediction for chunk in chunks for prediction in self._predictor(chunk)]

    def estimate_seconds(self, examples: Sequence[Any]) -> float:
        """Roughly the time per example, of few of them or, where these take hardly any, of more."""
        seconds = 0.0
        for count in _TRIED:
            sample = examples[:: max(1, len(examples) // count)][:count]
            started = perf_counter()
            self.predict(self.read(sample))
            seconds = (perf_counter() - started) / len(sample)
            if count > _TRIED[0] and seconds * len(sample) > 0.5:
                break
        return seconds

    def milliseconds_per_example(self, examples: Sequence[Any]) -> float:
        """The median time from text to prediction, the recogniser's included, after a warm pass."""
        sample = list(examples[:TIMED])
        times = []
        for _ in range(1 + ROUNDS):
            started = perf_counter()
            self.predict(self.read(sample))
            times.append(perf_counter() - started)
        return 1000 * median(times[1:]) / len(sample)
