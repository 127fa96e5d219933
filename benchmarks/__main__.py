"""`python -m benchmarks COMMAND`: speed and memory, each command a module here that prints a table."""

import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.errors import run_command

COMMANDS = {
    "pretraining": Command("benchmarks.pretraining:PretrainingSpeedSettings", "steps of pre-training"),
    "finetuning": Command("benchmarks.finetuning:FinetuningSpeedSettings", "steps of fine-tuning"),
    "tuning": Command("benchmarks.tuning:TuningSpeedSettings", "methods of delta tuning: time, memory, size"),
    "inference": Command(
        "benchmarks.inference:InferenceSettings", "PyTorch and ONNX Runtime, CharBERT beside BERT"
    ),
    "gru": Command("benchmarks.gru:GruSettings", "the character GRU beside nn.GRU"),
    "data": Command("benchmarks.data:DataSpeedSettings", "extraction, tokenising, training examples"),
    "wikitext": Command(
        "benchmarks.wikitext:WikitextSpeedSettings", "wikitext to plain text, n to 4n characters"
    ),
    "masking": Command("benchmarks.masking:MaskingSharesSettings", "shares of masks and noise in a text"),
    "attacks": Command("benchmarks.attacks:AttackSpeedSettings", "each kind of noise on labelled data"),
    "reproduction": Command(
        "benchmarks.reproduction.page:ReproductionSettings",
        "the pages of the reproduction and of charbert-plus",
    ),
    "reproduction-sets": Command(
        "benchmarks.reproduction.data_sets:SetsSettings", "the data sets of the reproduction"
    ),
    "startup": Command("benchmarks.startup:StartupSettings", "how fast commands answer --help and mistakes"),
    "correction": Command(
        "benchmarks.correction:CorrectionSettings", "spelling correction beside dictionary spell checkers"
    ),
}


def main(arguments: Sequence[str]) -> None:
    dispatch("python -m benchmarks", "Speed, memory and quality, measured.", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(run_command(main))
