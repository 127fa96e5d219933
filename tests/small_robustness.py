"""Reports of robustness without models: what two of them were measured to do."""

from pathlib import Path
from typing import Any

from charbert.noise import KINDS
from finetune.robustness.compared import ComparedModel, Run
from finetune.robustness.conditions import Condition
from finetune.robustness.measure import MeasuredModel, MeasuredRun
from finetune.settings import FinetuneSettings

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
        self.rates = [0.0, 1.0]

    def main(self, seed: int) -> Condition:
        return Condition(self.kinds[0], 1.0, seed)

    def is_detailed(self, condition: Condition) -> bool:
        return True

    def under(self, condition: Condition) -> tuple[list[Any], None]:
        return self._noised, None
