"""What a report is made of: each run under each condition, its sensitivity, and its time."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from charbert.commands.progress import progress_bar
from finetune.adversary.inputs import drawn
from finetune.analysis import word_split
from finetune.robustness.cells import Cell, Cells, Key, stamp
from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.loaded import LoadedModel, device_name
from finetune.robustness.models import ComparedModel, Run
from finetune.robustness.sensitivity import sensitivity
from finetune.robustness.settings import RobustnessSettings
from finetune.robustness.spread import scores_without


class MeasuredRun(NamedTuple):
    """What is known of a run."""

    clean: Cell
    under: dict[Condition, Cell]
    """Of every attack and every attacked file."""
    sensitivity: Cell
    worst_case: Cell | None
    """What `worst_case_scores` gives, under `scores`."""
    cost: Cell
    """`milliseconds` per example, `parameters`, and the `device` they were measured on."""


class MeasuredModel(NamedTuple):
    """What is known of a model, run by run."""

    model: ComparedModel
    runs: list[MeasuredRun]


def measured(
    settings: RobustnessSettings, models: Sequence[ComparedModel], test: TestSet, cells: Cells
) -> list[MeasuredModel]:
    """Every model under every condition; what the cells hold already is not measured again."""
    conditions = [Condition(CLEAN), *test.attacks, *test.files]
    steps = sum(len(model.runs) for model in models) * (len(conditions) + (3 if settings.worst_case else 2))
    found = []
    with progress_bar(total=steps, desc="measuring", unit=" sets") as bar:
        for model in models:
            runs = []
            for run in model.runs:
                bar.set_postfix_str(model.name)
                measuring = _Measuring(settings, model, run, test, cells, bar.update)
                by_condition = {condition: measuring.scores(condition) for condition in conditions}
                clean = by_condition.pop(conditions[0])
                others = measuring.sensitivity(), measuring.worst_case(), measuring.cost()
                runs.append(MeasuredRun(clean, by_condition, *others))
            found.append(MeasuredModel(model, runs))
    return found


class _Measuring:
    """The measurements of a run; its model is loaded once one is not known."""

    def __init__(
        self,
        settings: RobustnessSettings,
        model: ComparedModel,
        run: Run,
        test: TestSet,
        cells: Cells,
        done: Callable[[], Any],
    ) -> None:
        self._settings, self._model, self._run, self._test = settings, model, run, test
        self._cells, self._done = cells, done
        self._key = {
            "run": str(run.folder.resolve()),
            "weights": stamp(run.folder),
            "recognizer": model.recognizer and str(model.recognizer),
            "recognizer_weights": model.recognizer and [stamp(each) for each in model.recognizer.folders],
        }

    @cached_property
    def _loaded(self) -> LoadedModel:
        return LoadedModel(self._run, self._model.recognizer, self._settings.batch_size)

    def scores(self, condition: Condition) -> Cell:
        """The scores under a condition; where examples are to be compared, what the model says too."""
        key = {"measured": "scores", **self._test.key(condition)}
        return self._found(key, lambda: self._scores(condition))

    def sensitivity(self) -> Cell:
        """How far the main attack moves the states of words, under its first seed."""
        main = self._test.main(self._settings.seeds[0])
        clean, contexts = self._test.examples, self._settings.contexts
        return self._found(
            {"measured": "sensitivity", **self._test.key(main)},
            lambda: sensitivity(self._loaded, clean, self._test.under(main)[0], contexts),
        )

    def worst_case(self) -> Cell | None:
        """What is left under the worst edits, if they are to be searched."""
        settings = self._settings
        if not settings.worst_case:
            return None
        search = {
            "budgets": settings.worst_case,
            "variants": settings.worst_case_variants,
            "language": settings.language,
            "seed": settings.seeds[0],
        }
        count = settings.worst_case_limit
        key = {"measured": "worst case", **search, "count": count, **self._test.key(Condition(CLEAN))}
        return self._found(key, lambda: self._worst_case(count, search))

    def cost(self) -> Cell:
        """The time that the model takes, and its size."""
        key = {
            "measured": "cost",
            "batch_size": self._settings.batch_size,
            "device": device_name(),
            **self._test.key(Condition(CLEAN)),
        }
        return self._found(key, self._cost)

    def _found(self, key: Key, make: Callable[[], Cell]) -> Cell:
        found = self._cells.found({**self._key, **key}, make)
        self._done()
        return found

    def _scores(self, condition: Condition) -> Cell:
        task = self._run.task
        given, counts = self._test.under(condition)
        examples = self._loaded.read(given)
        predictions = self._loaded.predictions(examples)
        cell: Cell = {"scores": task.score(examples, predictions)}
        if counts is not None:
            cell["words"] = counts._asdict()
        if not self._test.is_detailed(condition):
            return cell
        pairs = list(zip(examples, predictions, strict=True))
        cell["right"] = [task.is_correct(*pair) if task.has_right_answers else None for pair in pairs]
        cell["said"] = [task.show_prediction(*pair) for pair in pairs]
        cell["without"] = scores_without(
            len(pairs),
            lambda kept: task.score([examples[at] for at in kept], [predictions[at] for at in kept])[
                task.metric
            ],
        )
        if task.has_entities:
            cell["word_split"] = word_split(examples, predictions, self._loaded.tokenizer)
        return cell

    def _worst_case(self, count: int, search: Mapping[str, Any]) -> Cell:
        examples = drawn(self._test.examples, count, search["seed"])
        return {"examples": len(examples), "scores": self._loaded.worst_case(examples, search)}

    def _cost(self) -> Cell:
        return {
            "milliseconds": self._loaded.milliseconds_per_example(self._test.examples),
            "parameters": self._loaded.parameters,
            "device": device_name(),
        }
