"""Options of a command in argparse and in `--help`: sections, types, choices and defaults of settings."""

import argparse
import dataclasses
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, get_origin

from charbert.errors import UsageError

CONFIG = "CONFIG.yaml"
REQUIRED = dataclasses.MISSING
_SECTION = "options"
_TYPES: dict[Any, str] = {int: "N", float: "X", bool: "", str: "TEXT"}
_LONGEST_CHOICES = 40
_WIDEST = 100
_EPILOG = """A switch may also be given as true or false. In the config file an option is a key, without the
dashes before it, such as max_length: 128; a list is [1, 2]."""
_IS_WORD = re.compile(r"[\w-]")
# A help that says itself what holds where nothing is given.
_SAYS_DEFAULT = re.compile(r"\b(if not given|if none is given|without one|if not|by default)\b")


def default_value(field: Any) -> Any:
    """The default of a dataclass field; `REQUIRED` where it has none."""
    return field.default if field.default_factory is REQUIRED else field.default_factory()


def dashed(name: str) -> str:
    """The name of a setting as it is typed: `max_length` is `max-length`."""
    return name.replace("_", "-")


def shown_name(field: Any) -> str:
    """A setting as messages name it: `--max-length`, or `MODEL` of one that is given by its place."""
    return field.name.upper() if field.metadata.get("positional") else f"--{dashed(field.name)}"


def make_parser(
    classes: Sequence[Any], kinds: Mapping[str, Any], program: str, description: str, *, config: bool
) -> argparse.ArgumentParser:
    """The parser of a command line, whose values are texts, and absent where nothing was given.

    Args:
        classes: dataclasses of settings.
        kinds: the type of each field, without None.
        program: as it is typed.
        description: of the command.
        config: whether a config file comes first.
    """
    fields = [field for each in classes for field in dataclasses.fields(each)]
    parser = _Parser(
        prog=program,
        usage=_usage(program, fields, kinds, config),
        description=description,
        allow_abbrev=False,
        add_help=False,
        formatter_class=_Formatter,
        epilog=_EPILOG if config else None,
    )
    groups: dict[str, Any] = {}
    places = parser.add_argument_group("arguments") if config or _has_places(fields) else parser
    if config:
        places.add_argument("config", metavar=CONFIG, help="file with any of the settings below")
    section = _SECTION
    for field in fields:
        several: dict[str, Any] = {"nargs": "+"} if get_origin(kinds[field.name]) is list else {}
        if field.metadata.get("positional"):
            places.add_argument(field.name, metavar=field.name.upper(), help=_help(field), **several)
            continue
        section = _section(classes, field.name) or section
        if section not in groups:
            groups[section] = parser.add_argument_group(section)
        groups[section].add_argument(
            f"--{dashed(field.name)}",
            metavar=_metavar(field, kinds[field.name]),
            default=argparse.SUPPRESS,
            help=_help(field),
            **several,
        )
    parser.add_argument_group("help").add_argument(
        "-h", "--help", action="help", help="show this text and exit"
    )
    return parser


class _Parser(argparse.ArgumentParser):
    """Reports mistakes as all others are: in one line, and by an exception."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message.removeprefix('argument ')}; {self.prog} --help lists what there is")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As wide as the terminal, up to 100 characters."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns - 2, _WIDEST)
        super().__init__(prog, max_help_position=30, width=width)


def _section(classes: Sequence[Any], name: str) -> str:
    """The section that begins with a field, in the class or in one whose field it gives another default."""
    owners = (
        owner
        for each in classes
        for owner in each.__mro__
        if name in vars(owner).get("__dataclass_fields__", {})
    )
    found = (owner.__dataclass_fields__[name].metadata.get("section", "") for owner in owners)
    return next(filter(None, found), "")


def _has_places(fields: Any) -> bool:
    return any(field.metadata.get("positional") for field in fields)


def _usage(program: str, fields: Any, kinds: Mapping[str, Any], config: bool) -> str:
    """The command line in short: what must be given, and that there is more."""
    words = [program, *([CONFIG] if config else [])]
    for field in fields:
        more = " ..." if get_origin(kinds[field.name]) is list else ""
        if field.metadata.get("positional"):
            words.append(f"{field.name.upper()}{more}")
        elif default_value(field) is REQUIRED and not config:
            words.append(f"--{dashed(field.name)} {_metavar(field, kinds[field.name])}{more}")
    return " ".join([*words, "[--option VALUE ...]"]).replace("%", "%%")


def _metavar(field: Any, kind: Any) -> str:
    """What stands after an option: what it names, its choices if they are few, or its type."""
    named = field.metadata.get("metavar")
    if named:
        return named
    choices = ",".join(map(str, field.metadata.get("choices") or ()))
    if get_origin(kind) is list:
        return "NAME" if choices else _TYPES.get(kind.__args__[0], "VALUE")
    if choices:
        return f"{{{choices}}}" if len(choices) <= _LONGEST_CHOICES else "NAME"
    return _TYPES.get(kind, "VALUE")


def _help(field: Any) -> str:
    """The help of a field with its choices, unless it names them, and its default."""
    text, default = field.metadata.get("help", ""), default_value(field)
    notes = []
    choices = list(map(str, field.metadata.get("choices") or ()))
    is_list = isinstance(default, list)
    if (is_list or len(",".join(choices)) > _LONGEST_CHOICES) and not all(each in text for each in choices):
        notes.append(f"of {', '.join(choices)}")
    if field.metadata.get("positional"):
        notes += [] if default is REQUIRED else [f"default: {default}"]
    elif default is REQUIRED:
        notes.append("required")
    elif isinstance(default, bool):
        notes.append(f"default: {str(default).lower()}")
    elif default is None or default == []:
        notes += [] if _SAYS_DEFAULT.search(text) else ["default: none"]
    else:
        shown = " ".join(map(str, default)) if is_list else str(default)
        notes.append(f"default: {shown if _IS_WORD.search(shown) else repr(shown)}")
    return f"{text} ({'; '.join(notes)})".replace("%", "%%") if notes else text.replace("%", "%%")
