"""The models of a report: folders of fine-tuning runs, one for each seed, perhaps with a recogniser."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from charbert.checkpoints import read_config
from charbert.errors import CharBertError
from charbert.recognizer.modeling import UNKNOWN_WORDS, WordRecognizer
from finetune.models import TASK_FILE, load_task
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task

MARK = "::"
FORM = "[NAME=]FOLDER, [NAME=]FOLDER::RECOGNIZER, or that with ::neutral or ::ANOTHER_RECOGNIZER behind it"
PASS, NEUTRAL, BACKOFF = UNKNOWN_WORDS
_SEED_FOLDER = re.compile(r"seed-(\d+)")


class Run(NamedTuple):
    """A model that was fine-tuned once."""

    folder: Path
    settings: FinetuneSettings
    task: Task[Any, Any]


class Recognizer(NamedTuple):
    """A word recogniser, and what it does with words that it does not know."""

    folder: Path
    unknown: str
    backoff: Path | None
    """Another one, which reads those."""

    @property
    def folders(self) -> list[Path]:
        return [self.folder] if self.backoff is None else [self.folder, self.backoff]

    def __str__(self) -> str:
        return MARK.join([str(self.folder), *([str(self.backoff)] if self.backoff else [self.unknown])])


class ComparedModel(NamedTuple):
    """A model under the name that a report gives it."""

    name: str
    recognizer: Recognizer | None
    """Reads the text before the model."""
    runs: tuple[Run, ...]
    """One, or one of each seed."""


def compared_models(given: Sequence[str]) -> list[ComparedModel]:
    """The models of a report.

    Args:
        given: of each, `FORM`; without a name it gets that of its folder. A recogniser passes words on that
            it does not know, puts a neutral one in their place, or leaves them to another one.

    Raises:
        CharBertError: a folder is not the output of a fine-tuning run, two models have one name, or they
            were trained for different tasks.
    """
    models = [_model_of(text) for text in given]
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise CharBertError(f"models: two have the name {name!r}; write one of them as NAME=FOLDER")
    first = models[0].runs[0]
    for run in (run for model in models for run in model.runs):
        if _kind_of_task(run) != _kind_of_task(first):
            raise CharBertError(
                f"{run.folder}: was trained for {_spoken_task(run, first)}, and {first.folder} for "
                f"{_spoken_task(first, run)}; a report compares models of one task"
            )
    return models


def _model_of(text: str) -> ComparedModel:
    source, *reader = text.split(MARK)
    name, equals, folder = source.partition("=")
    if not equals or Path(source).is_dir():
        name, folder = Path(source).resolve().name, source
        name = " + ".join([name, *(Path(part).name for part in reader)])
    if len(reader) > 2 or not all((name.strip(), folder, *reader)):
        raise CharBertError(f"models: {text!r} is not {FORM}")
    return ComparedModel(
        name.strip(), _recognizer_of(*reader), tuple(map(_run_of, _run_folders(Path(folder))))
    )


def _recognizer_of(folder: str | None = None, variant: str = PASS) -> Recognizer | None:
    if folder is None:
        return None
    is_named = variant in (PASS, NEUTRAL)
    found = Recognizer(Path(folder), variant if is_named else BACKOFF, None if is_named else Path(variant))
    for each in found.folders:
        WordRecognizer.from_pretrained(each)  # so that another model in its place is noticed now
    return found


def _run_folders(folder: Path) -> list[Path]:
    """The folder, or those of its seeds, unfinished ones too, so that none is left out in silence."""
    seeds = {
        int(found[1]): path for path in folder.glob("seed-*") if (found := _SEED_FOLDER.fullmatch(path.name))
    }
    if (folder / TASK_FILE).is_file() or not seeds:
        return [folder]
    return [seeds[seed] for seed in sorted(seeds)]


def _run_of(folder: Path) -> Run:
    settings, task = load_task(folder)
    read_config(folder)
    return Run(folder, settings, task)


def _kind_of_task(run: Run) -> tuple[Any, ...]:
    return run.settings.task, run.task.variant, frozenset(run.task.labels)


def _spoken_task(run: Run, other: Run) -> str:
    """What sets the task of a run apart from that of another."""
    if run.settings.task != other.settings.task:
        return run.settings.task
    if set(run.task.labels) != set(other.task.labels):
        if not run.task.labels:
            return "numbers"
        more = sorted(set(run.task.labels) - set(other.task.labels))
        return f"{len(run.task.labels)} labels" + (f" with {', '.join(more[:3])}" if more else "")
    return f"{run.settings.task} of another form"
