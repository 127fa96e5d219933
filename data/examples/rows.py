"""Rows of labelled files; a bad row ends the command, or bad rows are left out and counted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple, TypeVar

from charbert.errors import CharBertError

SHOWN = 10
_NO_TEXT = ("is not UTF-8", "holds a NUL byte")
Example = TypeVar("Example")


class Row(NamedTuple):
    """The cells of a row by column, and its location as in `Example`."""

    location: str
    cells: dict[str, Any]


class RowError(Exception):
    """Why a row cannot be used; a message has it after the location of the row."""


class BadRows:
    """Rows that cannot be used: the first ends the command, or they are left out and counted.

    Args:
        skip: leave them out; `summary` names them then.
    """

    def __init__(self, skip: bool = False) -> None:
        self._skip = skip
        self._messages: list[str] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, location: str, reason: str) -> None:
        """Note a row that cannot be used; the caller goes on without it.

        Raises:
            CharBertError: rows are not to be skipped.
        """
        message = f"{location}: {reason}"
        if not self._skip:
            advice = "; --encoding names an encoding other than UTF-8" if reason in _NO_TEXT else ""
            raise CharBertError(f"{message}; fix it, or leave such rows out with --skip-bad-rows{advice}")
        self._messages.append(message)

    def summary(self) -> str | None:
        """How many were left out, and the first of them; None if all could be used."""
        if not self._messages:
            return None
        more = f"\n  and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        shown = "".join(f"\n  {message}" for message in self._messages[:SHOWN])
        return f"{len(self)} row{'s' * (len(self) > 1)} left out:{shown}{more}"


def make_examples(
    rows: Iterable[Row], make: Callable[[Row, int], Example], source: object, bad: BadRows
) -> Iterator[Example]:
    """The examples of rows.

    Args:
        rows: of a source.
        make: a row and the number of its example -> the example; raises `RowError` if it cannot.
        source: its name for messages.
        bad: gets the rows without an example.

    Raises:
        CharBertError: there is no example.
    """

    def usable() -> Iterator[Example]:
        number = 0
        for row in rows:
            try:
                example = make(row, number)
            except RowError as error:
                bad.add(row.location, str(error))
            else:
                yield example
                number += 1

    return require_one(usable(), source, bad)


def require_one(examples: Iterator[Example], source: object, bad: BadRows) -> Iterator[Example]:
    """The same examples.

    Raises:
        CharBertError: there are none.
    """
    bad_before = len(bad)
    first = next(examples, None)
    if first is None:
        why = "; without --skip-bad-rows its first error is shown" if len(bad) > bad_before else ""
        raise CharBertError(f"{source}: holds no examples that can be used{why}")
    yield first
    yield from examples


def require_columns(
    rows: Iterator[Row], source: object, columns: Iterable[str | None], options: Sequence[str] = ()
) -> Iterator[Row]:
    """The same rows.

    Args:
        rows: of a table.
        source: its name for messages.
        columns: that it must have; None stands for none.
        options: of each the option by which it is named, where there is one.

    Raises:
        CharBertError: the first of them lacks one of these columns; names those that it has.
    """
    first = next(rows, None)
    if first is None:
        return
    for column, option in zip_longest(columns, options):
        if column is not None and column not in first.cells:
            known = ", ".join(map(repr, first.cells))
            advice = f"; name one of them with {option}" if option else ""
            raise CharBertError(f"{source}: has no column {column!r}; its columns: {known}{advice}")
    yield from chain([first], rows)
