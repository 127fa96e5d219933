"""`report.json` from measurements: scores, drops and their intervals, by model and by attack."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from charbert.commands.results import versions
from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.examples import ATTACKED, choose_examples, find_flips
from finetune.robustness.intervals import difference_interval, jackknife_interval, seed_interval
from finetune.robustness.measure import MeasuredModel, Result
from finetune.tasks.base import Task

UNIT = "points, 0 to 100"
Content = dict[str, Any]


def make_report(test: TestSet, task: Task[Any, Any], models: Sequence[MeasuredModel], shown: int) -> Content:
    """The content of `report.json`. Scores are in points: percent, and a correlation times 100.

    Args:
        test: the test set under its conditions.
        task: that of all models.
        models: what was measured, at least one.
        shown: examples to show of each model.
    """
    reports = [_ModelReport(test, task, each) for each in models]
    first = models[0].runs[0]
    return {
        "task": models[0].model.runs[0].settings.task,
        "measure": task.metric,
        "unit": UNIT,
        "test": test.path,
        "examples": len(test.examples),
        "available_examples": test.available,
        "preset": test.preset,
        "main_attack": {"kind": test.kinds[0], "rate": test.rate},
        "kinds": test.kinds,
        "kinds_left_out": test.left_out,
        "attacks": [
            {
                **{"kind": each.kind, "rate": each.rate, "seed": each.seed},
                **first.under[each]["words"],
                "share_changed": _share_changed(first.under[each]),
            }
            for each in test.attacks
        ],
        "models": [report.make() for report in reports],
        "comparisons": _compare(reports),
        "shown_examples": choose_examples(test, task, models, shown),
        "versions": versions(),
    }


def flatten_numbers(content: Content) -> dict[str, Any]:
    """The main numbers under flat names, for `results.json`."""
    numbers: dict[str, Any] = {"examples": content["examples"]}
    for model in content["models"]:
        for name, key in (("clean", "clean"), ("attacked", "attacked"), ("lost", "drop")):
            for statistic in ("mean", "std", "low", "high"):
                if statistic in model[key]:
                    ending = "" if statistic == "mean" else f"_{statistic}"
                    numbers[f"{model['name']}_{name}_{content['measure']}{ending}"] = model[key][statistic]
        for kind, scores in model["kinds"].items():
            numbers[f"{model['name']}_lost_{kind}"] = scores["drop"]["mean"]
        for name, scores in model["files"].items():
            numbers[f"{model['name']}_lost_file_{name}"] = scores["drop"]["mean"]
        numbers[f"{model['name']}_milliseconds_per_example"] = model["milliseconds_per_example"]
    return numbers


class _ModelReport:
    """The part of a report about one model."""

    def __init__(self, test: TestSet, task: Task[Any, Any], measured: MeasuredModel) -> None:
        self.name = measured.model.name
        self._test, self._task, self._model, self._runs = test, task, measured.model, measured.runs
        self._main = [test.main(seed) for seed in test.seeds]

    def make(self) -> Content:
        test, runs = self._test, self._runs
        main = self._scores(self._main)
        attacked = [run.under[each] for run in runs for each in self._main]
        return {
            "name": self.name,
            "folders": [str(run.folder) for run in self._model.runs],
            "recognizer": self._model.recognizer and str(self._model.recognizer),
            "parameters": runs[0].cost["parameters"],
            "is_uncased": self._model.is_uncased,
            "clean": self._clean(),
            "attacked": main["score"],
            "drop": main["drop"],
            "share_kept": main["share_kept"],
            "kinds": {kind: self._scores(self._with_seeds(kind, test.rate)) for kind in test.kinds},
            "files": {each.file: self._scores([each]) for each in test.files},
            "curve": [self._curve_point(rate) for rate in test.rates],
            "all_measures": {
                CLEAN: _mean_numbers(run.clean["scores"] for run in runs),
                ATTACKED: _mean_numbers(result["scores"] for result in attacked),
            },
            "word_split": {
                CLEAN: _mean_numbers(run.clean["word_split"] for run in runs),
                ATTACKED: _mean_numbers(result["word_split"] for result in attacked),
            }
            if "word_split" in runs[0].clean
            else None,
            "worst_case": self._worst_case(),
            "sensitivity": _mean_numbers(run.sensitivity for run in runs),
            "flips": self._flips(),
            "milliseconds_per_example": mean(run.cost["milliseconds"] for run in runs),
            "device": runs[0].cost["device"],
        }

    def attacked(self) -> Any:
        """(T, S) points under the main attack: of each training, with each seed of the attack."""
        return np.array([[self._score(run.under[each]) for each in self._main] for run in self._runs])

    def attacked_without_groups(self) -> Any:
        """(G,) their mean on all examples but a group."""
        return self._without_groups([run.under[each] for run in self._runs for each in self._main])

    def _without_groups(self, results: Sequence[Result]) -> Any:
        return self._task.points * np.mean(
            np.array([result["without"] for result in results], dtype=float), axis=0
        )

    def _score(self, result: Result) -> float:
        return self._task.points * result["scores"][self._task.metric]

    def _with_seeds(self, kind: str, rate: float) -> list[Condition]:
        return [Condition(kind, rate, seed) for seed in self._test.seeds]

    def _clean(self) -> Content:
        results = [run.clean for run in self._runs]
        scores = seed_interval([[self._score(result)] for result in results])
        interval = jackknife_interval(scores["mean"], self._without_groups(results))
        return {**scores, "examples_interval": interval}

    def _scores(self, conditions: Sequence[Condition]) -> Content:
        """Score, drop, and share of the clean score that is kept, over the seeds of these conditions."""
        runs = self._runs
        clean = [self._score(run.clean) for run in runs]
        scores = [[self._score(run.under[each]) for each in conditions] for run in runs]
        drops = [[before - score for score in row] for before, row in zip(clean, scores, strict=True)]
        found = {"score": seed_interval(scores), "drop": seed_interval(drops)}
        if self._test.is_detailed(conditions[0]):
            attacked = self._without_groups([run.under[each] for run in runs for each in conditions])
            lost = self._without_groups([run.clean for run in runs]) - attacked
            for name, without in (("score", attacked), ("drop", lost)):
                found[name]["examples_interval"] = jackknife_interval(found[name]["mean"], without)
        kept = found["score"]["mean"] / mean(clean) if mean(clean) > 0 else None
        return {**found, "share_kept": kept}

    def _curve_point(self, rate: float) -> Content:
        if not rate:
            return {"rate": rate, "score": self._clean(), "words_changed": 0.0}
        conditions = self._with_seeds(self._test.kinds[0], rate)
        changed = mean(_share_changed(self._runs[0].under[each]) for each in conditions)
        return {"rate": rate, **self._scores(conditions), "words_changed": changed}

    def _worst_case(self) -> Content | None:
        """By how many edits are allowed, 0 among them; without a search None."""
        results = [run.worst_case for run in self._runs if run.worst_case is not None]
        if not results:
            return None
        by_budget = [
            {
                "edits": rows[0]["budget"],
                "robust_accuracy": 100 * mean(row["robust_accuracy"] for row in rows),
                "score": self._task.points * mean(row[self._task.metric] for row in rows),
                "queries_per_example": mean(row["queries"] for row in rows),
            }
            for rows in zip(*(result["scores"] for result in results), strict=True)
        ]
        return {"examples": results[0]["examples"], "by_edits": by_budget}

    def _flips(self) -> Content | None:
        """Of the first run under the first attack."""
        if not self._task.has_right_answers:
            return None
        run = self._runs[0]
        lost = len(find_flips(run, self._main[0]))
        return {"right_when_clean": sum(run.clean["right"]), "of_these_wrong_when_attacked": lost}


def _compare(reports: Sequence[_ModelReport]) -> list[Content]:
    """How far the model with the highest attacked score is above each other, with intervals."""
    first, *others = sorted(reports, key=lambda report: -report.attacked().mean())
    comparisons = []
    for other in others:
        more = float(first.attacked().mean() - other.attacked().mean())
        without = first.attacked_without_groups() - other.attacked_without_groups()
        intervals = {
            "examples_interval": jackknife_interval(more, without),
            "seeds_interval": difference_interval(first.attacked(), other.attacked()),
        }
        is_clear = "low" in intervals["examples_interval"] and all(
            interval["low"] > 0 for interval in intervals.values() if interval
        )
        comparisons.append(
            {"model": first.name, "than": other.name, "scores_more": more, **intervals, "is_clear": is_clear}
        )
    return comparisons


def _share_changed(result: Result) -> float:
    return result["words"]["changed"] / max(1, result["words"]["words"])


def _mean_numbers(results: Iterable[Mapping[str, Any]]) -> Content:
    """The mean of each number, also of those one level below."""
    rows = list(results)
    return {
        name: _mean_numbers(row[name] for row in rows)
        if isinstance(value, Mapping)
        else mean(row[name] for row in rows)
        for name, value in rows[0].items()
    }
