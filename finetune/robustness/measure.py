"""Measurements of a report: scores of each run under each condition, sensitivity, worst cases, and time."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from typing import Any, NamedTuple

from charbert.commands.cache import ResultCache, content_stamp
from charbert.commands.progress import progress_bar
from charbert.commands.tables import UNDEFINED
from charbert.errors import CharBertError
from charbert.noise import SHORTEST_EDITED
from finetune.adversary.attack import attack_model, draw_examples
from finetune.analysis import word_split
from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.intervals import scores_without_groups
from finetune.robustness.models import ROUNDS, TIMED, ComparedModel, LoadedModel, Run, describe_device
from finetune.robustness.sensitivity import measure_sensitivity

Result = dict[str, Any]


class Measurement(NamedTuple):
    """What is measured of each run."""

    what: str
    condition: Condition
    given: Mapping[str, Any]
    """What else it depends on."""


class MeasuredRun(NamedTuple):
    """The results of a run."""

    clean: Result
    under: dict[Condition, Result]
    """Of every attack and every attacked file."""
    sensitivity: Result
    worst_case: Result | None
    """The `scores` of `attack_model`, and how many `examples` were searched."""
    cost: Result
    """`milliseconds` per example, `parameters`, and the `device` they were measured on."""


class MeasuredModel(NamedTuple):
    """The results of a model, run by run."""

    model: ComparedModel
    runs: list[MeasuredRun]


def measure_models(
    models: Sequence[ComparedModel],
    test: TestSet,
    cache: ResultCache,
    *,
    batch_tokens: int,
    attack: Mapping[str, Any] | None = None,
) -> list[MeasuredModel]:
    """Measure every model under every condition, which may take hours; results in the cache are reused.

    Args:
        models: to compare.
        test: the test set under its conditions.
        cache: keeps each result as soon as it is known.
        batch_tokens: as of `Predictor`.
        attack: arguments of `attack_model`, and the `count` of examples that are searched, drawn by their
            seed; None: no worst cases are searched.
    """
    clean, main = Condition(CLEAN), test.main(test.seeds[0])
    conditions = [clean, *test.attacks, *test.files]
    wanted = [Measurement("scores", each, {}) for each in conditions]
    wanted.append(Measurement("sensitivity", main, {}))
    if attack is not None:
        wanted.append(Measurement("worst case", clean, attack))
    device = {"batch_tokens": batch_tokens, "device": describe_device()}
    wanted.append(Measurement("cost", clean, device))
    measurings = [
        [_Measuring(model, run, test, cache, batch_tokens) for run in model.runs] for model in models
    ]
    if amount := _describe_amount(measurings, wanted, test):
        print(amount, file=sys.stderr, flush=True)
    measured = []
    with progress_bar(total=len(wanted) * sum(map(len, measurings)), desc="measuring", unit=" sets") as bar:
        for model, of_model in zip(models, measurings, strict=True):
            bar.set_postfix_str(model.name)
            runs = []
            for measuring in of_model:
                found: dict[tuple[str, Condition], Result] = {}
                for each in wanted:
                    found[each.what, each.condition] = measuring.get(each)
                    bar.update()
                measuring.unload()
                runs.append(
                    MeasuredRun(
                        found["scores", clean],
                        {each: found["scores", each] for each in conditions[1:]},
                        found["sensitivity", main],
                        found.get(("worst case", clean)),
                        found["cost", clean],
                    )
                )
            measured.append(MeasuredModel(model, runs))
    return measured


def _describe_amount(
    measurings: Sequence[Sequence["_Measuring"]], wanted: Sequence[Measurement], test: TestSet
) -> str | None:
    """How much is left to measure, and about how long it takes by a trial of each model; None if nothing."""
    count = len(test.examples)
    passes = {"scores": count, "sensitivity": 2 * count, "cost": (1 + ROUNDS) * min(TIMED, count)}
    left = predictions = 0
    seconds = searching = 0.0
    for of_model in measurings:
        missing = [each for run in of_model for each in wanted if not run.has(each)]
        if not missing:
            continue
        per_example = of_model[0].estimate_seconds()
        of_model[0].unload()
        left += len(missing)
        for what, _, given in missing:
            if what == "worst case":
                searching += per_example * _count_queries(test.examples, **given)
            else:
                predictions += passes[what]
                seconds += per_example * passes[what]
    if not left:
        return None
    total = len(wanted) * sum(map(len, measurings))
    text = f"{left} of {total} measurements to make on {count:,} examples, {predictions:,} predictions"
    text += f": about {_format_duration(seconds)}"
    return text + (f", and at most {_format_duration(searching)} to search worst cases" if searching else "")


def _count_queries(
    examples: Sequence[Any], count: int, variants: int, budgets: Sequence[int], **_: Any
) -> float:
    """The most queries of a search for worst cases, by the longer words of an average example."""
    words = sum(
        len(word) >= SHORTEST_EDITED
        for example in examples
        for text in example.split_words(False)
        for _, word in text
    )
    return min(count, len(examples)) * (1 + variants * max(budgets) * words / len(examples))


def _format_duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class _Measuring:
    """The measurements of a run; its model is loaded when a result is not in the cache."""

    def __init__(
        self, model: ComparedModel, run: Run, test: TestSet, cache: ResultCache, batch_tokens: int
    ) -> None:
        self._recognizer, self._run, self._test = model.recognizer, run, test
        self._cache, self._batch_tokens = cache, batch_tokens
        self._key = {
            "run": str(run.folder.resolve()),
            "weights": content_stamp(run.folder),
            "recognizer": model.recognizer and str(model.recognizer),
            "recognizer_weights": model.recognizer
            and [content_stamp(each) for each in model.recognizer.folders],
        }

    def _make_key(self, wanted: Measurement) -> dict[str, Any]:
        return {**self._key, "measured": wanted.what, **wanted.given, **self._test.key(wanted.condition)}

    def has(self, wanted: Measurement) -> bool:
        """Whether the cache holds the result of a measurement."""
        return self._make_key(wanted) in self._cache

    def estimate_seconds(self) -> float:
        """Roughly the time per example."""
        return self._loaded.estimate_seconds(self._test.examples)

    def unload(self) -> None:
        """Let go of the model, if it was loaded."""
        self.__dict__.pop("_loaded", None)

    def get(self, wanted: Measurement) -> Result:
        """The result of a measurement, from the cache or made now.

        Raises:
            CharBertError: a score of it is no finite number, so that nothing can be said of what was lost.
        """
        makers: dict[str, Callable[..., Result]] = {
            "scores": self.score,
            "sensitivity": self.sensitivity,
            "worst case": self.worst_case,
            "cost": self.cost,
        }
        make = makers[wanted.what]
        result: Result = self._cache.get_or_make(
            self._make_key(wanted), lambda: make(wanted.condition, **wanted.given)
        )
        if wanted.what == "scores":
            self._check_finite(result["scores"], wanted.condition)
        return result

    def _check_finite(self, scores: Mapping[str, float | None], condition: Condition) -> None:
        for name, score in scores.items():
            if score is None or not isfinite(score):
                raise CharBertError(
                    f"{self._run.folder}: {name} on {condition.kind} text is "
                    f"{UNDEFINED if score is None else score}; a report compares finite numbers alone"
                )

    @cached_property
    def _loaded(self) -> LoadedModel:
        return LoadedModel(self._run, self._recognizer, self._batch_tokens)

    def score(self, condition: Condition) -> Result:
        """The scores under a condition; where examples are compared, the predictions too."""
        task = self._run.task
        given, counts = self._test.under(condition)
        examples = self._loaded.read(given)
        predictions = self._loaded.predict(examples)
        result: Result = {"scores": task.score(examples, predictions)}
        if counts is not None:
            result["words"] = counts._asdict()
        if not self._test.is_detailed(condition):
            return result

        def score_some(indices: Sequence[int]) -> float | None:
            some = [examples[index] for index in indices], [predictions[index] for index in indices]
            return task.score(*some)[task.metric]

        pairs = list(zip(examples, predictions, strict=True))
        result["right"] = [task.is_correct(*pair) if task.has_right_answers else None for pair in pairs]
        result["said"] = [task.show_prediction(*pair) for pair in pairs]
        result["without"] = scores_without_groups(len(pairs), score_some)
        if task.has_entities:
            result["word_split"] = word_split(examples, predictions, self._loaded.tokenizer)
        return result

    def sensitivity(self, condition: Condition) -> Result:
        """How far an attack moves the states of words; nothing of an exported model, which gives none."""
        if self._loaded.is_exported:
            return {}
        noised, _ = self._test.under(condition)
        return measure_sensitivity(self._loaded, self._test.examples, noised, self._test.contexts)

    def worst_case(self, _: Condition, count: int, **attack: Any) -> Result:
        """Scores under the worst edits, made before the recogniser reads."""
        loaded = self._loaded
        examples = draw_examples(self._test.examples, count, attack["seed"])
        found = attack_model(
            loaded.task,
            loaded.model,
            loaded.tokenizer,
            examples,
            batch_tokens=self._batch_tokens,
            bf16=loaded.bf16,
            reader=loaded.read,
            **attack,
        )
        return {"examples": len(examples), "scores": found.scores}

    def cost(self, _: Condition, device: str, **given: Any) -> Result:
        """The time that the model takes, and its size."""
        return {
            "milliseconds": self._loaded.milliseconds_per_example(self._test.examples),
            "parameters": self._loaded.parameters,
            "device": device,
        }
