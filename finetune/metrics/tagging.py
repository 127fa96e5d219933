"""Measures of tags: whole entities as conlleval counts them (by seqeval), or one word at a time."""

import importlib
from collections.abc import Sequence
from typing import Any

from charbert.errors import CharBertError
from data.examples.tags import to_iob2

Tags = Sequence[Sequence[str]]
"""Of each sentence, a tag for each word."""


def entity_scores(gold: Tags, predicted: Tags) -> dict[str, float]:
    """`precision`, `recall` and `f1` of entities, and the `accuracy` of tags, from 0 to 1.

    Tags may be of any scheme that `find_scheme` knows. As in conlleval, an entity also starts at a tag that
    continues nothing, and a tag is right if it is the same: I-PER is not B-PER.

    Raises:
        CharBertError: seqeval is not installed.
    """
    scorer, sides = seqeval_metrics(), (_iob2(gold), _iob2(predicted))
    precision, recall, f1, _ = scorer.precision_recall_fscore_support(
        *sides, average="micro", zero_division=0
    )
    return {
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        **tag_scores(gold, predicted),
    }


def entity_scores_by_type(gold: Tags, predicted: Tags) -> dict[str, dict[str, float]]:
    """Of each type of entity its `precision`, `recall`, `f1`, and `support`, its number in `gold`.

    Raises:
        CharBertError: seqeval is not installed.
    """
    scorer, sides = seqeval_metrics(), (_iob2(gold), _iob2(predicted))
    names = sorted({name for side in sides for name, _, _ in scorer.get_entities(side)})
    columns = scorer.precision_recall_fscore_support(*sides, average=None, zero_division=0)
    return {
        name: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(names, *columns, strict=True)
    }


def entity_report(gold: Tags, predicted: Tags) -> dict[str, float]:
    """`entity_scores`, then those of each type under flat names such as `PER_f1`.

    Raises:
        CharBertError: seqeval is not installed.
    """
    by_type = entity_scores_by_type(gold, predicted)
    flat = {f"{name}_{key}": value for name, scores in by_type.items() for key, value in scores.items()}
    return {**entity_scores(gold, predicted), **flat}


def tag_scores(gold: Tags, predicted: Tags) -> dict[str, float]:
    """`accuracy`, the share of words with the right tag."""
    right = [
        one == other for sides in zip(gold, predicted, strict=True) for one, other in zip(*sides, strict=True)
    ]
    return {"accuracy": sum(right) / len(right)}


def _iob2(tags: Tags) -> list[list[str]]:
    return [list(to_iob2(sentence)) for sentence in tags]


def seqeval_metrics() -> Any:
    """The library that entities are scored with.

    Raises:
        CharBertError: it is not installed.
    """
    try:
        return importlib.import_module("seqeval.metrics.sequence_labeling")
    except ModuleNotFoundError as error:
        raise CharBertError("entities are scored with `seqeval`; install it: pip install seqeval") from error
