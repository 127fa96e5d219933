"""`python -m data`: raw files in, training examples out."""

import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.errors import run_command

COMMANDS = {
    "wikipedia": Command(
        "data.wiki.extract:ExtractSettings",
        "data.wiki.extract",
        "a MediaWiki dump -> clean text of its articles, in shards",
    ),
    "vocabulary": Command(
        "data.settings:VocabularySettings",
        "data.vocabulary.build",
        "text -> characters, words and a tokenizer, in one folder",
    ),
    "tokenize": Command(
        "data.settings:TokenizeSettings",
        "data.pretraining.tokenize",
        "text -> a memory-mapped dataset of token blocks",
    ),
    "attack": Command(
        "data.examples.attack:AttackSettings",
        "data.examples.attack",
        "a labelled file -> the same file with typos in its words",
    ),
}


def main(arguments: Sequence[str]) -> None:
    dispatch("python -m data", "Raw files in, training examples out.", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(run_command(main))
