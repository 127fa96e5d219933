"""Registry of tasks: the tasks by name (`TASKS`), and how to add one (`register_task`)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from charbert.errors import CharBertError
from data.examples.glue import GLUE
from data.examples.readers import Columns, find_reader, register_reader
from finetune.metrics.classification import GLUE_METRICS
from finetune.tasks.answers import AnswerTask
from finetune.tasks.base import Task
from finetune.tasks.tags import TagTask
from finetune.tasks.texts import CLASSIFICATION, REGRESSION, TextTask


class TaskEntry(NamedTuple):
    """The class of a task and what its name fixes; the reader of its data has the same name in `READERS`."""

    task: type[Task[Any, Any]]
    options: Mapping[str, Any] = {}
    """Arguments of the class that no setting changes."""
    submissions: Mapping[str, str] = {}
    """By name of a test set (`""` is the first): what GLUE's server calls its file of predictions."""

    def arguments(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the class, from settings that it knows and from `options`."""
        found = {argument: settings.get(name) for argument, name in self.task.SETTINGS.items()}
        return {name: value for name, value in found.items() if value is not None} | dict(self.options)


def _glue_entry(name: str, *submissions: str) -> TaskEntry:
    kind = CLASSIFICATION if find_reader(name).labels else REGRESSION
    names = dict(zip(("", "mismatched"), submissions, strict=False))
    options: dict[str, Any] = {"kind": kind, "measures": GLUE_METRICS[name]}
    if kind == REGRESSION:
        options["label_column"] = GLUE[name].column_names(Columns(task=name))["label"]
    return TaskEntry(TextTask, options, names)


TASKS: dict[str, TaskEntry] = {
    "cola": _glue_entry("cola", "CoLA"),
    "sst2": _glue_entry("sst2", "SST-2"),
    "mrpc": _glue_entry("mrpc", "MRPC"),
    "qqp": _glue_entry("qqp", "QQP"),
    "stsb": _glue_entry("stsb", "STS-B"),
    "mnli": _glue_entry("mnli", "MNLI-m", "MNLI-mm"),
    "qnli": _glue_entry("qnli", "QNLI"),
    "rte": _glue_entry("rte", "RTE"),
    "wnli": _glue_entry("wnli", "WNLI"),
    "squad": TaskEntry(AnswerTask, {"unanswerable": False}),
    "squad2": TaskEntry(AnswerTask, {"unanswerable": True}),
    "ner": TaskEntry(TagTask, {"entities": True}),
    "pos": TaskEntry(TagTask, {"entities": False}),
    "text": TaskEntry(TextTask),
    "tagging": TaskEntry(TagTask),
    "qa": TaskEntry(AnswerTask),
}


def register_task(
    name: str, task: type[Task[Any, Any]], reader: Any, submissions: Mapping[str, str] = {}, **options: Any
) -> None:
    """Add a task, or replace one, for all commands.

    Args:
        name: of the task, as `--task` takes it.
        task: its class.
        reader: reads its data, as those of `READERS` do.
        submissions: as of `TaskEntry`.
        options: arguments of the class that no setting changes.
    """
    register_reader(name, reader)
    TASKS[name] = TaskEntry(task, options, submissions)


def find_task(name: str) -> TaskEntry:
    """The entry of a task.

    Raises:
        CharBertError: there is none.
    """
    if name not in TASKS:
        raise CharBertError(f"--task: {name!r} is unknown; choose one of {', '.join(TASKS)}")
    return TASKS[name]


def find_labels(name: str, examples: Sequence[Any], settings: Mapping[str, Any]) -> list[str]:
    """The classes of a task: its own, or those of the training data, sorted.

    Raises:
        CharBertError: there are fewer than two, or one that cannot be written into a file of predictions.
    """
    entry, labels = find_task(name), find_reader(name).labels
    return entry.task.find_labels(examples, **entry.arguments(settings)) if labels is None else list(labels)


def make_task(
    name: str, labels: Sequence[str], settings: Mapping[str, Any], threshold: float | None = None
) -> Task[Any, Any]:
    """The task of a name.

    Args:
        name: of the task.
        labels: as `find_labels` gives them.
        settings: by name, of which the task takes those that it knows.
        threshold: what was tuned on the dev set.
    """
    entry = find_task(name)
    return entry.task(labels=labels, threshold=threshold, **entry.arguments(settings))
