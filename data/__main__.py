"""`python -m data`: raw files in, training examples out."""

import argparse
import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.commands.results import format_numbers
from charbert.errors import run_command
from data.pretraining import tokenize as dataset
from data.vocabulary import build as vocabulary
from data.wiki import extract as wikipedia

COMMANDS = {
    "wikipedia": (wikipedia, "a MediaWiki dump -> clean text of its articles, in shards"),
    "vocabulary": (vocabulary, "text -> characters, words and a tokenizer, in one folder"),
    "tokenize": (dataset, "text -> a memory-mapped dataset of token blocks"),
}
ATTACK = Command(
    "data.examples.attack", "AttackSettings", "a labelled file -> the same file with typos in its words"
)


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["attack"]:
        dispatch("python -m data", __doc__ or "", {"attack": ATTACK}, arguments)
        return
    parser = argparse.ArgumentParser(prog="python -m data", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("attack", help=ATTACK.help)
    for name, (module, description) in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=description, description=description))
    given = parser.parse_args(arguments)
    results = COMMANDS[given.command][0].run(given)
    print(format_numbers(results))


if __name__ == "__main__":
    sys.exit(run_command(main))
