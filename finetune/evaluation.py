"""What a trained model makes of the sets of a run: scores, what stands behind them, predictions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charbert.commands.results import is_main_process
from finetune.analysis import word_split, write_report
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import SUBMISSIONS

PREDICTIONS = "predictions"


def evaluated(
    settings: FinetuneSettings,
    task: Task[Any, Any],
    tokenizer: Any,
    output: Path,
    split: str,
    sets: Mapping[str, list[Any]],
    predictions: Mapping[str, list[Any]],
) -> dict[str, float]:
    """The scores of a split's sets, as `dev_f1` or, of a further set, `dev_mismatched_accuracy`.

    Their predictions, under the task's threshold, and where it is asked for, reports go to the folder of the
    run. A set in which nothing tells what is right is predicted only.
    """
    numbers: dict[str, float] = {}
    for name, examples in sets.items():
        decided = task.with_threshold(predictions[name])
        full_name = f"{split}_{name}" if name else split
        if all(example.is_labelled for example in examples):
            scores = task.score(examples, decided)
            if settings.word_split:
                scores |= word_split(examples, decided, tokenizer)
            numbers |= {f"{full_name}_{measure}": value for measure, value in scores.items()}
            if settings.report and is_main_process():
                write_report(task, examples, decided, output, full_name)
        if is_main_process():
            of_server = SUBMISSIONS.get(settings.task) if split == "test" else None
            path = output / PREDICTIONS / f"{of_server[name] if of_server else full_name}{task.ending}"
            path.parent.mkdir(exist_ok=True)
            task.write(examples, decided, path)
    return numbers
