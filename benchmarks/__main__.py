"""`python -m benchmarks COMMAND`: speed and memory, each command a module here that prints a table."""

import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.errors import run_command

COMMANDS = {
    name: Command(f"benchmarks.{name}:{settings}", f"benchmarks.{name}", help)
    for name, settings, help in (
        ("pretraining", "PretrainingSpeedSettings", "steps of pre-training"),
        ("finetuning", "FinetuningSpeedSettings", "steps of fine-tuning"),
        ("gru", "GruSettings", "the character GRU beside nn.GRU"),
        ("data", "DataSpeedSettings", "extraction, tokenising, training examples"),
        ("masking", "MaskingSharesSettings", "shares of masks and noise in a text"),
        ("attacks", "AttackSpeedSettings", "each kind of noise on labelled data"),
        ("correction", "CorrectionSettings", "spelling correction beside dictionary spell checkers"),
    )
}


def main(arguments: Sequence[str]) -> None:
    dispatch("python -m benchmarks", "Speed, memory and quality, measured.", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(run_command(main))
