"""`python -m pretrain CONFIG.yaml [--key value ...]`, on several GPUs `torchrun -m pretrain CONFIG.yaml`.

python -m pretrain recognizer CONFIG.yaml [--key value ...]
python -m pretrain quickstart --output DIR
"""

import sys
from collections.abc import Sequence

try:
    from charbert.commands.dispatch import Command, dispatch
    from charbert.errors import run_command
except KeyboardInterrupt:
    sys.exit("interrupted")

PRETRAIN = Command(
    "pretrain.settings:PretrainSettings",
    "pre-train a CharBERT: masked LM and noisy LM",
    "pretrain.run",
    config=True,
)
COMMANDS = {
    "recognizer": Command(
        "pretrain.settings:RecognizerSettings",
        "train a word recogniser, which corrects misspelled words for any model",
        "pretrain.recognizer.run",
        config=True,
    ),
    "quickstart": Command(
        "pretrain.settings:QuickstartSettings",
        "a small Wikipedia dump -> a tiny model, and words that it restores",
        "pretrain.quickstart",
    ),
}
DESCRIPTION = """Pre-training on running text: masked LM and noisy LM. The output folder holds the model,
results.json, curves.png and the logs. On several GPUs:
torchrun --nproc-per-node N -m pretrain CONFIG.yaml."""
EXAMPLE = "pretrain/configs/tiny.yaml --data runs/blocks --tokenizer runs/tokenizer --output runs/model"


def main(arguments: Sequence[str]) -> None:
    dispatch("python -m pretrain", DESCRIPTION, COMMANDS, arguments, PRETRAIN, EXAMPLE)


if __name__ == "__main__":
    sys.exit(run_command(main))
