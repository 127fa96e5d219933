"""`python -m finetune CONFIG.yaml [--key value ...]`; or a command in place of a config.

python -m finetune finetune/configs/ner.yaml --model FOLDER --data FOLDER --output FOLDER
python -m finetune predict MODEL FILE --out FILE
python -m finetune score --task TASK GOLD PREDICTIONS
python -m finetune worst-case MODEL FILE --out FILE.json
python -m finetune robustness CONFIG.yaml --models FOLDER FOLDER --test FILE --output FOLDER
"""

import argparse
import logging
import sys
from collections.abc import Sequence

from charbert.commands.results import is_main_process
from charbert.commands.settings import load_settings
from charbert.commands.tables import format_scores
from charbert.errors import run_command
from finetune import predict, score
from finetune.adversary import command as worst_command
from finetune.robustness import run as robustness
from finetune.run import finetune
from finetune.settings import FinetuneSettings

COMMANDS = {
    "predict": (predict, "what a fine-tuned model makes of a file"),
    "score": (score, "anybody's predictions beside the right answers, as JSON"),
    "worst-case": (worst_command, "accuracy under the few typos that hurt a fine-tuned model most"),
}


DESCRIPTION = """Fine-tune a model, and score it. In place of CONFIG.yaml: `predict` (what a model makes of
a file), `score` (anybody's predictions), `robustness` (what typos cost) and `worst-case` (the typos that cost
most), each with a --help of its own."""


def main(arguments: Sequence[str]) -> None:
    logging.basicConfig(level=logging.INFO if is_main_process() else logging.WARNING, format="%(message)s")
    if arguments and arguments[0] in COMMANDS:
        module, description = COMMANDS[arguments[0]]
        parser = argparse.ArgumentParser(prog=f"python -m finetune {arguments[0]}", description=description)
        module.add_arguments(parser)
        module.run(parser.parse_args(arguments[1:]))
        return
    if arguments and arguments[0] == "robustness":
        robustness.run(arguments[1:])
        return
    settings = load_settings(FinetuneSettings, arguments, "python -m finetune", DESCRIPTION)
    numbers = finetune(settings)
    if is_main_process():
        print(f"\n{format_scores(numbers)}\n\nresults and model in {settings.output}")


if __name__ == "__main__":
    sys.exit(run_command(main))
