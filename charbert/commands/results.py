"""`results.json`: what a command did, as flat keys and plain numbers, with how it was done beside them."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from charbert import __version__
from charbert.errors import CharBertError

RESULTS = "results.json"


def is_main_process() -> bool:
    """Whether this process is the one that writes and prints, under `torchrun` or alone."""
    return int(os.environ.get("RANK", "0")) == 0


def write_results(
    folder: str | Path, numbers: Mapping[str, Any], settings: Mapping[str, Any], seed: int | None = None
) -> Path:
    """Write `results.json` into a folder: the numbers, then `settings`, `versions` and `seed`."""
    content = {
        **numbers,
        "settings": dict(settings),
        "versions": versions(),
        "seed": seed,
    }
    path = Path(folder) / RESULTS
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; what is there at the end gets its name, what an error leaves is removed."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to; what is in it at the end moves to `folder`, what an error leaves is removed.

    An interruption before that leaves what was in `folder` as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        yield Path(made)
        folder.mkdir(exist_ok=True)
        (folder / RESULTS).unlink(missing_ok=True)  # results stand for a folder that is complete
        for path in sorted(Path(made).iterdir(), key=lambda path: path.name == RESULTS):
            path.replace(folder / path.name)


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file to which whole ones are added; what an interruption left of one is cut off it."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        path.write_bytes(whole)
    return whole.splitlines()


def format_numbers(numbers: Mapping[str, float]) -> str:
    """Numbers with their names on one line, as a command prints them at its end."""
    return ", ".join(
        f"{name} {value:,.1f}" if isinstance(value, float) else f"{name} {value:,}"
        for name, value in numbers.items()
    )


def versions() -> dict[str, str]:
    """The versions on which results depend."""
    packages = ("torch", "transformers", "tokenizers")
    return {"charbert": __version__, **{name: metadata.version(name) for name in packages}}


def read_results(folder: str | Path) -> dict[str, Any]:
    """The content of the `results.json` of a folder."""
    return json.loads((Path(folder) / RESULTS).read_bytes())


def check_output_folder(folder: str | Path, overwrite: bool, resume: bool | None = None) -> None:
    """Refuse a folder that already holds something.

    Args:
        folder: where a command writes.
        overwrite: existing content may be replaced.
        resume: the run there is to be resumed; None where a command cannot.

    Raises:
        CharBertError: it does, and neither `overwrite` nor `resume` was asked for.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise CharBertError(f"{path}: is a file, and a folder is needed for the output")
    if path.is_dir() and any(path.iterdir()) and not (overwrite or resume):
        ways = "another folder, --resume to go on with it," if resume is not None else "another folder"
        raise CharBertError(f"{path}: already holds the output of another run; give {ways} or --overwrite")


def check_output_file(path: str | Path, overwrite: bool, inputs: Collection[str | Path] = ()) -> None:
    """Refuse a file that a command must not write.

    Args:
        path: where it writes.
        overwrite: existing content may be replaced.
        inputs: the files that it reads.

    Raises:
        CharBertError: it is a folder, or one of the inputs; its folder does not exist; or it exists and
            `overwrite` was not asked for.
    """
    path = Path(path)
    if path.is_dir():
        raise CharBertError(f"{path}: is a folder, and a file is needed for the output")
    if not path.parent.is_dir():
        raise CharBertError(f"{path}: there is no folder {path.parent}; make it first")
    if path.exists() and any(Path(each).exists() and path.samefile(each) for each in inputs):
        raise CharBertError(f"{path}: is the input itself; give another file with --output")
    if path.exists() and not overwrite:
        raise CharBertError(f"{path}: is there already; give another file or --overwrite")
