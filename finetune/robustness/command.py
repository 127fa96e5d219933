"""`python -m finetune robustness CONFIG.yaml --models A B C`: how much typos cost each model."""

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import torch

from charbert.commands.cache import ResultCache
from charbert.commands.devices import find_device
from charbert.commands.output import output_folder, say_finished, whole_file
from charbert.commands.results import RESULTS, write_results
from charbert.commands.settings import format_command
from charbert.errors import CharBertError
from charbert.hub.cards import add_robustness
from finetune.inference import default_tokens
from finetune.robustness.conditions import TestSet
from finetune.robustness.measure import measure_models
from finetune.robustness.models import find_models
from finetune.robustness.page import render_page
from finetune.robustness.report import Content, flatten_numbers, make_report
from finetune.robustness.sentences import describe_preset, write_card_rows, write_headline, write_notes
from finetune.robustness.settings import RobustnessSettings

logger = logging.getLogger(__name__)
# The config holds the defaults, so that it needs only the options that differ from them.
PROGRAM = "python -m finetune robustness finetune/configs/robustness.yaml"
CACHE, PAGE, REPORT = "cache.jsonl", "report.html", "report.json"


def run(settings: RobustnessSettings) -> None:
    """Write the report, and print its headline."""
    content = compare_models(settings)
    place = f"report in {Path(settings.output) / PAGE}"
    print(
        "\n".join(["", write_headline(content), describe_preset(content), *write_notes(content), "", place])
    )


def compare_models(settings: RobustnessSettings) -> Content:
    """Measure the models on clean and attacked text, and write the report into the output folder.

    Returns:
        the content of `report.json`.

    Raises:
        CharBertError: models, data and settings do not fit together, which shows before anything is measured;
            or the device has too little memory.
    """
    with output_folder(settings) as output:
        return _fill(settings, output)


def _fill(settings: RobustnessSettings, output: Path) -> Content:
    if (output / RESULTS).exists() and not (output / CACHE).exists():
        raise CharBertError(f"{output}: holds the {RESULTS} of another command; give another folder")
    models = find_models(settings.models)
    first = models[0].runs[0]
    if settings.budgets and not first.task.has_right_answers:
        raise CharBertError(
            "--budgets: a number is never simply right or wrong; leave it out for such models"
        )
    test = TestSet(settings, first)
    if settings.overwrite:
        (output / CACHE).unlink(missing_ok=True)
    attack = {
        "budgets": settings.budgets,
        "variants": settings.variants,
        "language": settings.language,
        "seed": settings.seeds[0],
        "count": settings.searched_examples,
    }
    batch_tokens = settings.batch_tokens or default_tokens(find_device())
    settings = replace(settings, batch_tokens=batch_tokens)  # noted in the report as it was
    cache = ResultCache(output / CACHE)
    known = len(cache)
    try:
        measured = measure_models(
            models, test, cache, batch_tokens=batch_tokens, attack=attack if settings.budgets else None
        )
    except torch.OutOfMemoryError as error:
        raise CharBertError(
            f"the device has too little memory for batches of {batch_tokens} tokens; go on with "
            "--resume and fewer --batch-tokens"
        ) from error
    if len(cache) == known and (output / RESULTS).exists():
        say_finished(output)
    content = make_report(test, first.task, measured, settings.examples) | {
        "settings": asdict(settings),
        "command": format_command(PROGRAM, settings),
    }
    _write(output, content)
    if bad := test.bad_rows():
        print(bad)
    return content


def _write(output: Path, content: Content) -> None:
    """Write the report, its numbers, and what the cards of the models say of them."""
    for name, text in (
        (REPORT, json.dumps(content, indent=2, ensure_ascii=False) + "\n"),
        (PAGE, render_page(content)),
    ):
        with whole_file(output / name) as partial:
            partial.write_text(text, encoding="utf-8")
    write_results(output, flatten_numbers(content), content["settings"])
    for model in content["models"]:
        for folder in model["folders"] if model["recognizer"] is None else ():
            try:
                add_robustness(folder, write_card_rows(content, model))
            except CharBertError as error:
                logger.warning("its model card is left as it is: %s", error)
