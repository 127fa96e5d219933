"""`python -m charbert`, or `charbert`: the version, and the commands of the installed library."""

import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.errors import run_command
from charbert.version import __version__

COMMANDS = {
    "convert": Command(
        "charbert.settings:ConvertSettings",
        "charbert.conversion",
        "a released CharBERT checkpoint -> this project's format; with --character-vocabulary the model can "
        "spell by itself, and a tokenizer is written beside it if there is one",
    ),
}
DESCRIPTION = f"CharBERT {__version__}: a character-aware encoder for noisy text."


def main(arguments: Sequence[str]) -> None:
    if list(arguments) == ["--version"]:
        print(f"charbert {__version__}")
    else:
        dispatch("charbert", DESCRIPTION, COMMANDS, arguments)


def command() -> int:
    return run_command(main)


if __name__ == "__main__":
    sys.exit(command())
