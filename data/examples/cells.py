"""Cells of a row as texts, words, labels and ids."""

import json
import math
from collections.abc import Sequence
from typing import Any

from data.examples.rows import Row, RowError
from data.examples.types import Label


def text_in(row: Row, column: str) -> str:
    """A text; a number or a truth value as JSON shows it.

    Raises:
        RowError: there is none.
    """
    return as_text(_given(row, column), column)


def label_in(
    row: Row, column: str, kind: str, separator: str = ",", labels: Sequence[str] | None = None
) -> Label:
    """A label.

    Args:
        row: has it.
        column: of the label.
        kind: `classification`, a text; `regression`, a number; `multi_label`, several texts.
        separator: what separates several in a text.
        labels: the classes that are allowed; all, if there are none.

    Raises:
        RowError: there is none, or another one.
    """
    if kind == "regression":
        return _number_in(row, column)
    if kind == "multi_label":
        return _labels_in(row, column, separator)
    label = text_in(row, column)
    if not label.strip():
        raise RowError(f"column {column!r} has no label")
    if labels and label not in labels:
        raise RowError(f"unknown label {label!r}; the labels are {', '.join(labels)}")
    return label


def _number_in(row: Row, column: str) -> float:
    """A finite number, also one written as a text."""
    value = _given(row, column)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise RowError(f"column {column!r} holds no number: {_shown(value)}")
    return number


def _labels_in(row: Row, column: str, separator: str) -> tuple[str, ...]:
    """The labels of a list, or of a text with `separator` between them; each once, none empty."""
    value = _given(row, column)
    if isinstance(value, list):
        labels = [as_text(label, column) for label in value]
    else:
        labels = as_text(value, column).split(separator)
    return tuple(dict.fromkeys(filter(None, map(str.strip, labels))))


def words_in(row: Row, column: str) -> tuple[str, ...]:
    """The words of a list, or of a text with white space between them.

    Raises:
        RowError: there are none, or one is empty, or holds what ends a line or a column.
    """
    value = _given(row, column)
    if not isinstance(value, list):
        return tuple(as_text(value, column).split())
    words = tuple(as_text(word, column) for word in value)
    for word in words:
        if not word.strip() or any(mark in word for mark in "\t\n\r"):
            raise RowError(f"column {column!r} holds {word!r}, which is no word")
    return words


def id_in(row: Row, number: int, column: str = "id") -> str:
    """The name that the row has for itself, else the number of its example.

    Raises:
        RowError: the name is no text.
    """
    return text_in(row, column) if has_id(row, column) else str(number)


def has_id(row: Row, column: str = "id") -> bool:
    """Whether a row has a name for itself."""
    value = row.cells.get(column)
    return not is_nothing(value) and value != ""


def is_nothing(value: Any) -> bool:
    """Whether a cell has no value: pandas writes NaN there."""
    return value is None or value != value


def _given(row: Row, column: str) -> Any:
    value = row.cells.get(column)
    if is_nothing(value):
        raise RowError(f"has nothing in column {column!r}")
    return value


def as_text(value: Any, column: str) -> str:
    """A text; a number or a truth value as JSON shows it.

    Raises:
        RowError: it is none of these, or no text that UTF-8 can hold.
    """
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str):
        raise RowError(f"column {column!r} holds no text: {_shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RowError(f"column {column!r} has an escape \\u for half a character") from error
    return value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
