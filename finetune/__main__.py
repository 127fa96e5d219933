"""`python -m finetune CONFIG.yaml [--key value ...]`: fine-tuning, and the other commands (`COMMANDS`)."""

import sys
from collections.abc import Sequence

from charbert.commands.dispatch import Command, dispatch
from charbert.errors import run_command

PROGRAM = "python -m finetune"
FINETUNE = Command(
    "finetune.settings:FinetuneSettings", "finetune.run", "fine-tune a model, and score it", config=True
)
COMMANDS = {
    "predict": Command(
        "finetune.settings:PredictSettings",
        "finetune.predict",
        "predictions of a fine-tuned model for a file",
    ),
    "score": Command(
        "finetune.settings:ScoreSettings", "finetune.score", "scores of anybody's predictions, as JSON"
    ),
    "robustness": Command(
        "finetune.robustness.settings:RobustnessSettings",
        "finetune.robustness.command",
        "how much typos cost each model",
        config=True,
    ),
    "worst-case": Command(
        "finetune.adversary.settings:WorstCaseSettings",
        "finetune.adversary.command",
        "accuracy under the few typos that hurt a model most",
    ),
}
DESCRIPTION = """Fine-tune a model, and score it: examples, model, training, scores, predictions. The output
folder holds the model, results.json and the predictions; of several seeds each has a folder of its own."""


def main(arguments: Sequence[str]) -> None:
    """Run a command."""
    dispatch(PROGRAM, DESCRIPTION, COMMANDS, arguments, default=FINETUNE)


if __name__ == "__main__":
    sys.exit(run_command(main))
