"""`python -m finetune score`: how good anybody's predictions are, by the measures of their field.

python -m finetune score --task squad2 dev-v2.0.json predictions.json --na-probs na_probs.json
python -m finetune score --task ner eng.testb predictions.conll
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from charbert.commands.results import whole_file
from charbert.errors import CharBertError
from data.examples.glue import GLUE, label_in
from data.examples.options import add_column_options, given_columns
from data.examples.rows import BadRows, Fault, Row
from data.examples.tables import label_reader
from data.examples.types import Label, TaggedExample
from finetune.metrics import predictions
from finetune.metrics.classification import GLUE_METRICS, TEXT_METRICS
from finetune.metrics.squad import missing_predictions, squad1_scores, squad2_scores
from finetune.metrics.tagging import OUTSIDE, entity_report, has_entities, tag_scores
from finetune.settings import FinetuneSettings
from finetune.tasks.registry import ANSWERS, TAGS, TASKS, read

NO_OPTIONS = ("pair_column", "word_number", "tag_number")
"""Columns that do not count here, or are options of other names."""
JSON_LINES = ".jsonl"
NO_LABEL = "has no label to compare a prediction with"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gold", metavar="GOLD", help="the right answers, in the form of the task's data")
    parser.add_argument(
        "predictions",
        metavar="PREDICTIONS",
        help='answers: JSON {"id": "text"}; tags: columns, the predicted tag in the last; else a table with '
        "a column `prediction` and perhaps `index`, or one prediction a line",
    )
    parser.add_argument("--task", required=True, choices=TASKS, metavar="TASK", help=" ".join(TASKS))
    parser.add_argument(
        "--na-probs", metavar="FILE", help='squad2, qa: JSON {"id": probability of no answer}'
    )
    parser.add_argument(
        "--na-threshold",
        type=float,
        default=1.0,
        metavar="P",
        help="squad2, qa: above it a question counts as not answered; default: %(default)s",
    )
    parser.add_argument("--out", metavar="FILE", help="write the scores there as well")
    for name, default, meaning in (
        ("--word-column", 0, "words in GOLD"),
        ("--tag-column", -1, "tags in GOLD"),
        ("--predicted-word-column", 0, "words in PREDICTIONS"),
        ("--prediction-column", -1, "tags in PREDICTIONS"),
    ):
        parser.add_argument(
            name,
            type=int,
            default=default,
            metavar="N",
            help=f"files of columns: number of the {meaning}, from 0; default: %(default)s",
        )
    add_column_options(parser, NO_OPTIONS)
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave rows out that cannot be used")


def run(given: argparse.Namespace) -> None:
    if given.na_probs and given.task not in ("squad2", "qa"):
        raise CharBertError(f"--na-probs: {given.task} knows no questions without an answer; leave it out")
    # Nothing is trained: of these settings, only those of the data count.
    settings = FinetuneSettings(
        task=given.task,
        output="",
        model=given.task,
        word_number=given.word_column,
        tag_number=given.tag_column,
        **given_columns(given, NO_OPTIONS),
    )
    bad = BadRows(given.skip_bad_rows)
    family = _answers if given.task in ANSWERS else _tags if given.task in TAGS else _labels
    scores = json.dumps(family(settings, given, bad), indent=2)
    print(scores)
    if bad:
        print(bad.summary(), file=sys.stderr)
    if given.out:
        out = Path(given.out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as unfinished:
            unfinished.write_text(scores + "\n", encoding="utf-8")


def _answers(settings: FinetuneSettings, given: argparse.Namespace, bad: BadRows) -> dict[str, float]:
    gold = _labelled(read(settings, given.gold, bad), given.gold, bad)
    predicted = predictions.read_answers(Path(given.predictions))
    all_answered = all(example.answers for example in gold)
    if given.task == "squad" or (given.task == "qa" and all_answered and not given.na_probs):
        missing = missing_predictions(gold, predicted)
        if missing:
            print(
                f"{len(missing)} of {len(gold)} questions have no prediction and count as wrong, the first "
                f"is {missing[0]!r}",
                file=sys.stderr,
            )
        return squad1_scores(gold, predicted)
    na_probs = predictions.read_na_probs(Path(given.na_probs)) if given.na_probs else None
    return squad2_scores(gold, predicted, na_probs, given.na_threshold)


def _tags(settings: FinetuneSettings, given: argparse.Namespace, bad: BadRows) -> dict[str, float]:
    gold = _labelled(read(settings, given.gold, bad), given.gold, bad)
    columns = replace(
        settings,
        # What `predict` writes as JSON lines is a table, whatever the task.
        task="tagging" if given.predictions.endswith(JSON_LINES) else given.task,
        words_column=FinetuneSettings.words_column,
        tags_column=FinetuneSettings.tags_column,
        word_number=given.predicted_word_column,
        tag_number=given.prediction_column,
    )
    predicted = list(read(columns, given.predictions, bad))
    sides = [example.tags for example in gold], predictions.aligned_tags(gold, predicted)
    marked = has_entities(tag for tags in sides[0] for tag in tags)
    if given.task != "ner" and not (given.task == "tagging" and marked):
        return tag_scores(*sides)
    for example in (*gold, *predicted):
        _require_iob(example)
    return entity_report(*sides)


def _labels(settings: FinetuneSettings, given: argparse.Namespace, bad: BadRows) -> dict[str, float]:
    path = Path(given.predictions)
    examples = list(read(settings, given.gold, bad))
    complete = not bad
    rows = predictions.read_label_rows(path, bad)
    read_label = _label_reader(settings)
    gold, predicted = [], []
    for example, row in zip(
        examples, predictions.aligned_rows(examples, rows, path, complete=complete), strict=True
    ):
        if not example.is_labelled:
            bad.add(example.location, NO_LABEL)
            continue
        try:
            predicted.append(read_label(row, predictions.PREDICTION))
        except Fault as fault:
            bad.add(row.location, str(fault))
        else:
            gold.append(example.label)
    _require_some(gold, given.gold)
    measures = GLUE_METRICS[given.task] if given.task in GLUE else TEXT_METRICS[given.label_kind]
    return measures.scores(gold, predicted)


def _label_reader(settings: FinetuneSettings) -> Callable[[Row, str], Label]:
    if settings.task in GLUE:
        return partial(label_in, labels=GLUE[settings.task].labels)
    return label_reader(settings.label_kind, settings.separator)


def _labelled(examples: Iterable[Any], source: str, bad: BadRows) -> list[Any]:
    kept = []
    for example in examples:
        if example.is_labelled:
            kept.append(example)
        else:
            bad.add(example.location, NO_LABEL)
    _require_some(kept, source)
    return kept


def _require_some(kept: Sequence[Any], source: str) -> None:
    if not kept:
        raise CharBertError(
            f"{source}: no row is left that can be scored; see its faults without --skip-bad-rows"
        )


def _require_iob(example: TaggedExample) -> None:
    tags = [tag for tag in example.tags or () if tag != OUTSIDE and not has_entities([tag])]
    if tags:
        raise CharBertError(
            f"{example.location}: the tag {tags[0]!r} is none of O, B-... and I-..., which mark entities; "
            "convert it, or score the tags alone as pos"
        )
