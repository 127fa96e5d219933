"""`python -m charbert`, or `charbert`: the version, and the commands of the installed library."""

import sys
from collections.abc import Sequence

try:
    from charbert import __version__
    from charbert.commands.dispatch import Command, dispatch
    from charbert.errors import run_command
except KeyboardInterrupt:
    sys.exit("interrupted")

COMMANDS = {
    "convert": Command(
        "charbert.settings:ConvertSettings",
        "a released CharBERT checkpoint -> this project's format; a model -> half its size",
        "charbert.conversion",
    ),
    "export": Command(
        "charbert.settings:ExportSettings",
        "a model folder -> an ONNX graph that spells its tokens itself",
        "charbert.export.command",
    ),
    "correct": Command(
        "charbert.settings:CorrectSettings",
        "texts -> the same texts with their misspelled words replaced",
        "charbert.correction.command",
    ),
    "attack": Command(
        "charbert.noise.settings:AttackTextSettings",
        "texts -> the same texts with typos in their words",
        "charbert.noise.command",
    ),
}
DESCRIPTION = f"CharBERT {__version__}: a character-aware encoder for noisy text."
EXAMPLE = "convert released/charbert-bert-wiki --output charbert-bert --character-vocabulary bert_char_vocab"


def main(arguments: Sequence[str]) -> None:
    if list(arguments) == ["--version"]:
        print(f"charbert {__version__}")
    else:
        dispatch("charbert", DESCRIPTION, COMMANDS, arguments, example=EXAMPLE)


def command() -> int:
    return run_command(main)


if __name__ == "__main__":
    sys.exit(command())
