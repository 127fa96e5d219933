"""`python -m finetune CONFIG.yaml [--key value ...]`: fine-tuning, and the other commands (`COMMANDS`)."""

import argparse
import logging
import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.commands.results import is_main_process
from charbert.errors import run_command
from finetune.adversary import command as worst_case
from finetune.robustness import run as robustness

PROGRAM = "python -m finetune"
FINETUNE = Command("finetune.run", "FinetuneSettings", "fine-tune a model, and score it", config=True)
COMMANDS = {
    "predict": Command("finetune.predict", "PredictSettings", "predictions of a fine-tuned model for a file"),
    "score": Command("finetune.score", "ScoreSettings", "scores of anybody's predictions, as JSON"),
}
DESCRIPTION = """Fine-tune a model, and score it: examples, model, training, scores, predictions. The output
folder holds the model, results.json and the predictions; of several seeds each has a folder of its own."""


def main(arguments: Sequence[str]) -> None:
    """Run a command."""
    if arguments and arguments[0] in ("worst-case", "robustness"):
        logging.basicConfig(
            level=logging.INFO if is_main_process() else logging.WARNING, format="%(message)s"
        )
        if arguments[0] == "robustness":
            robustness.run(arguments[1:])
            return
        description = "accuracy under the few typos that hurt a fine-tuned model most"
        parser = argparse.ArgumentParser(prog=f"{PROGRAM} worst-case", description=description)
        worst_case.add_arguments(parser)
        worst_case.run(parser.parse_args(arguments[1:]))
        return
    dispatch(PROGRAM, DESCRIPTION, COMMANDS, arguments, default=FINETUNE)


if __name__ == "__main__":
    sys.exit(run_command(main))
