"""`CharBertError`, the exception for mistakes of the user, and how commands report it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

INTERRUPTED = "interrupted"


class CharBertError(ValueError):
    """A mistake in what the user gave. Its text is one line: what, where, and what to do."""


class LoadingError(CharBertError, RuntimeError):
    """A checkpoint that cannot be read or fits only in part: a `RuntimeError` too, as in `transformers`."""


class UsageError(CharBertError):
    """A command line with an unknown option, or without a required one: exit status 2."""


def first_line(error: BaseException) -> str:
    """What an error of another library says, without the advice that follows."""
    if isinstance(error, UnpicklingError):
        # torch says how to run the code in such a file, which nobody should be led to.
        return "a damaged file, or one that holds more than tensors"
    first, _, rest = str(error).strip().partition("\n")
    if first.endswith(":"):  # it is only the heading of what is said
        first = f"{first} {rest.strip().partition(chr(10))[0]}".strip()
    return first or type(error).__name__


def describe_failure(source: Any, error: BaseException) -> str:
    """Why a folder or hub id cannot be loaded: there is none of this name, or what the error says."""
    if isinstance(source, str | PathLike) and not Path(source).exists():
        return "there is no such folder, and the hub has nothing of this name or cannot be reached"
    return first_line(error)


@contextmanager
def reading(source: Any, what: str = "") -> Iterator[None]:
    """Turn whatever another library raises on the user's files into one line.

    Args:
        source: the file, folder or hub id.
        what: it is to be, such as "tokenizer".

    Raises:
        CharBertError: as it was raised, or with the first line of the other error.
    """
    try:
        yield
    except CharBertError:
        raise
    except Exception as error:
        raise LoadingError(
            f"{source}: cannot be read{' as ' + what if what else ''} ({describe_failure(source, error)})"
        ) from error


@contextmanager
def writing(target: Any) -> Iterator[None]:
    """Turn whatever another library raises while a file or folder is written into one line that names it.

    Raises:
        CharBertError: as it was raised, or with the first line of the other error (a full disk).
    """
    try:
        yield
    except CharBertError:
        raise
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise CharBertError(f"{target}: cannot be written ({reason or first_line(error)})") from error


def run_command(main: Callable[[Sequence[str]], None], arguments: Sequence[str] | None = None) -> int:
    """Run `main(arguments)` and return an exit status: 0, 1 (failed or interrupted) or 2 (wrong usage).

    A `CharBertError` or `OSError` is printed to standard error as one line. Any other exception is a
    defect of this project and keeps its traceback. Until `begin_work` is called an interrupt ends the process
    at once: raised while modules are imported, `KeyboardInterrupt` may come out of them as anything.
    """
    before = signal.getsignal(signal.SIGINT)
    _set_handler(_end_process)
    try:
        main(sys.argv[1:] if arguments is None else arguments)
    except (CharBertError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        exec("")  # else Python ends with the signal's status, if it came while a text was executed
        return 1
    finally:
        _set_handler(before)
    return 0


def begin_work() -> None:
    """Let an interrupt be a `KeyboardInterrupt` again, so that what is half done can be tidied up."""
    _set_handler(signal.default_int_handler)


def _set_handler(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


def _end_process(*_: Any) -> None:
    os.write(sys.stderr.fileno(), f"{INTERRUPTED}\n".encode())
    os._exit(1)
