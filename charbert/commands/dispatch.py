"""Command dispatch: `python -m PROGRAM [COMMAND] ...` -> settings -> what does the work."""

import argparse
import logging
import textwrap
from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import resolve_name
from typing import NamedTuple

from charbert.commands.results import is_main_process
from charbert.commands.settings import parse_settings


class Command(NamedTuple):
    """A command of a program. What does its work is imported once its settings are known to be right."""

    settings: str
    """The subclass of `Settings`, as `package.module:Name`, in a module that imports neither torch nor
    transformers, so that `--help` and mistakes are answered at once."""
    module: str
    """The module with a function `run`, which takes the settings, does the work and prints its result."""
    help: str
    config: bool = False
    """Whether a config file comes first."""


def dispatch(
    program: str,
    description: str,
    commands: Mapping[str, Command],
    arguments: Sequence[str],
    default: Command | None = None,
) -> None:
    """Run the command that the first argument names, or the default one.

    Args:
        program: as it is typed, such as `python -m data`.
        description: of the program, for `--help`.
        commands: by name.
        arguments: what follows the program.
        default: the command that needs no name.

    Raises:
        CharBertError: the settings are wrong, or the command fails.
    """
    logging.basicConfig(level=logging.INFO if is_main_process() else logging.WARNING, format="%(message)s")
    if arguments and arguments[0] in commands:
        name, *rest = arguments
        command, program, about = commands[name], f"{program} {name}", commands[name].help
    else:
        about = "\n".join(
            [
                textwrap.fill(description, 100),
                f"\n{'other ' * (default is not None)}commands, each with a --help of its own:",
                *(f"  {program} {name:<12} {each.help}" for name, each in commands.items()),
            ]
        )
        if default is None:
            parser = argparse.ArgumentParser(
                prog=program, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
            )
            parser.add_argument("command", choices=commands, help="one of these")
            parser.parse_args(arguments[:1])
            return
        command, rest = default, list(arguments)
    settings = parse_settings(resolve_name(command.settings), rest, program, about, config=command.config)
    import_module(command.module).run(settings)
