"""Cards of trained models: what `results.json` has of a run, for the README.md of its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charbert.commands.results import read_results, select_numbers
from charbert.hub.cards import Facts, short_name, write_card

SPLITS = ("dev", "test", "eval")
# Of the settings of the programs, in this order, where they are not empty.
_SETTINGS = (
    *("task", "plain", "teacher", "student_layers", "tuning", "probe"),
    *("epochs", "batch_size", "gradient_accumulation_steps", "learning_rate", "max_length"),
    *("mlm_probability", "noise_probability", "noise_edits", "noise_schedule"),
    *("augmentation", "augmentation_kind", "augmentation_rate"),
)
_NUMBERS = ("train_examples", "steps", "best_step", "samples_seen", "seconds")
_OF_AUGMENTATION = "augmentation_"


def write_run_card(folder: Path) -> None:
    """Write the card of a run that has its results, unless somebody wrote or edited one."""
    write_card(folder, run_facts(folder), renew=True)


def run_facts(folder: Path) -> Facts:
    """What `results.json` has of a training, without the paths of this machine.

    Raises:
        CharBertError: there is none that can be read.
    """
    results = read_results(folder)
    settings, numbers = results.get("settings", {}), select_numbers(results)
    given = {name: settings[name] for name in _SETTINGS if settings.get(name)}
    if "augmentation" not in given:
        given = {name: value for name, value in given.items() if not name.startswith(_OF_AUGMENTATION)}
    if "teacher" in given:
        given["teacher"] = short_name(given["teacher"])
    versions = [f"{name} {version}" for name, version in results.get("versions", {}).items()]
    base = settings.get("teacher") or settings.get("model") or settings.get("backbone")
    origin = {} if base else {"started from": "scratch"}
    counted = {name: f"{numbers[name]:,.0f}" for name in _NUMBERS if numbers.get(name)}
    scores: dict[str, dict[str, float | None]] = {}
    for name, value in numbers.items():
        split, _, measure = name.partition("_")
        if split in SPLITS and isinstance(value, int | float | None):
            scores.setdefault(split, {})[measure] = value
    trained_on = settings.get("stream") or settings.get("train") or settings.get("data") or []
    data = [trained_on] if isinstance(trained_on, str) else list(trained_on)
    measured_on = {
        split: short_name(settings.get(split) or settings.get("data") or next(iter(data), split))
        for split in scores
    }
    return Facts(
        base=base,
        data=data,
        training=_readable(origin | given | counted | {"seed": results.get("seed"), "versions": versions}),
        scores=scores,
        test_data=measured_on,
        parameters=numbers.get("parameters"),
    )


def _readable(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Names of settings as words, lists with commas."""
    return {
        name.replace("_", " "): ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in rows.items()
    }
