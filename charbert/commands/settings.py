"""Settings of a command: a dataclass, whose fields are options and keys of a config file.

A setting is declared once, with its default, its help, its range and its choices:

    @dataclass(kw_only=True)
    class ScoreSettings(Settings):
        gold: str = positional("file with the right answers")
        batch_size: int = option(64, "examples per batch", minimum=1)

`Settings` checks ranges and choices whenever an object is made, in code or from the command line, which
`charbert.commands.options` reads.
"""

import dataclasses
import math
import shlex
import types
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from charbert import models
from charbert.commands.output import check_output_file, check_output_folder
from charbert.commands.paths import (
    FILE,
    FOLDER,
    MODEL,
    NAMED_FOLDER,
    STANDARD,
    check_exists,
    standard_output,
)
from charbert.errors import CharBertError

S = TypeVar("S", bound="Settings")
REQUIRED = dataclasses.MISSING
NEVER, UNFINISHED, ALWAYS = "never", "unfinished", "always"
NOWHERE = "none"
TENSORBOARD = "tensorboard"
TRACKERS = (TENSORBOARD, "wandb", "trackio", NOWHERE)
REPORT_TO = "where the log goes: tensorboard (in the output folder), wandb, trackio, or none of them"


def default_value(field: Any) -> Any:
    """The default of a dataclass field; `REQUIRED` where it has none."""
    return field.default if field.default_factory is REQUIRED else field.default_factory()


def dashed(name: str) -> str:
    """The name of a setting as it is typed: `max_length` is `max-length`."""
    return name.replace("_", "-")


def shown_name(field: Any) -> str:
    """A setting as messages name it: `--max-length`, or `MODEL` of one that is given by its place."""
    return field.name.upper() if field.metadata.get("positional") else f"--{dashed(field.name)}"


def option(
    default: Any,
    help: str,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    choices: Collection[str] = (),
    unique: bool = False,
    reads: str = "",
    writes: str = "",
    may_differ: str = NEVER,
    metavar: str = "",
    section: str = "",
) -> Any:
    """A dataclass field that is an option of a command and a key of its config file.

    Args:
        default: its value where none is given; `REQUIRED` if one must be given.
        help: what `--help` says of it.
        minimum, maximum: the smallest and the largest number allowed; of a list, for each item.
        above, below: bounds that are not allowed themselves.
        choices: the values that are allowed, also those that are added later; of a list, for each item.
        unique: a list holds nothing twice.
        reads: the form of files or folders that it names and the command reads, of `charbert.commands.paths`:
            they must be there, and are not written over.
        writes: FILE or FOLDER, which must be new unless the command overwrites it or goes on with it.
        may_differ: whether it may have another value where a run goes on: NEVER, UNFINISHED (if it has no
            results yet) or ALWAYS.
        metavar: what `--help` shows for a value; by default its type, or its choices.
        section: the heading in `--help` of this option and of those after it.
    """
    bounds = {"minimum": minimum, "maximum": maximum, "above": above, "below": below}
    metadata = {
        **{"help": help, "bounds": bounds, "choices": choices, "unique": unique},
        **{"reads": reads, "writes": writes, "may_differ": may_differ},
        **{"metavar": metavar or reads or writes, "section": section},
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def positional(help: str, reads: str = FILE) -> Any:
    """A dataclass field that is given by its place on the command line: what the command reads."""
    return dataclasses.field(metadata={"help": help, "positional": True, "reads": reads})


def check_trackers(report_to: Sequence[str]) -> list[str]:
    """The packages that a training reports to.

    Raises:
        CharBertError: one is not installed; or others are given beside "none".
    """
    if NOWHERE in report_to and len(report_to) > 1:
        raise CharBertError(f"--report-to: {NOWHERE} excludes all others; give it alone")
    names = [name for name in report_to if name != NOWHERE]
    for name in names:
        # tensorboardX stands in for tensorboard.
        if not (_is_installed(name) or _is_installed(f"{name}X")):
            raise CharBertError(
                f"--report-to: {name} is not installed; pip install {name}, or give another, or {NOWHERE}"
            )
    return names


def _is_installed(package: str) -> bool:
    """Whether a package is there, and not only a folder of its name, such as wandb makes for its runs."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


@dataclasses.dataclass(kw_only=True)
class Settings:
    """Base of all settings; subclasses are dataclasses with `kw_only=True`.

    Raises:
        CharBertError: a value is out of its range, or none of its choices; `resume` and `overwrite` are
            both set.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {"out": "output"}
    """Keys that have another name now -> that name."""
    HIDDEN: ClassVar[Collection[str]] = ()
    """Those that a command has of another one and does not use: `--help` leaves them out."""

    def __new__(cls, *_: Any, **given: Any) -> Self:
        settings = super().__new__(cls)
        settings.__dict__["_given"] = frozenset(given)
        return settings

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that were given a value, be it their default."""
        return self.__dict__["_given"]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_value(field, getattr(self, field.name))
            if field.metadata.get("reads") in (MODEL, NAMED_FOLDER):
                setattr(self, field.name, models.find(getattr(self, field.name)))
        if getattr(self, "resume", False) and getattr(self, "overwrite", False):
            raise CharBertError("--resume and --overwrite exclude each other; give one of them")

    def check_paths(self) -> None:
        """Refuse files and folders that are not there or must not be written, before anything is done.

        A command line is checked by it; in code the command itself finds out.

        Raises:
            CharBertError: what is read is missing, or what is written is there already.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for each in value if isinstance(value, list) else [value]:
                if each is not None and field.metadata.get("reads"):
                    check_exists(shown_name(field), each, field.metadata["reads"])
        for field in dataclasses.fields(self):
            writes, path = field.metadata.get("writes"), getattr(self, field.name)
            if writes == FOLDER:
                check_output_folder(self, Path(path))
            elif writes == FILE and path == STANDARD:
                standard_output()
            elif writes == FILE and not getattr(self, "resume", False):
                check_output_file(self, Path(path))


def restore_settings(settings_class: type[S], saved: Mapping[str, Any]) -> S:
    """Settings as an earlier version may have saved them: old names of keys stand for the new ones.

    Raises:
        CharBertError: a value of the wrong type or out of range.
    """
    renamed, hints = settings_class.RENAMED, get_type_hints(settings_class)
    fields = {field.name: field for field in dataclasses.fields(settings_class)}
    values = {renamed.get(name, name): value for name, value in saved.items()}
    known = values.keys() & fields.keys()
    return settings_class(
        **values | {name: converted_value(fields[name], values[name], hints[name]) for name in known}
    )


def format_command(program: str, settings: Settings) -> str:
    """The command line of these settings: the program, and the options that differ from their defaults."""
    words = program.split()
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value == default_value(field):
            continue
        items = value if isinstance(value, list) else [value]
        texts = ["null" if item is None else str(item) for item in items]
        texts = [text.lower() if isinstance(value, bool) else text for text in texts]
        words += texts if field.metadata.get("positional") else [f"--{dashed(field.name)}", *texts]
    return shlex.join(words)


def _check_value(field: Any, value: Any) -> None:
    items = value if isinstance(value, list | tuple) else [value]
    name, metadata = shown_name(field), field.metadata
    if isinstance(value, str) and isinstance(default_value(field), list):
        raise CharBertError(f"{name}: {value!r} is no list; give [{value!r}]")
    for item in items:
        choices = metadata.get("choices")
        if choices and item is not None and item not in choices:
            raise CharBertError(f"{name}: {item!r} is unknown; choose one of {', '.join(map(str, choices))}")
        if metadata.get("bounds") and isinstance(item, int | float) and not isinstance(item, bool):
            _check_bounds(name, item, **metadata["bounds"])
    if metadata.get("unique") and len(set(items)) < len(items):
        raise CharBertError(f"{name}: {' '.join(map(str, items))} names one twice; give each once")


def _check_bounds(
    name: str, value: float, minimum: float, maximum: float, above: float, below: float
) -> None:
    if math.isfinite(value) and minimum <= value <= maximum and above < value < below:
        return
    limits = (("at least", minimum), ("above", above), ("at most", maximum), ("below", below))
    wanted = [f"{word} {_shown(limit)}" for word, limit in limits if math.isfinite(limit)]
    raise CharBertError(f"{name}: {_shown(value)} must be {' and '.join(wanted) or 'a finite number'}")


def _shown(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return next(each for each in get_args(kind) if each is not type(None))
    return kind


def converted_value(field: Any, value: Any, kind: Any) -> Any:
    """The value in the type of its field; numbers may be written as 3e-5."""
    inner = without_none(kind)
    if inner is not kind and (value is None or value in ("null", "none")):
        return None
    try:
        if get_origin(inner) is list:
            items = value if isinstance(value, list) else [value]
            return [converted_value(field, item, get_args(inner)[0]) for item in items]
        if inner is bool and str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        if inner is int and not isinstance(value, bool) and float(value) == int(float(value)):
            return (
                int(value) if isinstance(value, str) and value.lstrip("+-").isdecimal() else int(float(value))
            )
        if inner is float and not isinstance(value, bool):
            return float(value)
        if inner is str and isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    except CharBertError:  # of an item
        raise
    except (TypeError, ValueError, OverflowError):
        pass
    expected = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    raise CharBertError(f"{shown_name(field)}: {value!r} is not {expected.get(inner, inner)}")
