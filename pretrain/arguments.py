"""What a training by steps tells the Trainer."""

from typing import Any

from transformers import TrainingArguments

from charbert.commands.training import training_arguments
from pretrain.recognizer.settings import RecognizerSettings
from pretrain.settings import PretrainSettings

ALIKE = (
    *("learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "max_steps"),
    *("eval_steps", "save_steps", "save_total_limit", "logging_steps", "seed"),
)
"""Settings that the Trainer knows under the same names."""


def step_arguments(
    module: str, settings: PretrainSettings | RecognizerSettings, *, torch_compile: bool, **more: Any
) -> TrainingArguments:
    """The arguments of a training whose length, evaluations and checkpoints are counted in steps.

    Args:
        module: what `python -m` starts, for messages.
        settings: of the run.
        torch_compile: compile the model.
        more: further arguments of the Trainer.

    Raises:
        CharBertError: as `training_arguments`.
    """
    return training_arguments(
        module,
        torch_compile=torch_compile,
        output_dir=settings.output,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        eval_strategy="steps",
        save_strategy="steps",
        logging_first_step=True,
        ignore_data_skip=True,  # the batches themselves begin where a run goes on
        **{name: getattr(settings, name) for name in ALIKE},
        **more,
    )
