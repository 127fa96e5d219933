"""`CharBertError`, the exception for mistakes of the user, and how commands report it."""

import errno
import os
import re
import select
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
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")
_TORCH_WRITER = ("PytorchStreamWriter", "inline_container.cc")


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
    if isinstance(source, str | PathLike) and not os.path.exists(source):
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
def name_failures(path: Path, done: str = "written", advice: str = "") -> Iterator[None]:
    """Failures of the disk, such as that it is full, as one line that names a file; many name none."""
    try:
        yield
    except Exception as error:
        if (reason := _disk_failure(error, path)) is None:
            raise
        raise CharBertError(f"{path}: cannot be {done} ({reason}){advice}") from error


def _disk_failure(error: Exception, path: Path) -> str | None:
    """Why the disk failed, as Python, Arrow, libraries in Rust and torch report it; None of other errors."""
    if isinstance(error, OSError):
        is_here = error.filename in (str(path), f"{path}.partial")
        # Arrow sets the number but words it at length.
        is_unnamed = error.filename is None and error.errno in _DISK
        return os.strerror(error.errno or 0) if is_here or is_unnamed else None
    text = str(error)
    if found := _SYSTEM_ERROR.search(text):
        return os.strerror(int(found[1]))
    return "the disk may be full" if any(part in text for part in _TORCH_WRITER) else None


def run_command(main: Callable[[Sequence[str]], None], arguments: Sequence[str] | None = None) -> int:
    """Run `main(arguments)` and return an exit status: 0, 1 (failed or interrupted) or 2 (wrong usage).

    A `CharBertError` or `OSError` is printed to standard error as one line, unless it is that the reader of
    the output, such as `head`, has ended. Any other exception is a defect of this project and keeps its
    traceback. Until `begin_work` is called an interrupt ends the process at once: raised while modules are
    imported, `KeyboardInterrupt` may come out of them as anything.
    """
    before = signal.getsignal(signal.SIGINT)
    _set_handler(_end_process)
    try:
        main(sys.argv[1:] if arguments is None else arguments)
        _flush_output()  # while a failure can still be reported: Python itself does it too late
    except (CharBertError, OSError) as error:
        if not (isinstance(error, BrokenPipeError) and _is_output_unread()):
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        _drop_unwritten()
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        exec("")  # else Python ends with the signal's status, if it came while a text was executed
        return 1
    finally:
        _set_handler(before)
    return 0


def _flush_output() -> None:
    print(end="", flush=True)  # also where there is none, as after `>&-`


def _drop_unwritten() -> None:
    """Let standard output forget what it cannot write: Python would try again, and fail, when it ends."""
    try:
        _flush_output()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_output_unread() -> bool:
    """Whether standard output is a pipe whose reader has ended; pipes between processes may break, too."""
    if sys.stdout is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def begin_work() -> None:
    """Let an interrupt be a `KeyboardInterrupt` again, so that what is half done can be tidied up."""
    _set_handler(signal.default_int_handler)


def _set_handler(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


def _end_process(*_: Any) -> None:
    os.write(sys.stderr.fileno(), f"{INTERRUPTED}\n".encode())
    os._exit(1)
