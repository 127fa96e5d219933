"""Training by steps, shared by pre-training and the word recogniser: the Trainer and its arguments."""

from typing import Any

from transformers import Trainer, TrainingArguments

from charbert.commands.training import training_arguments
from pretrain.batches import TrainingBatches
from pretrain.settings import StepTrainingSettings

PASSED_ON = (
    *("learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "max_steps"),
    *("eval_steps", "save_steps", "save_total_limit", "logging_steps", "seed"),
)
"""Settings that the Trainer has under the same names."""


class StepTrainer(Trainer):
    """A Trainer on batches that are already those of this process, in a training that is counted in steps.

    Args:
        training: the batches, from the step on where the run goes on.
        args, kwargs: as of `transformers.Trainer`.
    """

    def __init__(self, *args: Any, training: TrainingBatches, eval_dataset: Any = (), **kwargs: Any) -> None:
        # The Trainer asks whether there is something to evaluate on, and no more.
        super().__init__(*args, eval_dataset=eval_dataset, **kwargs)
        self._training = training

    def get_train_dataloader(self) -> Any:
        return self._training

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        # The Trainer takes all steps for one epoch, and those of a resumed run for a shorter one.
        per_epoch = self._training.steps_per_epoch
        self.state.epoch = self.state.global_step / per_epoch if per_epoch else None
        super().log(logs, *args, **kwargs)

    def report_metrics(self, metrics: dict[str, float]) -> None:
        """Log what an evaluation found, and let the Trainer's callbacks see it; `epoch` is added to it."""
        self.log(metrics)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)


def step_arguments(
    module: str, settings: StepTrainingSettings, *, torch_compile: bool = False, **more: Any
) -> TrainingArguments:
    """The Trainer's arguments of a training whose length, evaluations and checkpoints are counted in steps.

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
        **{name: getattr(settings, name) for name in PASSED_ON},
        **more,
    )
