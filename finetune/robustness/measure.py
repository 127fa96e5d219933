"""Measurements of a report: scores of each run under each condition, sensitivity, worst cases, and time."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from typing import Any, NamedTuple

from charbert.commands.cache import ResultCache, content_stamp
from charbert.commands.progress import progress_bar
from charbert.commands.tables import UNDEFINED
from charbert.errors import CharBertError
from finetune.adversary.attack import attack_model, draw_examples
from finetune.analysis import word_split
from finetune.robustness.conditions import CLEAN, Condition, TestSet
from finetune.robustness.intervals import scores_without_groups
from finetune.robustness.models import ComparedModel, LoadedModel, Run, describe_device
from finetune.robustness.sensitivity import measure_sensitivity

Result = dict[str, Any]


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
    searched_examples: int = 0,
) -> list[MeasuredModel]:
    """Measure every model under every condition, which may take hours; results in the cache are reused.

    Args:
        models: to compare.
        test: the test set under its conditions.
        cache: keeps each result as soon as it is known.
        batch_tokens: as of `Predictor`.
        attack: arguments of `attack_model`; without them no worst cases are searched.
        searched_examples: how many, drawn by the seed of `attack`.
    """
    clean, main = Condition(CLEAN), test.main(test.seeds[0])
    conditions = [clean, *test.attacks, *test.files]
    steps = sum(len(model.runs) for model in models) * (len(conditions) + (3 if attack else 2))
    measured = []
    with progress_bar(total=steps, desc="measuring", unit=" sets") as bar:
        for model in models:
            runs = []
            for run in model.runs:
                bar.set_postfix_str(model.name)
                measuring = _Measuring(model, run, test, cache, batch_tokens, bar.update)
                scores = {each: measuring.get("scores", each, measuring.score) for each in conditions}
                sensitivity = measuring.get("sensitivity", main, measuring.sensitivity)
                worst_case = None
                if attack is not None:
                    count = {"count": searched_examples}
                    worst_case = measuring.get("worst case", clean, measuring.worst_case, **attack, **count)
                device = {"batch_tokens": batch_tokens, "device": describe_device()}
                cost = measuring.get("cost", clean, measuring.cost, **device)
                runs.append(MeasuredRun(scores.pop(clean), scores, sensitivity, worst_case, cost))
            measured.append(MeasuredModel(model, runs))
    return measured


class _Measuring:
    """The measurements of a run; its model is loaded when a result is not in the cache."""

    def __init__(
        self,
        model: ComparedModel,
        run: Run,
        test: TestSet,
        cache: ResultCache,
        batch_tokens: int,
        update: Callable[[], Any],
    ) -> None:
        self._recognizer, self._run, self._test = model.recognizer, run, test
        self._cache, self._batch_tokens, self._update = cache, batch_tokens, update
        self._key = {
            "run": str(run.folder.resolve()),
            "weights": content_stamp(run.folder),
            "recognizer": model.recognizer and str(model.recognizer),
            "recognizer_weights": model.recognizer
            and [content_stamp(each) for each in model.recognizer.folders],
        }

    def get(self, what: str, condition: Condition, make: Callable[..., Result], **given: Any) -> Result:
        """The result of a measurement, from the cache or made now with what else it depends on.

        Raises:
            CharBertError: a score of it is no finite number, so that nothing can be said of what was lost.
        """
        key = {**self._key, "measured": what, **given, **self._test.key(condition)}
        result: Result = self._cache.get_or_make(key, lambda: make(condition, **given))
        for name, score in result["scores"].items() if what == "scores" else ():
            if score is None or not isfinite(score):
                raise CharBertError(
                    f"{self._run.folder}: {name} on {condition.kind} text is "
                    f"{UNDEFINED if score is None else score}; a report compares finite numbers alone"
                )
        self._update()
        return result

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
        """How far an attack moves the states of words."""
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
