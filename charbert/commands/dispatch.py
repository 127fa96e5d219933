"""Command dispatch: `python -m PROGRAM [COMMAND] ...` -> settings -> the function that does it."""

import argparse
import logging
import textwrap
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from charbert.commands.results import is_main_process
from charbert.commands.settings import parse_settings


class Command(NamedTuple):
    """A command of a program, in a module that is imported when the command is used.

    The module has a subclass of `Settings` by the name `settings` and a function `run`, which takes such an
    object, does the work and prints its result.
    """

    module: str
    settings: str
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
    module = import_module(command.module)
    settings_class = getattr(module, command.settings)
    module.run(parse_settings(settings_class, rest, program, about, config=command.config))
