"""Options of a command: its settings from the command line and from a YAML config file, and its `--help`."""

import argparse
import dataclasses
import difflib
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_origin, get_type_hints

import yaml

from charbert.commands.settings import (
    REQUIRED,
    S,
    Settings,
    converted_value,
    dashed,
    default_value,
    option,
    shown_name,
    without_none,
)
from charbert.errors import CharBertError, UsageError

CONFIG = "CONFIG.yaml"
_SECTION = "options"
_TYPES: dict[Any, str] = {int: "N", float: "X", bool: "", str: "TEXT"}
_LONGEST_CHOICES = 40
_WIDEST = 100
_EPILOG = """A switch may also be given as true or false. In the config file an option is a key, without the
dashes before it, such as max_length: 128; a list is [1, 2]."""
_IS_WORD = re.compile(r"[\w-]")
# A help that says itself what holds where nothing is given.
_SAYS_DEFAULT = re.compile(r"\b(if not given|if none is given|without one|if not|by default)\b")


@dataclasses.dataclass(kw_only=True)
class MessageSettings(Settings):
    """What a command says while it works: options of every one, which no result depends on."""

    log_level: str = option(
        "info",
        "least level of the messages that are shown; error hides the numbers of a training too",
        choices=("debug", "info", "warning", "error"),
        section="messages",
    )
    quiet: bool = option(False, "show no progress bars")


def parse_command(
    settings_class: type[S], arguments: Sequence[str], program: str, description: str, *, config: bool = False
) -> tuple[S, MessageSettings]:
    """Settings of a command and of its messages, from `CONFIG.yaml` if `config` is set and from options.

    An option wins over the file. Keys may be written with `-` or `_`. A switch (a bool) may stand without a
    value. A list takes several values; none is split at commas. `null` is None where that is allowed.

    Raises:
        CharBertError: an unknown key (the nearest known one is named), a value of the wrong type or out of
            range, a required key that is missing, a file that cannot be read.
    """
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):  # as Python reads other bytes
            raise CharBertError(f"command line: {argument!r} is not UTF-8; rename the file or folder")
    classes: tuple[Any, ...] = (settings_class, MessageSettings)
    fields = {field.name: field for each in classes for field in dataclasses.fields(each)}
    hints = {name: hint for each in classes for name, hint in get_type_hints(each).items()}
    renamed = settings_class.RENAMED
    kinds = {name: without_none(hints[name]) for name in fields}
    parser = _make_parser(classes, kinds, program, description, config=config)
    given, rest = parser.parse_known_args(_normalized(arguments, kinds))
    for argument in rest:
        if argument.startswith("--"):
            key = argument[2:].partition("=")[0]
            raise _unknown_key(key, fields, renamed, "command line", dashes=True)
        parser.error(f"unexpected argument {argument!r}")
    values = vars(given)
    if config:
        values = {**_read_config(values.pop("config"), fields, renamed), **values}
    missing = [
        shown_name(field)
        for name, field in fields.items()
        if name not in values and default_value(field) is REQUIRED
    ]
    if missing:
        where = "in the config file or on the command line" if config else "on the command line"
        raise UsageError(f"{', '.join(missing)}: missing; give {'each' if missing[1:] else 'it'} {where}")
    converted = {name: converted_value(fields[name], value, hints[name]) for name, value in values.items()}
    of_messages = {field.name for field in dataclasses.fields(MessageSettings)} & converted.keys()
    messages = MessageSettings(**{name: converted.pop(name) for name in of_messages})
    return settings_class(**converted), messages


def _normalized(arguments: Sequence[str], kinds: Mapping[str, Any]) -> list[str]:
    """The arguments with dashes in their keys, and with the value of each switch in one piece with its key.

    So a switch that stands alone takes nothing that comes after it, such as the config file, for its value.
    """
    found: list[str] = []
    left = list(arguments)
    while left:
        key, equals, value = left.pop(0).partition("=")
        if not key.startswith("--"):
            found.append(key + equals + value)
            continue
        if kinds.get(key[2:].replace("-", "_")) is bool and not equals:
            equals, value = "=", left.pop(0) if left and left[0].lower() in ("true", "false") else "true"
        found.append(f"--{dashed(key[2:])}{equals}{value}")
    return found


def _read_config(path: str, known: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        content, root = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
    except OSError as error:
        raise CharBertError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise CharBertError(f"{path}: not a YAML file ({error})") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CharBertError(f"{path}: must hold `key: value` lines")
    # The parser takes the last of several values, whichever was meant.
    keys = Counter(str(key.value).replace("-", "_") for key, _ in (root.value if root else []))
    if twice := [key for key, count in keys.items() if count > 1]:
        raise CharBertError(f"{path}: holds {twice[0]!r} twice; give each key once")
    found = {str(key).replace("-", "_"): value for key, value in content.items()}
    for name in found:
        if name not in known:
            raise _unknown_key(name, known, renamed, path)
    return found


def _unknown_key(
    name: str, fields: Mapping[str, Any], renamed: Mapping[str, str], where: str, *, dashes: bool = False
) -> CharBertError:
    name = name.replace("-", "_")
    known = [name for name, field in fields.items() if not field.metadata.get("positional")]
    now = renamed.get(name)
    shown = (lambda key: f"--{dashed(key)}") if dashes else repr
    error = UsageError if dashes else CharBertError
    if now in known:
        return error(f"{where}: {shown(name)} has the name {shown(now)} now")
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)
    return error(f"{where}: unknown key {shown(name)}; the nearest is {shown(nearest[0])}")


def _make_parser(
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
    hidden = {name for each in classes for name in getattr(each, "HIDDEN", ())}
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
            help=argparse.SUPPRESS if field.name in hidden else _help(field),
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
    if default is REQUIRED:
        notes += [] if field.metadata.get("positional") else ["required"]
    elif isinstance(default, bool):
        notes.append(f"default: {str(default).lower()}")
    elif default is None or default == []:
        notes += [] if _SAYS_DEFAULT.search(text) else ["default: none"]
    else:
        shown = " ".join(map(str, default)) if is_list else str(default)
        notes.append(f"default: {shown if _IS_WORD.search(shown) else repr(shown)}")
    return f"{text} ({'; '.join(notes)})".replace("%", "%%") if notes else text.replace("%", "%%")
