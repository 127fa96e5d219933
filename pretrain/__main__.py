"""`python -m pretrain CONFIG.yaml [--key value ...]`, on several GPUs `torchrun -m pretrain CONFIG.yaml`."""

import logging
import sys
from collections.abc import Sequence

from charbert.errors import run_command
from charbert.results import is_main_process
from charbert.settings import load_settings
from pretrain.run import pretrain
from pretrain.settings import PretrainSettings


def main(arguments: Sequence[str]) -> None:
    settings = load_settings(
        PretrainSettings, arguments, "python -m pretrain", "Pre-train a CharBERT: masked LM and noisy LM."
    )
    logging.basicConfig(level=logging.INFO if is_main_process() else logging.WARNING, format="%(message)s")
    numbers = pretrain(settings)
    if not is_main_process():
        return
    for name, value in numbers.items():
        print(f"{name:24} {value:,.4f}" if isinstance(value, float) else f"{name:24} {value}")
    print(f"results and model in {settings.output}")


if __name__ == "__main__":
    sys.exit(run_command(main))
