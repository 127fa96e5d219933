"""`python -m finetune predict MODEL FILE --out FILE`: what a fine-tuned model makes of a file."""

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from charbert.commands.progress import at_least, progress_bar
from charbert.commands.results import whole_file
from charbert.commands.settings import restore_settings
from charbert.errors import CharBertError
from data.examples.rows import BadRows
from finetune.inference import Predictor
from finetune.models import load_finetuned
from finetune.run import TASK_FILE
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import read, task_of

CHUNK = 1000  # examples in memory
LINES = ".jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="output folder of a fine-tuning run")
    parser.add_argument("file", metavar="FILE", help="data as the run read it, or without its labels")
    parser.add_argument(
        "--out",
        required=True,
        metavar="OUT",
        help="file to write, in the order of FILE: JSON lines (.jsonl), or the form that the field's scorer "
        "reads (.tsv, .conll, .json)",
    )
    parser.add_argument(
        "--batch-size", type=at_least(1), default=64, metavar="N", help="default: %(default)s"
    )
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave rows out that cannot be used")


def run(given: argparse.Namespace) -> None:
    settings, task = load_task(Path(given.model))
    out, bad = Path(given.out), BadRows(given.skip_bad_rows)
    if out.suffix not in (LINES, task.ending):
        raise CharBertError(f"{out}: must end in {LINES} or {task.ending}")
    if not out.parent.is_dir():
        raise CharBertError(f"{out}: there is no folder {out.parent}; make it first")
    model, tokenizer = load_finetuned(given.model, task)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).eval()
    predictor = Predictor(task, model, tokenizer, batch_size=given.batch_size, bf16=settings.bf16)
    examples = read(settings, given.file, bad, labelled=False)
    kept: tuple[list[Any], list[Any]] = [], []
    with whole_file(out) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        for chunk in _chunks(examples):
            predictions = predictor(chunk)
            if out.suffix == LINES:
                for record in task.records(chunk, predictions):
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                kept[0].extend(chunk)
                kept[1].extend(predictions)
        if out.suffix != LINES:
            task.write(*kept, partial)
    if bad:
        print(bad.summary())
    print(f"predictions in {out}")


def load_task(folder: Path) -> tuple[FinetuneSettings, Task[Any, Any]]:
    """What the model of a folder was trained for.

    Raises:
        CharBertError: there is no such folder, or it is not the output of a fine-tuning run.
    """
    if not folder.is_dir():
        raise CharBertError(f"{folder}: no such folder; give the output folder of a fine-tuning run")
    try:
        content = json.loads((folder / TASK_FILE).read_bytes())
        settings = restore_settings(FinetuneSettings, content["settings"])
        return settings, task_of(settings, content["labels"], content["threshold"])
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise CharBertError(
            f"{folder}: has no {TASK_FILE} that can be read; give the output folder of a fine-tuning run"
        ) from error


def _chunks(examples: Iterator[Any]) -> Iterator[list[Any]]:
    with progress_bar(desc="predicting", unit=" examples") as bar:
        while chunk := list(islice(examples, CHUNK)):
            yield chunk
            bar.update(len(chunk))
