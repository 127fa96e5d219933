"""Rows of labelled files; those that cannot be used end the command, or all are left out and counted."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from charbert.errors import CharBertError

SHOWN = 10
Example = TypeVar("Example")


class Row(NamedTuple):
    """The cells of a row by column, and where it stands."""

    location: str
    cells: dict[str, Any]


class Fault(Exception):
    """Why a row cannot be used: what follows its place in a message."""


class BadRows:
    """What becomes of them.

    Args:
        skip: leave them out; `summary` names them then.
    """

    def __init__(self, skip: bool = False) -> None:
        self._skip = skip
        self._messages: list[str] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, place: str, fault: str) -> None:
        """Note a row that cannot be used; the caller goes on without it.

        Raises:
            CharBertError: rows are not to be skipped.
        """
        message = f"{place}: {fault}"
        if not self._skip:
            raise CharBertError(f"{message}; mend it, or leave such rows out with --skip-bad-rows")
        self._messages.append(message)

    def summary(self) -> str | None:
        """How many were left out, and the first of them; None if all could be used."""
        if not self._messages:
            return None
        more = f"\n  and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        shown = "".join(f"\n  {message}" for message in self._messages[:SHOWN])
        return f"{len(self)} rows left out:{shown}{more}"


def usable_examples(
    rows: Iterable[Row], example_of: Callable[[Row, int], Example], bad: BadRows
) -> Iterator[Example]:
    """What `example_of` makes of each row and the number of its example; rows with a `Fault` go to `bad`."""
    number = 0
    for row in rows:
        try:
            example = example_of(row, number)
        except Fault as fault:
            bad.add(row.location, str(fault))
        else:
            yield example
            number += 1


def at_least_one(examples: Iterator[Example], source: object, bad: BadRows) -> Iterator[Example]:
    """The same examples.

    Raises:
        CharBertError: there are none.
    """
    bad_before = len(bad)
    first = next(examples, None)
    if first is None:
        why = "; without --skip-bad-rows its first fault shows" if len(bad) > bad_before else ""
        raise CharBertError(f"{source}: holds no examples that can be used{why}")
    yield first
    yield from examples


def with_columns(rows: Iterator[Row], source: object, columns: Iterable[str | None]) -> Iterator[Row]:
    """The same rows, once the first of them has these columns.

    Raises:
        CharBertError: it has not; names those that it has.
    """
    first = next(rows, None)
    if first is None:
        return
    for column in columns:
        if column is not None and column not in first.cells:
            known = ", ".join(map(repr, first.cells))
            raise CharBertError(f"{source}: has no column {column!r}; its columns: {known}")
    yield from chain([first], rows)
