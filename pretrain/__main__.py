"""`python -m pretrain CONFIG.yaml [--key value ...]`, on several GPUs `torchrun -m pretrain CONFIG.yaml`.

python -m pretrain recognizer CONFIG.yaml [--key value ...]
"""

import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.errors import run_command

PRETRAIN = Command(
    "pretrain.settings:PretrainSettings",
    "pretrain.run",
    "Pre-train a CharBERT: masked LM and noisy LM.",
    config=True,
)
COMMANDS = {
    "recognizer": Command(
        "pretrain.settings:RecognizerSettings",
        "pretrain.recognizer.run",
        "train a word recogniser (semi-character RNN), which corrects misspelled words for any model",
        config=True,
    )
}


def main(arguments: Sequence[str]) -> None:
    dispatch("python -m pretrain", PRETRAIN.help, COMMANDS, arguments, default=PRETRAIN)


if __name__ == "__main__":
    sys.exit(run_command(main))
