"""`CharBertError`, the exception for mistakes of the user, and how commands report it."""

import sys
from collections.abc import Callable, Sequence


class CharBertError(ValueError):
    """A mistake in what the user gave. Its text is one line: what, where, and what to do."""


class UsageError(CharBertError):
    """A command line with an unknown option, or without a required one: exit status 2."""


def first_line(error: BaseException) -> str:
    """What an error of another library says, without the advice that follows."""
    return str(error).strip().partition("\n")[0]


def run_command(main: Callable[[Sequence[str]], None], arguments: Sequence[str] | None = None) -> int:
    """Run `main(arguments)` and return an exit status: 0, 1 (failed or interrupted) or 2 (wrong usage).

    A `CharBertError` or `OSError` is printed to standard error as one line. Any other exception is a
    defect of this project and keeps its traceback.
    """
    try:
        main(sys.argv[1:] if arguments is None else arguments)
    except (CharBertError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    return 0
