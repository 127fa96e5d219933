"""`python -m finetune CONFIG.yaml [--key value ...]`: fine-tuning, and the other commands (`COMMANDS`)."""

import sys
from collections.abc import Sequence

try:
    from charbert.commands.dispatch import Command, dispatch
    from charbert.errors import run_command
except KeyboardInterrupt:
    sys.exit("interrupted")

PROGRAM = "python -m finetune"
FINETUNE = Command(
    "finetune.settings:FinetuneSettings", "fine-tune a model, and score it", "finetune.run", config=True
)
COMMANDS = {
    "distill": Command(
        "finetune.settings:DistillSettings",
        "fine-tune a smaller model that learns from a larger one",
        "finetune.run",
        config=True,
    ),
    "predict": Command(
        "finetune.settings:PredictSettings",
        "predictions of a fine-tuned model for a file",
        "finetune.predict",
    ),
    "score": Command(
        "finetune.settings:ScoreSettings", "scores of anybody's predictions, as JSON", "finetune.score"
    ),
    "robustness": Command(
        "finetune.robustness.settings:RobustnessSettings",
        "how much typos cost each model",
        "finetune.robustness.command",
        config=True,
    ),
    "worst-case": Command(
        "finetune.adversary.settings:WorstCaseSettings",
        "accuracy under the few typos that hurt a model most",
        "finetune.adversary.command",
    ),
}
DESCRIPTION = """Fine-tune a model, and score it: examples, model, training, scores, predictions. The output
folder holds the model, results.json and the predictions; of several seeds each has a folder of its own."""
EXAMPLE = "finetune/configs/text.yaml --train messages.csv --backbone bert-base-cased --output runs/a"


def main(arguments: Sequence[str]) -> None:
    """Run a command."""
    dispatch(PROGRAM, DESCRIPTION, COMMANDS, arguments, FINETUNE, EXAMPLE)


if __name__ == "__main__":
    sys.exit(run_command(main))
