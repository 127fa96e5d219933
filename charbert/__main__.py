"""`python -m charbert`: the version, and conversion of released checkpoints."""

import argparse
import sys
from collections.abc import Sequence

from charbert.conversion import MODELS, convert_checkpoint
from charbert.errors import run_command
from charbert.version import __version__


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="charbert", description=__doc__)
    parser.add_argument("--version", action="version", version=f"charbert {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser(
        "convert", help="a released CharBERT checkpoint -> this project's format", description=_CONVERT
    )
    convert.add_argument("source", metavar="IN", help="folder or hub id of the released checkpoint")
    convert.add_argument("target", metavar="OUT", help="folder to write")
    convert.add_argument(
        "--head", choices=MODELS, help="the model's head; read from the tensors when they tell"
    )
    convert.add_argument(
        "--character-vocabulary", metavar="FILE", help="its characters, for the spelling table"
    )
    convert.add_argument("--word-vocabulary", metavar="FILE", help="the noisy LM's words, to keep beside it")
    convert.add_argument("--tokenizer", metavar="FOLDER", help="its tokenizer, if IN has none")
    convert.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")
    given = parser.parse_args(arguments)
    convert_checkpoint(**{name: value for name, value in vars(given).items() if name != "command"})


_CONVERT = """Convert a released CharBERT checkpoint. With --character-vocabulary the model can spell by
itself, and a tokenizer is written beside it if there is one."""


def command() -> int:
    return run_command(main)


if __name__ == "__main__":
    sys.exit(command())
