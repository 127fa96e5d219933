"""`python -m finetune robustness CONFIG.yaml --models A B C`: how much typos cost each model."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from charbert.commands.results import RESULTS, check_output_folder, whole_file, write_results
from charbert.commands.settings import load_settings
from charbert.errors import CharBertError
from finetune.robustness.cells import Cells
from finetune.robustness.conditions import TestSet
from finetune.robustness.measure import measured
from finetune.robustness.models import compared_models
from finetune.robustness.page import page
from finetune.robustness.report import Content, flat_numbers, report_of
from finetune.robustness.settings import RobustnessSettings
from finetune.robustness.wording import headline

PROGRAM = "python -m finetune robustness"
DESCRIPTION = """Compare fine-tuned models on clean and on attacked text: report.html and report.json in the
output folder. All models must have learnt the same task. Several seeds of one model count as one."""
CELLS, PAGE, REPORT = "cells.jsonl", "report.html", "report.json"


def run(arguments: Sequence[str]) -> None:
    """The command."""
    settings = load_settings(RobustnessSettings, arguments, PROGRAM, DESCRIPTION)
    content = robustness(settings, shlex.join([*PROGRAM.split(), *arguments]))
    print(f"\n{headline(content)}\n\nreport in {Path(settings.output) / PAGE}")


def robustness(settings: RobustnessSettings, command: str = "") -> Content:
    """Measure the models of the settings and write the report into the output folder.

    Args:
        settings: of the report.
        command: what was typed, for the report to tell.

    Returns:
        the content of `report.json`.

    Raises:
        CharBertError: models, data and settings do not fit together, which shows before anything is measured;
            or the device has too little memory.
    """
    output = Path(settings.output)
    check_output_folder(output, settings.overwrite, settings.resume)
    if (output / RESULTS).exists() and not (output / CELLS).exists():
        raise CharBertError(f"{output}: holds the {RESULTS} of another command; give another folder")
    models = compared_models(settings.models)
    first = models[0].runs[0]
    if settings.worst_case and not first.task.has_right_answers:
        raise CharBertError(
            "worst_case: a number is never simply right or wrong; leave it out for such models"
        )
    test = TestSet(settings, first)
    output.mkdir(parents=True, exist_ok=True)
    if settings.overwrite:
        (output / CELLS).unlink(missing_ok=True)
    try:
        found = measured(settings, models, test, Cells(output / CELLS))
    except torch.OutOfMemoryError as error:
        raise CharBertError(
            f"the device has too little memory for batches of {settings.batch_size} examples; go on with "
            "--resume and a smaller --batch_size"
        ) from error
    content = report_of(settings, test, first.task, found) | {
        "settings": asdict(settings),
        "command": command,
    }
    for name, text in (
        (REPORT, json.dumps(content, indent=2, ensure_ascii=False) + "\n"),
        (PAGE, page(content)),
    ):
        with whole_file(output / name) as partial:
            partial.write_text(text, encoding="utf-8")
    write_results(output, flat_numbers(content), asdict(settings))
    if test.faults():
        print(test.faults())
    return content
