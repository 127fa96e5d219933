"""Error analysis: scores of words that the tokenizer splits, scores of each label, confusion matrices."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from charbert.commands.tables import format_table
from charbert.errors import CharBertError
from data.examples.tags import OUTSIDE, to_iob2
from data.examples.types import TaggedExample
from finetune.metrics.classification import LABEL_SCORES, occurring
from finetune.metrics.tagging import entity_scores
from finetune.tasks.base import Task
from finetune.tasks.tags import TagPrediction, word_starts, words_at

logger = logging.getLogger(__name__)
MOST_LABELS = 30
REST = "(the rest)"
_LONGEST_NAME = 24  # characters in the figure
_CELL, _LARGEST_CELL, _GRID = 0.42, 1.0, 5.0  # inches
_POINTS, _LARGEST_FONT = 72, 11


def check_word_split(task: Task[Any, Any]) -> None:
    """Refuse a task without entities.

    Raises:
        CharBertError: it has none.
    """
    if not task.has_entities:
        raise CharBertError(
            "--word-split: scores entities (tags such as O, B-... and I-...), and this task has none"
        )


def word_split(
    examples: Sequence[TaggedExample], predictions: Sequence[TagPrediction], tokenizer: Any
) -> dict[str, float]:
    """Scores of entities by whether the tokenizer splits them (the paper's Word and Subword).

    An entity, gold or predicted, belongs to `subword` if any word of it has more than one token, else to
    `word`. The gold entities of a part are compared with the predicted ones of that part.

    Returns:
        `precision`, `recall` and `f1` of each part, as `word_f1`, `subword_f1` and so on; then the shares
        that are split: `subword_words` of all words, `subword_entities` of gold entities,
        `subword_entity_words` of the words in these. In testb of CoNLL-2003, bert-base-cased splits 17.8%,
        53.6% and 45.3%; the paper gives the first and the last.

    Raises:
        CharBertError: seqeval is not installed.
    """
    split = [counts > 1 for counts in _token_counts(examples, tokenizer)]
    gold = [to_iob2(example.tags or ()) for example in examples]
    predicted = [to_iob2(prediction.tags) for prediction in predictions]
    numbers: dict[str, float] = {}
    entities = []
    for name, is_split in (("word", False), ("subword", True)):
        sides = [
            [_entities_of_part(tags, words, is_split) for tags, words in zip(side, split, strict=True)]
            for side in (gold, predicted)
        ]
        scores = entity_scores(*sides)
        numbers |= {f"{name}_{measure}": scores[measure] for measure in ("precision", "recall", "f1")}
        entities.append(sum(tag.startswith("B-") for tag in chain(*sides[0])))
    words = np.concatenate(split)
    in_entities = np.array([tag != OUTSIDE for tag in chain(*gold)])
    return {
        **numbers,
        "subword_words": float(words.mean()),
        "subword_entities": entities[1] / max(1, sum(entities)),
        "subword_entity_words": float((words & in_entities).sum() / max(1, in_entities.sum())),
    }


def _token_counts(examples: Sequence[TaggedExample], tokenizer: Any) -> Iterator[NDArray[np.int64]]:
    """How many tokens each word has in its sentence, however long that is."""
    texts = [" ".join(example.words) for example in examples]
    settings = {"add_special_tokens": False, "return_offsets_mapping": True, "verbose": False}
    for example, spans in zip(examples, tokenizer(texts, **settings)["offset_mapping"], strict=True):
        starts = word_starts(example.words)
        ends = np.array([end for begin, end in spans if end > begin], dtype=np.int64)
        yield np.bincount(words_at(starts, ends), minlength=len(starts))


def _entities_of_part(tags: Sequence[str], split: NDArray[np.bool_], is_split: bool) -> list[str]:
    """IOB2 tags with O for the entities that are not of this part."""
    # (words,) the number of the entity or other word that each word belongs to: a new one begins at every
    # tag but I-. B-PER I-PER O has 1 1 2; if the second word is split, 1 is among the split numbers, and so
    # both words of the name are.
    numbers = np.cumsum([not tag.startswith("I-") for tag in tags])
    split_numbers = set(numbers[split].tolist())
    return [
        tag if (number in split_numbers) == is_split else OUTSIDE
        for tag, number in zip(tags, numbers.tolist(), strict=True)
    ]


def write_report(
    task: Task[Any, Any], examples: Sequence[Any], predictions: Sequence[Any], folder: Path, name: str
) -> None:
    """Write `report-NAME.txt`, scores of each label, and `confusion-NAME.png`, which are taken for which.

    Of entities, the report has their types, and the figure the types of single words. Several labels at once
    have no figure. Numbers and answers have no labels, hence neither.

    Args:
        examples: with labels.
        predictions: one for each.
        folder: gets the files; it exists.
        name: of the examples, such as `dev`.
    """
    report = task.report_labels(examples, predictions)
    if report is None:
        logger.info("%s: no report, since this task has no labels", name)
        return
    (folder / f"report-{name}.txt").write_text(_table(report.scores) + "\n", encoding="utf-8")
    if report.gold:
        draw_confusion(report.gold, report.predicted, report.labels, folder / f"confusion-{name}.png", name)


def _table(scores: dict[str, dict[str, float]]) -> str:
    """A line for each label; below them the plain mean over the labels, and their support together."""
    rows: list[Any] = [
        (label, *(float(found[name]) for name in LABEL_SCORES)) for label, found in scores.items()
    ]
    if rows:
        values = np.array([row[1:] for row in rows])
        rows.append(("mean", *values[:, :-1].mean(axis=0).tolist(), values[:, -1].sum()))
    lines = [(label, *shares, int(support)) for label, *shares, support in rows]
    return format_table(("label", *LABEL_SCORES), lines)


def draw_confusion(
    gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str], path: Path, title: str
) -> None:
    """Draw into a PNG how often each gold label is taken for which, coloured by the share of its row.

    Of more than `MOST_LABELS` labels, the rarest share a row and a column.

    Args:
        gold, predicted: N labels each.
        labels: all there may be, in the order to draw them in; those that do not occur are left out.
    """
    shown, gold, predicted = _most_frequent(labels, gold, predicted)
    pairs = Counter(zip(gold, predicted, strict=True))
    counts = np.array([[pairs[row, column] for column in shown] for row in shown])
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    cell = min(_LARGEST_CELL, max(_CELL, _GRID / len(shown)))  # inches
    names = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in shown]
    grid, margin = cell * len(shown), 1.2 + 0.08 * max(map(len, names))
    figure = Figure(figsize=(grid + margin + 0.8, grid + margin), layout="constrained", dpi=150)
    axes = figure.add_subplot(title=title, xlabel="predicted", ylabel="right")
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(
        range(len(shown)), names, rotation=45, ha="right", rotation_mode="anchor", parse_math=False
    )
    axes.set_yticks(range(len(shown)), names, parse_math=False)
    figure.colorbar(image, label="share of the right label's examples", shrink=min(0.8, 4 / grid))
    digits = len(str(counts.max()))
    font = min(_LARGEST_FONT, 0.85 * cell * _POINTS / (0.65 * digits))  # a digit is 0.65 of it wide
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, size=font)
    figure.savefig(path)


def _most_frequent(
    labels: Iterable[str], gold: Sequence[str], predicted: Sequence[str]
) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """The labels to draw, and both sides with the others called `REST`."""
    known = occurring(labels, gold, predicted)
    if len(known) <= MOST_LABELS:
        return known, gold, predicted
    frequent = {label for label, _ in Counter(gold).most_common(MOST_LABELS - 1)}
    gold, predicted = ([name if name in frequent else REST for name in side] for side in (gold, predicted))
    return [*(label for label in known if label in frequent), REST], gold, predicted
