"""From what was measured to `report.json`: scores, drops, intervals, by model and by attack."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from charbert.commands.results import versions
from finetune.robustness.cells import Cell
from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.flips import chosen_examples, flipped
from finetune.robustness.measure import MeasuredModel, MeasuredRun
from finetune.robustness.settings import RobustnessSettings
from finetune.robustness.spread import over_examples, over_seeds
from finetune.tasks.base import Task

UNIT = "points, 0 to 100"
Content = dict[str, Any]


def report_of(
    settings: RobustnessSettings, test: TestSet, task: Task[Any, Any], models: Sequence[MeasuredModel]
) -> Content:
    """The content of `report.json`. Scores are in points: percent, and a correlation times 100."""
    name = models[0].model.runs[0].settings.task
    parts = [_Model(settings, test, task.metric, task.points, found) for found in models]
    return {
        "task": name,
        "measure": task.metric,
        "unit": UNIT,
        "test": settings.test,
        "examples": len(test.examples),
        "main_attack": {"kind": test.kinds[0], "rate": settings.rate},
        "kinds": test.kinds,
        "kinds_left_out": test.left_out,
        "attacks": _attacks(test, models[0].runs[0]),
        "models": [part.content() for part in parts],
        "comparisons": _comparisons(parts),
        "shown_examples": chosen_examples(settings, test, task, models),
        "versions": versions(),
    }


def flat_numbers(content: Content) -> dict[str, Any]:
    """The main numbers under flat names, for `results.json`."""
    numbers: dict[str, Any] = {"examples": content["examples"]}
    for model in content["models"]:
        for name, key in (("clean", "clean"), ("attacked", "attacked"), ("lost", "drop")):
            for statistic in ("mean", "std", "low", "high"):
                if statistic in model[key]:
                    ending = "" if statistic == "mean" else f"_{statistic}"
                    numbers[f"{model['name']}_{name}_{content['measure']}{ending}"] = model[key][statistic]
        for kind, found in model["kinds"].items():
            numbers[f"{model['name']}_lost_{kind}"] = found["drop"]["mean"]
        for name, found in model["files"].items():
            numbers[f"{model['name']}_lost_file_{name}"] = found["drop"]["mean"]
        numbers[f"{model['name']}_milliseconds_per_example"] = model["milliseconds_per_example"]
    return numbers


class _Model:
    """A model's part of a report."""

    def __init__(
        self, settings: RobustnessSettings, test: TestSet, metric: str, scale: float, found: MeasuredModel
    ) -> None:
        self.name = found.model.name
        self._settings, self._test, self._metric, self._scale = settings, test, metric, scale
        self._found = found
        self._main = [test.main(seed) for seed in settings.seeds]

    def content(self) -> Content:
        settings, model, runs = self._settings, self._found.model, self._found.runs
        kinds = {
            kind: self._scores([Condition(kind, settings.rate, seed) for seed in settings.seeds])
            for kind in self._test.kinds
        }
        main = self._scores(self._main)
        return {
            "name": model.name,
            "folders": [str(run.folder) for run in model.runs],
            "recognizer": model.recognizer and str(model.recognizer),
            "parameters": runs[0].cost["parameters"],
            "clean": self._clean(),
            "attacked": main["score"],
            "drop": main["drop"],
            "share_kept": main["share_kept"],
            "kinds": kinds,
            "files": {each.file: self._scores([each]) for each in self._test.files},
            "curve": [self._at(rate) for rate in self._test.rates],
            "all_measures": {
                "clean": _mean_of(run.clean["scores"] for run in runs),
                "attacked": _mean_of(run.under[each]["scores"] for run in runs for each in self._main),
            },
            "word_split": self._word_split(),
            "worst_case": self._worst_case(),
            "sensitivity": _mean_of(run.sensitivity for run in runs),
            "flips": self._flips(),
            "milliseconds_per_example": mean(run.cost["milliseconds"] for run in runs),
            "device": runs[0].cost["device"],
        }

    def drop(self) -> float:
        """What the main attack takes, in points."""
        return float(self._scores(self._main)["drop"]["mean"])

    def drops_without(self) -> Any:
        """(G,) the same on all examples but a group."""
        clean = self._without([run.clean for run in self._found.runs])
        return clean - self._without([run.under[each] for run in self._found.runs for each in self._main])

    def _score(self, cell: Cell) -> float:
        return self._scale * cell["scores"][self._metric]

    def _without(self, cells: Sequence[Cell]) -> Any:
        return self._scale * np.mean([cell["without"] for cell in cells], axis=0)

    def _clean(self) -> Content:
        cells = [run.clean for run in self._found.runs]
        found = over_seeds([[self._score(cell)] for cell in cells])
        return {**found, "examples_interval": over_examples(found["mean"], self._without(cells))}

    def _scores(self, conditions: Sequence[Condition]) -> Content:
        """Score, drop, and share of the clean score that is kept, over the seeds of these conditions."""
        runs = self._found.runs
        clean = [self._score(run.clean) for run in runs]
        scores = [[self._score(run.under[each]) for each in conditions] for run in runs]
        drops = [[before - score for score in row] for before, row in zip(clean, scores, strict=True)]
        found = {"score": over_seeds(scores), "drop": over_seeds(drops)}
        if self._test.is_detailed(conditions[0]):
            attacked = self._without([run.under[each] for run in runs for each in conditions])
            lost = self._without([run.clean for run in runs]) - attacked
            for name, without in (("score", attacked), ("drop", lost)):
                found[name]["examples_interval"] = over_examples(found[name]["mean"], without)
        kept = found["score"]["mean"] / mean(clean) if mean(clean) > 0 else None
        return {**found, "share_kept": kept}

    def _at(self, rate: float) -> Content:
        kind, settings = self._test.kinds[0], self._settings
        if not rate:
            return {"rate": rate, "score": self._clean(), "words_changed": 0.0}
        conditions = [Condition(kind, rate, seed) for seed in settings.seeds]
        cells = [self._found.runs[0].under[each] for each in conditions]
        return {
            "rate": rate,
            **self._scores(conditions),
            "words_changed": mean(_share(cell["words"], "changed") for cell in cells),
        }

    def _word_split(self) -> Content | None:
        runs = self._found.runs
        if "word_split" not in runs[0].clean:
            return None
        return {
            CLEAN: _mean_of(run.clean["word_split"] for run in runs),
            "attacked": _mean_of(run.under[each]["word_split"] for run in runs for each in self._main),
        }

    def _worst_case(self) -> Content | None:
        """By how many edits are allowed, 0 among them; without a search None."""
        found = [run.worst_case for run in self._found.runs if run.worst_case is not None]
        if not found:
            return None
        by_budget = [
            {
                "edits": rows[0]["budget"],
                "robust_accuracy": 100 * mean(row["robust_accuracy"] for row in rows),
                "score": self._scale * mean(row[self._metric] for row in rows),
                "queries_per_example": mean(row["queries"] for row in rows),
            }
            for rows in zip(*(cell["scores"] for cell in found), strict=True)
        ]
        return {"examples": found[0]["examples"], "by_edits": by_budget}

    def _flips(self) -> Content | None:
        """Of the first run under the first attack."""
        run = self._found.runs[0]
        right = run.clean["right"]
        if right[0] is None:
            return None
        lost = len(flipped(run, self._main[0]))
        return {"right_when_clean": sum(right), "of_these_wrong_when_attacked": lost}


def _attacks(test: TestSet, run: MeasuredRun) -> list[Content]:
    """Each attack with the words that it met."""
    return [
        {
            **_without_file(each),
            **run.under[each]["words"],
            "share_changed": _share(run.under[each]["words"], "changed"),
        }
        for each in test.attacks
    ]


def _without_file(condition: Condition) -> Content:
    found = condition._asdict()
    del found["file"]
    return found


def _share(words: Mapping[str, int], name: str) -> float:
    return words[name] / max(1, words["words"])


def _comparisons(parts: Sequence[_Model]) -> list[Content]:
    """By how much less the model that loses least loses than each other, with the interval over examples."""
    first, *others = sorted(parts, key=_Model.drop)
    found = []
    for other in others:
        less = other.drop() - first.drop()
        without = other.drops_without() - first.drops_without()
        found.append(
            {
                "model": first.name,
                "than": other.name,
                "loses_less": less,
                "examples_interval": over_examples(less, without),
            }
        )
    return found


def _mean_of(cells: Iterable[Mapping[str, Any]]) -> Content:
    """The mean of each number, also of those one level below."""
    rows = list(cells)
    return {
        name: _mean_of(row[name] for row in rows)
        if isinstance(value, Mapping)
        else mean(row[name] for row in rows)
        for name, value in rows[0].items()
    }
