"""Output of commands: never an input, nobody else's at the same time, and written whole or not at all."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from charbert.errors import CharBertError, name_failures

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # where there are no such locks, nothing is locked
    flock = None  # type: ignore[assignment]


def is_main_process() -> bool:
    """Whether this process is the one that writes and prints, under `torchrun` or alone."""
    return int(os.environ.get("RANK", "0")) == 0


def check_output_folder(settings: Any, path: Path, *, goes_on: bool = False) -> None:
    """Refuse an output folder that `output_folder` refuses, as far as it can be known before.

    Raises:
        CharBertError: as of `output_folder`.
    """
    if not is_main_process():
        return
    if path.exists() and not path.is_dir():
        raise CharBertError(f"{path}: is a file, and a folder is needed for the output")
    _refuse_inputs(settings, path)
    resume = getattr(settings, "resume", None)
    may_hold = settings.overwrite or resume or goes_on
    if path.is_dir() and not may_hold and any(path.iterdir()):
        ways = "another folder, --resume to go on with it," if resume is not None else "another folder"
        raise CharBertError(f"{path}: already holds the output of another run; give {ways} or --overwrite")


def check_output_file(settings: Any, path: Path, *beside: Path) -> None:
    """Refuse an output file that `output_file` refuses, as far as it can be known before.

    Raises:
        CharBertError: as of `output_file`.
    """
    if path.is_dir():
        raise CharBertError(f"{path}: is a folder, and a file is needed for the output")
    if path.exists() and not path.is_file():
        raise CharBertError(f"{path}: is no plain file; give one for the output")
    _refuse_inputs(settings, path, *beside)
    if path.exists() and not settings.overwrite:
        raise CharBertError(f"{path}: is there already; give another file or --overwrite")


@contextmanager
def output_folder(settings: Any, folder: Path | None = None, *, goes_on: bool = False) -> Iterator[Path]:
    """The output folder of a command, for this command alone; of several processes the main one claims it.

    It is made where it is missing, and removed again if nothing came into it.

    Args:
        settings: of the command, with `output`, `overwrite` and perhaps `resume`.
        folder: the folder, where it is not `settings.output` itself.
        goes_on: the command finds out by itself whether it may write into a folder that holds something.

    Raises:
        CharBertError: it is a file or an input of the command; it holds something, and neither `overwrite`
            nor `resume` was asked for; another command is writing into it; or it cannot be written.
    """
    path = Path(settings.output) if folder is None else folder
    if not is_main_process():
        yield path
        return
    check_output_folder(settings, path, goes_on=True)
    with _folders(path), _locked(path, path):
        check_output_folder(settings, path, goes_on=goes_on)
        with name_failures(path):
            yield path


@contextmanager
def output_file(settings: Any, *beside: Path) -> Iterator[Path]:
    """A path to write the output file of a command to: at its end, what is there gets the file's name.

    Args:
        settings: of the command, with `output` and `overwrite`.
        beside: further files that the command writes.

    Raises:
        CharBertError: the output is no file, or it or a file beside it is an input of the command; it exists,
            and `overwrite` was not asked for; another command is writing it; or it cannot be written.
    """
    path = Path(settings.output)
    partial = _partial(path)
    check_output_file(settings, path, partial, *beside)
    with _folders(path.parent), _locked(partial, path):
        try:
            check_output_file(settings, path)  # again: another command may have written it meanwhile
            with name_failures(path):
                yield partial
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; what is there at the end gets its name, what an error leaves is removed."""
    partial = _partial(path)
    try:
        with name_failures(path):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def say_finished(output: Path) -> None:
    """Say of an output that nothing is left to do."""
    if is_main_process():
        print(f"{output}: was finished before; --overwrite does it again", file=sys.stderr)


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file to which whole ones are added; what an interruption left of one is cut off it."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        path.write_bytes(whole)
    return whole.splitlines()


def _partial(path: Path) -> Path:
    return Path(f"{path}.partial")


def _refuse_inputs(settings: Any, *outputs: Path) -> None:
    """Refuse to write onto an input, or to remove what an earlier run left where an input is among it.

    Raises:
        CharBertError: an output is an input, or a folder that holds one and is to be written over.
    """
    inputs = [
        (field.name, each.resolve())
        for field in fields(settings)
        if field.metadata.get("reads")
        for each in _existing(getattr(settings, field.name))
    ]
    for output in outputs:
        for name, each in inputs:
            if output.resolve() == each:
                raise CharBertError(f"{output}: is the input itself; give another with --output")
            if settings.overwrite and output.resolve() in each.parents:
                raise CharBertError(
                    f"{output}: holds an input ({name} {each}), and is to be written over; give another "
                    "folder"
                )


def _existing(value: Any) -> Iterator[Path]:
    """The files and folders that a setting names, of itself or as in NAME=FOLDER::FOLDER."""
    for text in value if isinstance(value, list) else [value]:
        if text is not None:
            parts = {text, text.partition("=")[2], *text.split("::"), *text.partition("=")[2].split("::")}
            yield from (Path(part) for part in parts - {""} if os.path.exists(part))


@contextmanager
def _folders(path: Path) -> Iterator[None]:
    """A folder, made where it is missing; those that are made and stay empty are removed."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            for each in missing:
                each.rmdir()


@contextmanager
def _locked(path: Path, output: Path) -> Iterator[None]:
    """A folder, or a file that is made, for one command at a time, until that ends in whatever way.

    Args:
        path: what is locked.
        output: the output that it stands for.

    Raises:
        CharBertError: another command has it.
    """
    lock = _Lock(path, output)
    try:
        yield
    finally:
        lock.release()


class _Lock:
    """A lock of the operating system, so that it ends with the process; on a folder nothing is written."""

    def __init__(self, path: Path, output: Path) -> None:
        self._descriptor: int | None = None
        if flock is None:
            return
        flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
        while self._descriptor is None:
            descriptor = os.open(path, flags, 0o666)
            try:
                flock(descriptor, LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                os.close(descriptor)
                raise CharBertError(
                    f"{output}: another command is writing there; wait for its end, or give another output"
                ) from error
            except OSError:  # a file system without locks
                pass
            # The one that had it may have renamed or removed the file since it was opened here.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    self._descriptor = descriptor
                    continue
            os.close(descriptor)
        # A process that is forked meanwhile, to load data, must not keep the lock longer than this one.
        os.register_at_fork(after_in_child=self.release)

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
