"""`python -m finetune worst-case MODEL FILE --output FILE.json`: accuracy under the typos that hurt most."""

import json
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig

from charbert.backbones import check_length
from charbert.checkpoints import read_config
from charbert.commands.cache import ResultCache
from charbert.commands.output import output_file, say_finished
from charbert.commands.results import read_object, versions
from charbert.commands.resuming import (
    decisive_settings,
    describe_settings,
    find_differences,
    refuse_differences,
)
from charbert.commands.settings import dashed
from charbert.commands.tables import format_table
from charbert.errors import CharBertError
from data.examples.readers import Columns
from data.examples.rows import BadRows
from finetune.adversary.attack import attack_model, draw_examples
from finetune.adversary.search_method import AttackResult, find_worst
from finetune.adversary.settings import WorstCaseSettings
from finetune.metrics.prediction_files import read_labelled
from finetune.models import TASK_FILE, load_finetuned, load_task
from finetune.recognition import load_recognizer, recognize_words
from finetune.tasks.base import Task
from finetune.tasks.registry import make_task
from finetune.tasks.texts import PROBLEMS, REGRESSION

ENDING, CACHE_ENDING = ".json", ".partial.jsonl"


def run(settings: WorstCaseSettings) -> None:
    """Attack the model, write scores and examples, and print the scores."""
    output, bad = Path(settings.output), BadRows(settings.skip_bad_rows)
    if output.suffix != ENDING:
        raise CharBertError(f"{output}: must end in {ENDING}")
    if settings.resume and output.is_file():
        scores = _read_finished(settings, output)
    else:
        kept = output.with_suffix(CACHE_ENDING)
        with output_file(settings, kept) as unfinished:
            content = _attack(settings, _open_cache(settings, kept), bad)
            text = json.dumps(content, indent=2, ensure_ascii=False)
            unfinished.write_text(text + "\n", encoding="utf-8")
        kept.unlink(missing_ok=True)
        scores = content["scores"]
    if bad:
        print(bad.summary())
    header = ("edits", "robust accuracy", *[*scores[0]][2:])
    table = format_table(header, [list(line.values()) for line in scores])
    print(f"{table}\n\n{_describe_bound(settings)}\nscores and examples in {output}")


def _describe_bound(settings: WorstCaseSettings) -> str:
    """How far the robust accuracy of a search can be trusted."""
    if settings.variants is not None:
        return (
            f"upper bounds: {settings.variants} variants of each word at most were tried, and others may be "
            "worse; without --variants all are tried"
        )
    bound = ""
    if max(settings.budgets) > 1:
        bound = "; with more edits an upper bound, for not all combinations were tried"
    return f"exact with one edit, for all variants of each word were tried{bound}"


def _attack(settings: WorstCaseSettings, cache: ResultCache, bad: BadRows) -> dict[str, Any]:
    """The content of the output."""
    columns, task, bf16 = _load_task(settings)
    examples = _load_examples(settings, columns, task, bad)
    model, tokenizer = load_finetuned(settings.model, task)
    check_length(model, task.max_length)
    reader = None
    if settings.recognizer is not None:
        _, correct = load_recognizer([settings.recognizer], device=model.device)
        reader = partial(recognize_words, correct=correct)
    if len(cache):
        print(f"{len(cache)} of {len(examples)} examples are searched already", file=sys.stderr)
    scores, results = attack_model(
        task,
        model,
        tokenizer,
        examples,
        budgets=settings.budgets,
        beam_size=settings.beam_size,
        edits=settings.edits,
        language=settings.language,
        variants=settings.variants,
        batch_tokens=settings.batch_tokens or 0,
        bf16=bf16,
        reader=reader,
        seed=settings.seed,
        cache=cache,
        key=decisive_settings(settings),
    )
    return {
        "scores": scores,
        "examples": [_make_record(each, settings.budgets) for each in results],
        **describe_settings(settings),
        "versions": versions(),
        "seed": settings.seed,
    }


def _read_finished(settings: WorstCaseSettings, output: Path) -> list[dict[str, Any]]:
    """The scores of a search that is done.

    Raises:
        CharBertError: it was another one.
    """
    before = {"contents": {}, **read_object(output, scores=list, settings=dict)}
    refuse_differences(output, find_differences(before, describe_settings(settings), settings, finished=True))
    say_finished(output)
    return before["scores"]


def _open_cache(settings: WorstCaseSettings, path: Path) -> ResultCache:
    """The results of an interrupted search, beside the output.

    Raises:
        CharBertError: results would be lost, or are those of another search.
    """
    if settings.overwrite:
        path.unlink(missing_ok=True)
    elif path.exists() and not settings.resume:
        raise CharBertError(
            f"{path}: holds the results of an interrupted search; --resume continues it, --overwrite "
            "starts anew"
        )
    cache, key = ResultCache(path), decisive_settings(settings)
    other = {name for each in cache for name, value in key.items() if each.get(name) != value}
    if other:
        names = ", ".join(f"--{dashed(name)}" for name in sorted(other))
        raise CharBertError(f"{path}: is of a search with other {names}; give the same, or --overwrite")
    return cache


def _load_task(settings: WorstCaseSettings) -> tuple[Columns, Task[Any, Any], bool]:
    """The columns of FILE, the task that the model was trained for, and whether it evaluated in bf16.

    Raises:
        CharBertError: nothing says so, or the model has no head for it.
    """
    if settings.task is not None:
        return _load_foreign_task(settings, settings.task)
    if not (Path(settings.model) / TASK_FILE).is_file():
        raise CharBertError(
            f"{settings.model}: has no {TASK_FILE}, so it is no output folder of a run; of another model say "
            "with --task what it was trained for"
        )
    names = {each.name for each in fields(Columns)} & settings.given
    columns = {name: getattr(settings, name) for name in names}
    trained, task = load_task(Path(settings.model), max_length=settings.max_length, **columns)
    return trained, task, trained.bf16


def _load_foreign_task(settings: WorstCaseSettings, name: str) -> tuple[Columns, Task[Any, Any], bool]:
    """The same of a model that no run here has made, from its own configuration.

    Raises:
        CharBertError: the model has no head for the task, or other classes than were named.
    """
    config = PreTrainedConfig.from_dict(read_config(settings.model))
    names = [config.id2label[number] for number in sorted(config.id2label)]
    labels = settings.labels or names
    if len(labels) != len(names):
        raise CharBertError(
            f"--labels: {len(labels)} names for the {len(names)} classes of the model ({', '.join(names)})"
        )
    kinds = {problem: kind for kind, problem in PROBLEMS.items()}
    # With one output and nothing said of it, transformers takes it for a number.
    kind = REGRESSION if len(names) == 1 else kinds.get(config.problem_type, settings.label_kind)
    columns = replace(settings, label_kind=kind)
    task = make_task(name, [] if kind == REGRESSION else labels, vars(columns))
    head = task.auto_class.__name__.removeprefix("AutoModel")
    saved_as = config.architectures or []
    if not any(name.endswith(head) for name in saved_as):
        raise CharBertError(
            f"{settings.model}: holds {', '.join(saved_as) or 'no model that says what it is'}, and "
            f"{name} needs one {head}; fine-tune it first"
        )
    return columns, task, False


def _load_examples(
    settings: WorstCaseSettings, columns: Columns, task: Task[Any, Any], bad: BadRows
) -> list[Any]:
    """The examples of FILE, or as many of them as are searched.

    Raises:
        CharBertError: there are none, or one that cannot be used and is not to be left out.
    """
    labelled = read_labelled(columns, settings.file, bad)
    try:
        usable = task.usable(labelled, bad)
    except CharBertError as error:
        if settings.task is None or settings.labels is not None:
            raise
        raise CharBertError(f"{error}, or name the model's classes as FILE does with --labels") from error
    if not usable:
        raise CharBertError(f"{settings.file}: no row is left that can be attacked")
    return draw_examples(usable, settings.searched_examples or len(usable), settings.seed)


def _make_record(results: Sequence[AttackResult], budgets: Sequence[int]) -> dict[str, Any]:
    """An example as it is, and its worst case with each budget."""
    clean = results[0]
    worst = [
        {"budget": budget, "edits": result.edits, "queries": result.queries} | _describe(result)
        for budget, result in ((each, find_worst(results, each)) for each in sorted(set(budgets)))
    ]
    example = clean.example
    head = {"id": example.id, "location": example.location, "label": example.gold}
    return {**head, **_describe(clean), "worst": worst}


def _describe(result: AttackResult) -> dict[str, Any]:
    """The texts of an example, with their prediction."""
    goal = result.goal
    return {**result.example.readable, "prediction": goal.prediction.value, "right": goal.is_correct}
