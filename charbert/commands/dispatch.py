"""Command dispatch: `python -m PROGRAM [COMMAND] ...` -> settings -> what does the work."""

import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

from charbert.commands.options import CONFIG, parse_command
from charbert.commands.progress import set_messages, without_bars_of_models
from charbert.errors import UsageError, begin_work


class Command(NamedTuple):
    """A command of a program. What does its work is imported once its settings are known to be right."""

    settings: str
    """The subclass of `Settings`, as `package.module:Name`. Where the module imports neither torch nor
    transformers, `--help` and mistakes are answered at once."""
    help: str
    module: str | None = None
    """The module with a function `run`, which takes the settings, does the work and prints its result; None:
    the module of the settings."""
    config: bool = False
    """Whether a config file comes first."""


def dispatch(
    program: str,
    description: str,
    commands: Mapping[str, Command],
    arguments: Sequence[str],
    default: Command | None = None,
    example: str = "",
) -> None:
    """Run the command that the first argument names, or the default one; without any, say what there is.

    Args:
        program: as it is typed, such as `python -m data`.
        description: of the program, for `--help`.
        commands: by name.
        arguments: what follows the program.
        default: the command that needs no name.
        example: a command line, without the program.

    Raises:
        CharBertError: the settings are wrong, or the command fails.
        SystemExit: `--help` was given, or nothing.
    """
    overview = _overview(program, description, commands, default, example)
    if not arguments:
        print(overview, file=sys.stderr)
        raise SystemExit(2)
    name, *rest = arguments
    if name in commands:
        command, program, about = commands[name], f"{program} {name}", commands[name].help
    elif default is None and name in ("-h", "--help"):
        print(overview)
        raise SystemExit(0)
    elif default is None or _is_mistyped(name, commands):
        nearest = get_close_matches(name, commands, n=1, cutoff=0)[0]
        raise UsageError(f"{program}: there is no command {name!r}; the nearest is {nearest}")
    else:
        command, rest, about = default, list(arguments), overview
    of_command = resolve_name(command.settings)
    settings, messages = parse_command(of_command, rest, program, about, config=command.config)
    set_messages(messages.log_level, messages.quiet)
    settings.check_paths()
    share_cores()
    module = import_module(command.module or command.settings.partition(":")[0])
    begin_work()
    with without_bars_of_models():
        module.run(settings)


def share_cores() -> None:
    """Let threads of torch wait asleep; to be called before it is imported.

    Threads that wait busily slow a command down several times where other programs use the cores too.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _is_mistyped(name: str, commands: Mapping[str, Command]) -> bool:
    """Whether an argument of the default command was rather to name a command."""
    return not Path(name).exists() and bool(get_close_matches(name, commands, n=1))


def _overview(
    program: str, description: str, commands: Mapping[str, Command], default: Command | None, example: str
) -> str:
    """What a program is for, its commands, and an example."""
    lines = {f"{program} {name}": each.help for name, each in commands.items()}
    if default is not None:
        lines = {f"{program} {CONFIG}": default.help, **lines}
    width = max(map(len, lines))
    return "\n".join(
        [
            textwrap.fill(description, 100),
            "",
            *(f"  {line:<{width}}  {textwrap.shorten(help, 98 - width)}" for line, help in lines.items()),
            "",
            *([f"For example: {program} {example}"] if example else []),
            "Each command has a --help of its own.",
        ]
    )
