"""`python -m finetune CONFIG.yaml [--key value ...]`; `score` and `predict` in place of a config.

python -m finetune finetune/configs/ner.yaml --model FOLDER --data FOLDER --output FOLDER
python -m finetune predict MODEL FILE --out FILE
python -m finetune score --task TASK GOLD PREDICTIONS
"""

import argparse
import logging
import sys
from collections.abc import Sequence

from charbert.errors import run_command
from charbert.results import is_main_process
from charbert.settings import load_settings
from finetune import predict, score
from finetune.run import finetune
from finetune.settings import FinetuneSettings
from finetune.tables import results_table

COMMANDS = {
    "predict": (predict, "what a fine-tuned model makes of a file"),
    "score": (score, "anybody's predictions beside the right answers, as JSON"),
}


DESCRIPTION = """Fine-tune a model, and score it. In place of CONFIG.yaml: `predict` (what a model makes of
a file) and `score` (anybody's predictions), each with a --help of its own."""


def main(arguments: Sequence[str]) -> None:
    logging.basicConfig(level=logging.INFO if is_main_process() else logging.WARNING, format="%(message)s")
    if arguments and arguments[0] in COMMANDS:
        module, description = COMMANDS[arguments[0]]
        parser = argparse.ArgumentParser(prog=f"python -m finetune {arguments[0]}", description=description)
        module.add_arguments(parser)
        module.run(parser.parse_args(arguments[1:]))
        return
    settings = load_settings(FinetuneSettings, arguments, "python -m finetune", DESCRIPTION)
    numbers = finetune(settings)
    if is_main_process():
        print(f"\n{results_table(numbers)}\n\nresults and model in {settings.output}")


if __name__ == "__main__":
    sys.exit(run_command(main))
