"""What stands in a cell of a table, as a task wants it."""

import json
import math
from typing import Any

from data.examples.rows import Fault, Row


def text_in(row: Row, column: str) -> str:
    """A text; a number or a truth value as JSON shows it.

    Raises:
        Fault: there is none.
    """
    return _as_text(_given(row, column), column)


def class_in(row: Row, column: str) -> str:
    """A label.

    Raises:
        Fault: there is none.
    """
    label = text_in(row, column)
    if not label.strip():
        raise Fault(f"column {column!r} has no label")
    return label


def number_in(row: Row, column: str) -> float:
    """A finite number, also one written as a text.

    Raises:
        Fault: there is none.
    """
    value = _given(row, column)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise Fault(f"column {column!r} holds no number: {_shown(value)}")
    return number


def labels_in(row: Row, column: str, separator: str) -> tuple[str, ...]:
    """The labels of a list, or of a text with `separator` between them; each once, none empty.

    Raises:
        Fault: there is no such cell. One that is empty is there.
    """
    value = _given(row, column)
    if isinstance(value, list):
        labels = [_as_text(label, column) for label in value]
    else:
        labels = _as_text(value, column).split(separator)
    return tuple(dict.fromkeys(filter(None, map(str.strip, labels))))


def words_in(row: Row, column: str) -> tuple[str, ...]:
    """The words of a list, or of a text with white space between them.

    Raises:
        Fault: there are none, or one is empty, or holds what ends a line or a column.
    """
    value = _given(row, column)
    if not isinstance(value, list):
        return tuple(_as_text(value, column).split())
    words = tuple(_as_text(word, column) for word in value)
    for word in words:
        if not word.strip() or any(mark in word for mark in "\t\n\r"):
            raise Fault(f"column {column!r} holds {word!r}, which is no word")
    return words


def id_in(row: Row, number: int, column: str = "id") -> str:
    """The row's name for itself, or else the number of its example.

    Raises:
        Fault: the name is no text.
    """
    return str(number) if row.cells.get(column) is None else text_in(row, column)


def _given(row: Row, column: str) -> Any:
    value = row.cells.get(column)
    if value is None or value != value:  # pandas writes NaN where nothing stands
        raise Fault(f"has nothing in column {column!r}")
    return value


def _as_text(value: Any, column: str) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str):
        raise Fault(f"column {column!r} holds no text: {_shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Fault(f"column {column!r} has an escape \\u for half a character") from error
    return value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
