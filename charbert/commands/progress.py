"""What the commands share: numbers of their options, and progress bars."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from tqdm import tqdm


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number no less than this."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is no whole number") from None
        if value < least:
            raise ArgumentTypeError(f"{text} is less than {least}")
        return value

    return number


def passing_bar(*given: Any, **settings: Any) -> Any:
    """The bar of what is mostly done at once: shown after two seconds, and gone at the end."""
    return progress_bar(*given, delay=2, leave=False, **settings)


def progress_bar(*given: Any, **settings: Any) -> Any:
    """A `tqdm`, which tells a log file no more than a line every ten seconds."""
    return tqdm(*given, mininterval=0.1 if sys.stderr.isatty() else 10, **settings)
