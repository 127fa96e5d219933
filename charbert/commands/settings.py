"""Settings of a run: a dataclass, filled from a YAML file and `--key value` arguments."""

import argparse
import dataclasses
import difflib
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from charbert.errors import CharBertError

Settings = TypeVar("Settings")
NEEDED = "needed"


def described(default: Any, description: str) -> Any:
    """A field with its description for `--help`."""
    factory = (
        {"default_factory": lambda: list(default)} if isinstance(default, list) else {"default": default}
    )
    return dataclasses.field(**factory, metadata={"help": description})  # type: ignore[call-overload]


def load_settings(
    settings_class: type[Settings], arguments: Sequence[str], program: str, description: str
) -> Settings:
    """Settings from `CONFIG.yaml [--key value ...]`; an argument wins over the file.

    A switch (a bool) may stand without a value, a list takes several; keys may be written with `-` for `_`.

    Raises:
        CharBertError: an unknown key (the nearest known one is named), a value of the wrong type, a file that
            cannot be read.
    """
    fields = {field.name: field for field in dataclasses.fields(settings_class)}  # type: ignore[arg-type]
    parser = argparse.ArgumentParser(prog=program, description=description, allow_abbrev=False)
    parser.add_argument("config", metavar="CONFIG.yaml", help="file of settings")
    for name, field in fields.items():
        kind = get_type_hints(settings_class)[name]
        count: dict[str, Any] = {"nargs": "+"} if get_origin(kind) is list else {}
        if kind is bool:
            count = {"nargs": "?", "const": "true"}
        default = _default(field)
        text = f"{field.metadata.get('help', '')} (default: {default})".replace("%", "%%")
        parser.add_argument(f"--{name}", metavar="VALUE", default=argparse.SUPPRESS, help=text, **count)
    given, rest = parser.parse_known_args([_with_underscores(argument) for argument in arguments])
    for argument in rest:
        if argument.startswith("--"):
            _refuse_unknown(argument[2:].split("=")[0], fields, "command line")
        parser.error(f"unexpected argument {argument!r}")
    overrides = {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in vars(given).items()
        if name != "config"
    }
    values = {**_read(given.config, fields), **overrides}
    missing = [name for name, field in fields.items() if name not in values and _default(field) == NEEDED]
    if missing:
        raise CharBertError(f"{given.config}: {missing[0]} is needed; set it there or with --{missing[0]}")
    return settings_class(
        **{
            name: _checked(name, value, get_type_hints(settings_class)[name])
            for name, value in values.items()
        }
    )


def _with_underscores(argument: str) -> str:
    key, equals, value = argument.partition("=")
    return key.replace("-", "_").replace("__", "--", 1) + equals + value if key[:2] == "--" else argument


def _read(path: str, fields: dict[str, Any]) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CharBertError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise CharBertError(f"{path}: not a YAML file ({error})") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CharBertError(f"{path}: must hold `key: value` lines")
    for name in content:
        if name not in fields:
            _refuse_unknown(str(name), fields, path)
    return content


def _refuse_unknown(name: str, fields: dict[str, Any], where: str) -> None:
    nearest = difflib.get_close_matches(name, fields, n=1, cutoff=0)
    raise CharBertError(f"{where}: unknown key {name!r}; the nearest is {nearest[0]!r}")


def _default(field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return NEEDED if field.default is dataclasses.MISSING else field.default


def _checked(name: str, value: Any, kind: Any) -> Any:
    """The value in the type of its field; numbers may be written as 3e-5, a list as `a,b`, None as `null`."""
    if get_origin(kind) in (Union, types.UnionType):
        if value is None or value in ("null", "none"):
            return None
        kind = next(option for option in get_args(kind) if option is not type(None))
    try:
        if get_origin(kind) is list:
            items = value.split(",") if isinstance(value, str) else value
            return [_checked(name, item, get_args(kind)[0]) for item in items]
        if kind is bool and str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        if kind is int and not isinstance(value, bool) and float(value) == int(float(value)):
            return int(float(value))
        if kind is float and not isinstance(value, bool):
            return float(value)
        if kind is str and isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    except (TypeError, ValueError):
        pass
    raise CharBertError(f"{name}: {value!r} is not {_spoken(kind)}")


def _spoken(kind: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        kind, str(kind)
    )
