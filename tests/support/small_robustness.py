"""Reports of robustness: of small runs, and without models, of what two were measured to do."""

import json
from pathlib import Path
from typing import Any

import yaml
from plain import save_plain
from small_finetuning import write_conll, write_csv, write_finetune_config, write_squad

from charbert.noise import KINDS
from finetune.__main__ import main
from finetune.robustness.conditions import Condition
from finetune.robustness.measure import MeasuredModel, MeasuredRun
from finetune.robustness.models import ComparedModel, Run
from finetune.settings import FinetuneSettings

SETTINGS = {"kinds": ["paper", "space"], "rates": [0, 0.5, 1], "seeds": [1, 2], "examples": 1}
WORDS = {"words": 100, "eligible": 60, "changed": 50, "untouched": 1}


def cell(f1: float, right: str = "1111", said: str = "x") -> dict[str, Any]:
    """A condition of four examples: its F1, also without any quarter of them, and which are right."""
    return {
        "scores": {"f1": f1, "accuracy": 0.5},
        "words": WORDS,
        "right": [each == "1" for each in right],
        "said": [said] * 4,
        "without": [f1, f1, f1, f1],
    }


def measured_run(clean: dict[str, Any], **under: dict[str, Any]) -> MeasuredRun:
    """A run; attacks are named as `drop_2`, of the kind drop with the seed 2."""
    conditions = {}
    for name, found in under.items():
        kind, _, seed = name.partition("_")
        conditions[Condition(kind, 1.0, int(seed))] = found
    moved = {"token_channel": {"all": 0.25}, "words": 9, "changed_words": 5, "left_out": 0}
    cost = {"milliseconds": 2.0, "parameters": 1000, "device": "CPU, 1 thread"}
    return MeasuredRun(clean, conditions, moved, None, cost)


def measured_model(name: str, *runs: MeasuredRun, task: Any = None) -> MeasuredModel:
    settings = FinetuneSettings(task="ner", output="o", model="m")
    model = ComparedModel(name, None, tuple(Run(Path(name), settings, task) for _ in runs))
    return MeasuredModel(model, list(runs))


class SmallTest:
    """A test set of four examples under the two seeds of one kind of attack."""

    def __init__(self, examples: list[Any], noised: list[Any], kind: str = "drop") -> None:
        self.examples, self._noised = examples, noised
        self.kinds, self.left_out = [kind], [each for each in KINDS if each == "natural"]
        self.attacks = [self.main(1), self.main(2)]
        self.files: list[Condition] = []
        self.rates, self.rate, self.seeds = [0.0, 1.0], 1.0, [1, 2]
        self.path, self.preset, self.available = "test.conll", "full", len(examples)

    def main(self, seed: int) -> Condition:
        return Condition(self.kinds[0], 1.0, seed)

    def is_detailed(self, condition: Condition) -> bool:
        return True

    def under(self, condition: Condition) -> tuple[list[Any], None]:
        return self._noised, None


def save_runs(folder: Path) -> Path:
    """Folders of runs: `plain` (two seeds) and `charbert` tag, `text` and `qa` do what they are called."""
    plain = save_plain(folder / "checkpoint", "bert", "model")
    tags, texts = write_conll(folder / "tags.conll"), write_csv(folder / "texts.csv")
    questions = write_squad(folder / "qa.json")
    tagging = {"task": "tagging", "train": tags, "dev": tags, "epochs": 3}
    qa = {"task": "qa", "train": questions, "dev": questions, "unanswerable": True}
    for name, given in {
        "plain": {**tagging, "model": plain, "seeds": [1, 2]},
        "charbert": {**tagging, "backbone": plain},
        "text": {"task": "text", "train": texts, "dev": texts, "model": plain, "epochs": 1},
        "qa": {**qa, "model": plain, "epochs": 1},
    }.items():
        main([str(write_finetune_config(folder / name, **given))])
    return folder


def reported(runs: Path, output: Path, models: list[str], test: str, **changes: Any) -> dict[str, Any]:
    """The content of `report.json` of a report on models of these folders."""
    config = output.with_suffix(".yaml")
    given = [model if "=" in model else str(runs / model) for model in models]
    content = {**SETTINGS, "models": given, "test": str(runs / test), "output": str(output), **changes}
    config.write_text(yaml.safe_dump(content))
    main(["robustness", str(config)])
    found: dict[str, Any] = json.loads((output / "report.json").read_text())
    return found
