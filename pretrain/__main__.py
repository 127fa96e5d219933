"""`python -m pretrain CONFIG.yaml [--key value ...]`, on several GPUs `torchrun -m pretrain CONFIG.yaml`.

python -m pretrain recognizer CONFIG.yaml [--key value ...]
"""

import logging
import sys
from collections.abc import Sequence

from charbert.commands.results import is_main_process
from charbert.commands.settings import load_settings
from charbert.errors import run_command
from pretrain.recognizer.run import train_recognizer
from pretrain.recognizer.settings import RecognizerSettings
from pretrain.run import pretrain
from pretrain.settings import PretrainSettings

RECOGNIZER = "recognizer"
DESCRIPTION = f"""Pre-train a CharBERT: masked LM and noisy LM. `{RECOGNIZER} CONFIG.yaml` trains a word
recogniser instead, with a --help of its own."""
RECOGNIZER_DESCRIPTION = """Train a word recogniser (a semi-character RNN), which reads misspelled words
before any other model does."""


def main(arguments: Sequence[str]) -> None:
    logging.basicConfig(level=logging.INFO if is_main_process() else logging.WARNING, format="%(message)s")
    settings: PretrainSettings | RecognizerSettings
    if arguments and arguments[0] == RECOGNIZER:
        program = f"python -m pretrain {RECOGNIZER}"
        settings = load_settings(RecognizerSettings, arguments[1:], program, RECOGNIZER_DESCRIPTION)
        numbers = train_recognizer(settings)
    else:
        settings = load_settings(PretrainSettings, arguments, "python -m pretrain", DESCRIPTION)
        numbers = pretrain(settings)
    if not is_main_process():
        return
    for name, value in numbers.items():
        print(f"{name:24} {value:,.4f}" if isinstance(value, float) else f"{name:24} {value}")
    print(f"results and model in {settings.output}")


if __name__ == "__main__":
    sys.exit(run_command(main))
