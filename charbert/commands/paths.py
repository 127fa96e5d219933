"""Files and folders that settings name: the forms that they may have, and whether what is read is there."""

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from glob import glob
from pathlib import Path
from typing import IO, TextIO

from charbert.errors import CharBertError

FILE, FOLDER = "FILE", "FOLDER"
STANDARD = "-"
"""Standard input or output in place of a file."""
MODEL = "FOLDER|HUB_ID"
NAMED_FOLDER = "FOLDER|NAME"
"""The folder of a model or tokenizer, or the name of weights that come with the package."""
DATA = "FILE|FOLDER|HUB_ID"
"""A file, a saved dataset, or a dataset of the hub."""
_HUB_MODEL = re.compile(r"(?!\.+/)[\w.-]+(/[\w.-]+)?")
_HUB_DATASET = re.compile(r"(?!\.+/)[\w.-]+/[\w.-]+(:[^/]*)?")
_FILE_ENDING = re.compile(r"\.(csv|tsv|jsonl?|parquet|txt|conll|conllu|gz|bz2|xz|zip)$", re.IGNORECASE)
_PATTERN = re.compile(r"[*?\[]")


def check_exists(name: str, value: str, form: str) -> None:
    """Refuse what is not there, unless the hub may have it or it stands for something else (`-`, a pattern).

    Args:
        name: of the setting, as it is typed.
        value: what was given.
        form: one of the forms above; what has another one is not looked for.

    Raises:
        CharBertError: it is missing, or a file where a folder is needed.
    """
    if form not in (FILE, FOLDER, MODEL, NAMED_FOLDER, DATA):
        return
    path, forms = Path(value), form.split("|")
    if path.exists():
        if form in (FOLDER, NAMED_FOLDER) and not path.is_dir():
            raise CharBertError(f"{name}: {value}: is a file, and a folder is needed")
        return
    if value == STANDARD or _PATTERN.search(value) or ("HUB_ID" in forms and _may_be_on_hub(value, form)):
        return
    what = " or ".join(each.lower() for each in forms if each in (FILE, FOLDER))
    raise CharBertError(f"{name}: {value}: no such {what}{_nearest(path)}")


def standard_input() -> IO[bytes]:
    """The bytes of standard input.

    Raises:
        CharBertError: it is closed.
    """
    if sys.stdin is None:
        raise CharBertError("standard input is closed; give a file, or a pipe")
    return sys.stdin.buffer


def standard_output() -> TextIO:
    """Standard output, whose `buffer` takes bytes.

    Raises:
        CharBertError: it is closed.
    """
    if sys.stdout is None:
        raise CharBertError("standard output is closed; give a file with --output, or a pipe")
    return sys.stdout


def expand_patterns(name: str, values: str | Sequence[str]) -> list[str]:
    """The files that are meant, those of a pattern sorted by name, each once.

    Args:
        name: of the setting, as it is typed.
        values: what was given. What exists is no pattern.

    Raises:
        CharBertError: no file fits a pattern.
    """
    found: dict[str, None] = {}
    for value in [values] if isinstance(values, str) else values:
        if Path(value).exists() or not _PATTERN.search(value):
            found[value] = None
            continue
        files = sorted(glob(value, recursive=True))
        if not files:
            raise CharBertError(f"{name}: {value}: no file fits this pattern")
        found |= dict.fromkeys(files)
    return list(found)


def _may_be_on_hub(value: str, form: str) -> bool:
    """Whether it is a name that the hub may have, rather than a path whose last part was mistyped."""
    names = _HUB_DATASET if form == DATA else _HUB_MODEL
    is_path = "/" in value and Path(value).parent.is_dir()
    return bool(names.fullmatch(value)) and not is_path and not _FILE_ENDING.search(value)


def _nearest(path: Path) -> str:
    """What is there with nearly this name."""
    if not path.parent.is_dir():
        return ""
    found = get_close_matches(path.name, [each.name for each in path.parent.iterdir()], n=1, cutoff=0.75)
    return f"; the nearest is {path.parent / found[0]}" if found else ""
