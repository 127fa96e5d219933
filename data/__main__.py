"""`python -m data`: raw files in, training examples out."""

import sys
from collections.abc import Sequence

try:
    from charbert.commands.dispatch import Command, dispatch
    from charbert.errors import run_command
except KeyboardInterrupt:
    sys.exit("interrupted")

COMMANDS = {
    "wikipedia": Command(
        "data.wiki.extract:ExtractSettings", "a MediaWiki dump -> clean text of its articles, in shards"
    ),
    "vocabulary": Command(
        "data.settings:VocabularySettings",
        "text -> characters, words and a tokenizer, in one folder",
        "data.vocabulary.build",
    ),
    "tokenize": Command(
        "data.settings:TokenizeSettings",
        "text -> a memory-mapped dataset of token blocks",
        "data.pretraining.tokenize",
    ),
    "attack": Command(
        "data.examples.attack:AttackFileSettings", "a labelled file -> the same file with typos in its words"
    ),
    "misspellings": Command(
        "data.misspellings:MisspellingsSettings",
        "lists of misspellings -> one list, without those of other files",
    ),
}
EXAMPLE = "vocabulary texts/ --tokenizer google-bert/bert-base-cased --output runs/tokenizer"


def main(arguments: Sequence[str]) -> None:
    dispatch("python -m data", "Raw files in, training examples out.", COMMANDS, arguments, example=EXAMPLE)


if __name__ == "__main__":
    sys.exit(run_command(main))
