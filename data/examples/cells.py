"""Cells of a row as texts, words, labels and ids."""

import ast
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from data.examples.rows import Row, RowError
from data.examples.types import Label

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_LIST = re.compile(rf"\[\s*(?:{_QUOTED.pattern})(?:(?:\s*,\s*|\s+)(?:{_QUOTED.pattern}))*\s*\]", re.DOTALL)
_TUPLE = re.compile(
    rf"\((?:{_QUOTED.pattern}),(?: (?:{_QUOTED.pattern})(?:, (?:{_QUOTED.pattern}))*)?\)", re.DOTALL
)
_NUMBERS = re.compile(r"\[\s*-?\d+(?:(?:\s*,\s*|\s+)-?\d+)*\s*\]", re.ASCII)
_INVISIBLE = ("Cc", "Cf")
_UNKNOWN = (-1, -100, "-1", "-100", "-1.0", "-100.0")
"""What stands for "no class" in published data sets."""


def text_in(row: Row, column: str) -> str:
    """A text; a number or a truth value as JSON shows it.

    Raises:
        RowError: there is none.
    """
    return as_text(_given(row, column), column)


def filled_text_in(row: Row, column: str) -> str:
    """A text with something to read: not white space, control and invisible characters alone.

    Raises:
        RowError: there is none.
    """
    text = text_in(row, column)
    if all(letter.isspace() or unicodedata.category(letter) in _INVISIBLE for letter in text):
        raise RowError(f"has an empty text in column {column!r}")
    return text


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
    label = _label_text(_given(row, column), column)
    if not label:
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
    labels = _items_in(row, column, numbers=True, separator=separator)
    return tuple(dict.fromkeys(filter(None, (_label_text(label, column) for label in labels))))


def write_labels(labels: Sequence[str], separator: str) -> str:
    """A text that is read as these labels: with `separator` between them, or as a list where one holds it."""
    text = separator.join(labels)
    alone = all(label and separator not in label for label in labels) and not text.startswith("[")
    return text if alone else json.dumps(labels, ensure_ascii=False)


def dump_json(value: Any) -> str:
    """JSON on one line, with escapes where it holds half a character, which UTF-8 has no bytes for."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=str)
    return text


def unique_cells(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The cells of a row in JSON.

    Raises:
        ValueError: two have one name.
    """
    cells = dict(pairs)
    if len(cells) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"two cells have the name {next(name for name in names if names.count(name) > 1)!r}")
    return cells


def _label_text(value: Any, column: str) -> str:
    """A label without white space around it. 1.0 is 1, which a column with gaps makes of it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_text(value, column).strip()


def words_in(row: Row, column: str) -> tuple[str, ...]:
    """The words of a list, also of one that is saved as a text, or of a text with white space between them.

    Raises:
        RowError: there are none, or one is empty, or holds what ends a line or a column.
    """
    return _check_words([as_text(word, column) for word in _items_in(row, column)], column)


def tags_in(row: Row, column: str) -> tuple[str, ...]:
    """Tags as `words_in`, without white space around them.

    Raises:
        RowError: as there.
    """
    return _check_words([_label_text(tag, column) for tag in _items_in(row, column, numbers=True)], column)


def _items_in(row: Row, column: str, numbers: bool = False, separator: str | None = None) -> Sequence[Any]:
    """The items of a list, also of one that is saved as a text, or of a text with `separator` between them.

    Args:
        row, column: where they are.
        numbers: as of `read_list`.
        separator: None: white space.
    """
    value = _given(row, column)
    if isinstance(value, list):
        return value
    text = as_text(value, column)
    items = read_list(text, numbers)
    return text.split(separator) if items is None else items


def _check_words(words: Sequence[str], column: str) -> tuple[str, ...]:
    for word in words:
        if not word.strip() or any(mark in word for mark in "\t\n\r"):
            raise RowError(f"column {column!r} holds {word!r}, which is no word")
    return tuple(words)


def read_list(text: str, numbers: bool = False) -> list[str] | None:
    """The items of a list of texts that was saved as a text, as JSON, Python and numpy show one.

    `["a", "b"]`, `['a', 'b']`, `['a' 'b']` and `('a', 'b')` are such lists, `[ a ]` and `('a')` are not.

    Args:
        text: of a cell.
        numbers: take `[1, 2]` for a list, too.

    Returns:
        None for any other text.

    Raises:
        RowError: it begins as such a list, and is none.
    """
    text = text.strip()
    if numbers and _NUMBERS.fullmatch(text):
        return re.findall(r"-?\d+", text)
    if text == "[]":
        return []
    if not text.startswith(("['", '["')) and not _TUPLE.fullmatch(text):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _python_list(text)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise RowError(f"holds no list of texts: {_shown(text)}")
    return found


def _python_list(text: str) -> list[str] | None:
    is_list = _LIST.fullmatch(text) or _TUPLE.fullmatch(text)
    try:
        return [ast.literal_eval(item) for item in _QUOTED.findall(text)] if is_list else None
    except (SyntaxError, ValueError):
        return None


def has_label(value: Any) -> bool:
    """Whether a cell has a label: it has none if it is empty, or holds nothing but -1 or -100."""
    if is_nothing(value):
        return False
    if isinstance(value, str):
        try:
            items: Any = read_list(value, numbers=True)
        except RowError:
            return True
        items = value.split() if items is None else items
    else:
        items = value.get("text", value) if isinstance(value, dict) else value
    if isinstance(items, list):
        return any(item not in _UNKNOWN if isinstance(item, str) else has_label(item) for item in items)
    return items not in _UNKNOWN


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
