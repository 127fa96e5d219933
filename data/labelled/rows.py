"""Rows that cannot be used: the first one ends the command, or all are left out and counted."""

from charbert.errors import CharBertError

SHOWN = 10


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
