"""`python -m finetune worst-case MODEL FILE --out FILE.json`: how much of a model the worst typos leave."""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from charbert.backbones import check_length
from charbert.commands.progress import at_least
from charbert.commands.results import versions, whole_file
from charbert.errors import CharBertError
from charbert.noise import EDITS, KEYBOARDS
from charbert.recognizer.modeling import WordRecognizer
from data.examples.options import add_column_options, given_columns
from data.examples.rows import BadRows
from finetune.adversary.attacks import searched
from finetune.adversary.inputs import drawn_examples, foreign_task
from finetune.adversary.kept import KeptCases
from finetune.adversary.records import record, table
from finetune.models import TASK_FILE, load_finetuned, load_task
from finetune.recognition import recognized
from finetune.robustness.cells import stamp
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import TASKS

ENDING, KEPT = ".json", ".partial.jsonl"
MAY_DIFFER = ("out", "batch_size", "resume", "overwrite")
"""Of a search that goes on."""
NO_OPTIONS = ("label_kind",)
"""Of `Columns`, what the model decides."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="output folder of a fine-tuning run; with --task, folder or hub id of any model of transformers "
        "that has a head for it",
    )
    parser.add_argument("file", metavar="FILE", help="labelled data, as the run read it")
    parser.add_argument(
        "--out", required=True, metavar="FILE.json", help="file for the scores and each example"
    )
    number: dict[str, Any] = {"metavar": "N", "type": at_least(1)}
    parser.add_argument(
        "--budgets",
        nargs="+",
        default=[1, 2],
        help="words of an example that may be edited, each once; default: 1 2",
        **number,
    )
    parser.add_argument(
        "--beam",
        default=1,
        help="candidates that are edited further; default: %(default)s, the greedy search",
        **number,
    )
    parser.add_argument(
        "--edits", nargs="+", default=EDITS, choices=EDITS, metavar="EDIT", help=f"default: {' '.join(EDITS)}"
    )
    parser.add_argument(
        "--language",
        default="en",
        choices=KEYBOARDS,
        metavar="LANG",
        help=f"whose keyboard is used: {', '.join(KEYBOARDS)}; default: %(default)s",
    )
    parser.add_argument(
        "--variants",
        help="variants of a word at most, drawn by --seed; default: all, some 150 of a word of six letters, "
        "so that each edit of a text of 20 words costs 1,600 queries; give 20 for long texts",
        **number,
    )
    parser.add_argument(
        "--recognizer", metavar="FOLDER", help="a word recogniser, which reads before the model"
    )
    parser.add_argument("--limit", help="examples at most, drawn by --seed; default: all", **number)
    parser.add_argument(
        "--batch-size",
        default=512,
        help="rows that the model computes at once; default: %(default)s",
        **number,
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--task",
        choices=TASKS,
        metavar="TASK",
        help=f"of a model that no run here has made: {' '.join(TASKS)}",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        metavar="LABEL",
        help="with --task: the model's classes in order, as FILE names them; default: its configuration's",
    )
    parser.add_argument(
        "--max-length",
        type=at_least(16),
        metavar="N",
        help="tokens of a text or window; default: the run's, else the task's",
    )
    add_column_options(parser, NO_OPTIONS, of_run=True)
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave rows out that cannot be used")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with a search that was interrupted")
    again.add_argument("--overwrite", action="store_true", help="write over a file that is there")


def run(given: argparse.Namespace) -> None:
    out, bad = Path(given.out), BadRows(given.skip_bad_rows)
    kept_in = out.with_suffix(KEPT)
    _check_files(out, kept_in, given)
    settings, task = _task_of(given)
    examples = drawn_examples(settings, task, given, bad)
    model, tokenizer = load_finetuned(given.model, task)
    check_length(model, task.max_length)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).eval()
    reader = None
    if given.recognizer is not None:
        recognizer = WordRecognizer.from_pretrained(given.recognizer).to(device).eval()
        reader = partial(recognized, recognizer=recognizer)
    kept = KeptCases(kept_in, _decisive(given))
    if len(kept):
        print(f"{len(kept)} of {len(examples)} examples are done already, as {kept_in} says", file=sys.stderr)
    scores, cases = searched(
        task,
        model,
        tokenizer,
        examples,
        budgets=given.budgets,
        beam_size=given.beam,
        edits=given.edits,
        language=given.language,
        variants=given.variants,
        batch_size=given.batch_size,
        bf16=settings.bf16,
        reader=reader,
        seed=given.seed,
        kept=kept,
    )
    content = {
        "scores": scores,
        "examples": [record(each, given.budgets) for each in cases],
        "settings": vars(given),
        "versions": versions(),
        "seed": given.seed,
    }
    with whole_file(out) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    kept.remove()
    if bad:
        print(bad.summary())
    print(f"{table(scores, task.metric)}\n\nscores and examples in {out}")


def _check_files(out: Path, kept_in: Path, given: argparse.Namespace) -> None:
    """Refuse a place that cannot be written to, or that holds what took a search its time.

    Raises:
        CharBertError: so it is.
    """
    if out.suffix != ENDING:
        raise CharBertError(f"{out}: must end in {ENDING}")
    if not out.parent.is_dir():
        raise CharBertError(f"{out}: there is no folder {out.parent}; make it first")
    if out.exists() and Path(given.file).exists() and out.samefile(given.file):
        raise CharBertError(f"{out}: is the data itself; give another file")
    if out.is_file() and given.resume:
        raise CharBertError(f"{out}: the search is done; read it there, or begin anew with --overwrite")
    if out.is_dir() or (out.exists() and not given.overwrite):
        raise CharBertError(f"{out}: is there already; give another file or --overwrite")
    if given.overwrite:
        kept_in.unlink(missing_ok=True)
    elif kept_in.exists() and not given.resume:
        raise CharBertError(
            f"{kept_in}: holds what an interrupted search has found; --resume goes on with it, --overwrite "
            "begins anew"
        )


def _decisive(given: argparse.Namespace) -> dict[str, Any]:
    """What the results of a search depend on: the options, and the files that they name as these are."""
    files = [Path(name) for name in (given.model, given.file, given.recognizer) if name is not None]
    decisive = {name: value for name, value in vars(given).items() if name not in MAY_DIFFER}
    return {**decisive, "files": [stamp(path) for path in files if path.exists()]}


def _task_of(given: argparse.Namespace) -> tuple[FinetuneSettings, Task[Any, Any]]:
    """How FILE is read, and what the model was trained for.

    Raises:
        CharBertError: nothing says so, or the model has no head for it.
    """
    columns = given_columns(given, NO_OPTIONS)
    if given.task is not None:
        settings, task = foreign_task(given, columns)
    elif given.labels is not None:
        raise CharBertError("--labels: the model of a run knows its own; give them with --task alone")
    elif (Path(given.model) / TASK_FILE).is_file():
        settings, task = load_task(Path(given.model), max_length=given.max_length, **columns)
    else:
        raise CharBertError(
            f"{given.model}: has no {TASK_FILE}, so it is no output folder of a run; of another model say "
            "with --task what it was trained for"
        )
    return settings, task
