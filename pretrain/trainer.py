"""The Trainer of pre-training: learning-rate schedule, losses and speed in the log, perplexity, NLM hit@k."""

import math
import warnings
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from transformers import TrainingArguments

from charbert.commands.devices import copied
from charbert.commands.training import CheckedTrainer, set_learning_rates, training_arguments
from charbert.distillation.loss import Alignment
from charbert.lm_heads import CharBertForPreTraining
from charbert.losses import IGNORED, score_labelled
from pretrain.collator import Batch
from pretrain.loaders import TrainingBatches
from pretrain.settings import StepTrainingSettings
from pretrain.sharding import configure_sharding, gathered

# Dimensions that differ between batches, marked so that the compiler compiles once for all.
CHANGING = {"char_input_ids": 1, "mlm_positions": 0, "nlm_positions": 0}
MLM_SUMS = ("mlm_count", "mlm_loss_sum", "mlm_correct")
NLM_SUMS = ("nlm_count", "nlm_loss_sum", "nlm_in_first", "nlm_in_first_five")
CLEAN = ("clean_input_ids", "clean_positions")
"""What a batch has of its text without noise and masks, for the alignment alone."""
FRESH = ("char_encoder.", "interactions.", "nlm_head.")
"""What names of parameters begin with, after that of the base model, that no plain backbone has."""


class StepTrainer(CheckedTrainer):
    """A Trainer on batches that are already those of this process, in a training that is counted in steps.

    Args:
        training: the batches, from the step on where the run goes on.
        args, kwargs: as of `transformers.Trainer`.
    """

    def __init__(self, *args: Any, training: TrainingBatches, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._training = training

    def get_train_dataloader(self) -> Any:
        return self._training

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        # The Trainer takes all steps for one epoch, and those of a resumed run for a shorter one.
        per_epoch = self._training.steps_per_epoch
        self.state.epoch = self.state.global_step / per_epoch if per_epoch else None
        super().log(logs, *args, **kwargs)


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
        settings,
        torch_compile=torch_compile,
        output_dir=settings.output,
        per_device_eval_batch_size=settings.batch_size,
        logging_first_step=True,
        ignore_data_skip=True,  # the batches themselves begin where a run goes on
        warmup_steps=settings.warmup_steps,
        max_steps=settings.max_steps,
        eval_steps=settings.eval_steps,
        save_steps=settings.save_steps,
        save_total_limit=settings.save_total_limit,
        seed=settings.seed,
        **more,
    )


class Spent(NamedTuple):
    """What training has taken so far; evaluation is left out."""

    seconds: float = 0.0
    waiting: float = 0.0
    """Seconds in which this process waited for its next batch."""
    tokens: int = 0
    """Of all processes, padding included."""

    def speed_since(self, before: "Spent") -> "Speed":
        seconds, waiting, tokens = (now - then for now, then in zip(self, before, strict=True))
        return Speed(tokens / seconds, 100 * waiting / seconds) if seconds else Speed(0.0, 0.0)


class Speed(NamedTuple):
    """As in the log and in `results.json`."""

    tokens_per_second: float
    data_wait: float
    """Percent of the time; of the process that waited longest."""


class PretrainingTrainer(StepTrainer):
    """Logs the loss of each task of its model and the speed while training, and evaluates these tasks.

    A step never waits for the device: what is logged is read when it is logged.

    Args:
        training: the batches of this process, from the step on where the run goes on.
        evaluation: its share of the batches of evaluation.
        alignment: of the model with a frozen backbone; None: an ordinary training.
        alignment_weight: of its loss.
        fresh_learning_rate: the peak of what is `FRESH`; None: that of the rest.
        args, kwargs: as of `transformers.Trainer`.
    """

    def __init__(
        self,
        *args: Any,
        training: TrainingBatches,
        evaluation: DataLoader[Batch],
        alignment: Alignment | None = None,
        alignment_weight: float = 0.0,
        fresh_learning_rate: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, training=training, **kwargs)
        self._alignment, self._alignment_weight = alignment, alignment_weight
        self._fresh_learning_rate = fresh_learning_rate
        if alignment is not None:
            alignment.prepare(self.args.device, compile=self.args.torch_compile)
        both = isinstance(self.model, CharBertForPreTraining)
        self._losses = ("mlm_loss", "nlm_loss") if both else ("mlm_loss",)
        self._sums = MLM_SUMS + NLM_SUMS if both else MLM_SUMS
        self._evaluation = evaluation
        self._tokens_trained = 0
        self._evaluation_seconds = 0.0
        self._logged = Spent()
        self._latest: tuple[int, dict[str, float]] = (-1, {})

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        if self.args.fsdp:
            configure_sharding(self.accelerator, self.model, self.args.fsdp_plugin_args)
            self.is_fsdp_enabled = True
        else:
            # Gradients live in what the processes exchange, not beside it.
            self.accelerator.ddp_handler.gradient_as_bucket_view = True
            # accelerate passes ddp_broadcast_buffers by its old name alone, of which torch 2.13 warns.
            warnings.filterwarnings("ignore", ".*broadcast_buffers.* is deprecated", FutureWarning)

    def _prepare_inputs(self, inputs: Any) -> Any:
        moved = copied(inputs, self.args.device)
        if self.args.torch_compile:
            for name in CHANGING.keys() & moved.keys():
                torch._dynamo.maybe_mark_dynamic(moved[name], CHANGING[name])
        return moved

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # What is gathered of a sharded model holds tied weights twice.
        for name in self.model.all_tied_weights_keys if state_dict else ():
            state_dict.pop(name, None)
        super()._save(output_dir, state_dict)

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        self._training.save(Path(output_dir), self.args.process_index)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        clean = {name: inputs[name] for name in CLEAN if name in inputs}
        inputs = {name: tensor for name, tensor in inputs.items() if name not in CLEAN}
        kept = {"output_hidden_states": self._alignment.layers} if self._alignment is not None else {}
        loss, outputs = super().compute_loss(model, inputs | kept, return_outputs=True, **kwargs)
        self._tokens_trained += inputs["input_ids"].numel() * self.args.world_size
        losses = {name: outputs[name] for name in self._losses}
        if self._distillation is not None:
            with self.accelerator.autocast():
                soft, cosine = self._distillation.losses(outputs, inputs)
            losses |= {**soft, "cosine_loss": cosine}
            loss = self._distillation.combine(torch.stack([*soft.values()]).sum(), loss, cosine)
        if self._alignment is not None:
            with self.accelerator.autocast():
                losses["alignment_loss"] = self._alignment.loss(outputs, **clean)
            loss = loss + self._alignment_weight * losses["alignment_loss"]
        self._running.add(losses)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        optimizer = super().create_optimizer(*args, **kwargs)
        fresh_rate, prefix = self._fresh_learning_rate, f"{self.model.base_model_prefix}."
        if fresh_rate is not None:
            set_learning_rates(
                optimizer,
                self.model,
                lambda name, rate: fresh_rate if name.removeprefix(prefix).startswith(FRESH) else rate,
            )
        return optimizer

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs and (means := self._running.means(self.accelerator)):
            logs.update(means)
            spent = self._spent()
            logs.update(self._of_all(spent.speed_since(self._logged))._asdict())
            self._logged = spent
        super().log(logs, *args, **kwargs)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The tasks on the held-out blocks: losses, MLM perplexity and accuracy, NLM hit@1 and hit@5.

        Each is counted once, whatever the number of processes.
        """
        started = monotonic()
        sums = torch.zeros(len(self._sums), dtype=torch.float64, device=self.args.device)
        with (
            self.evaluated_model() as model,
            torch.no_grad(),
            gathered(model),
            torch.compiler.set_stance("force_eager"),  # as written, where layers are compiled in place too
        ):
            for batch in self._evaluation:
                sums += _measure(model, self._prepare_inputs(batch)).to(sums.device)
        total = dict(zip(self._sums, self.accelerator.reduce(sums).tolist(), strict=True))
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in _rates(total).items()}
        self._evaluation_seconds += monotonic() - started
        self.report_metrics(metrics)
        self._latest = (self.state.global_step, metrics)
        return metrics

    def speed(self) -> Speed:
        """The speed of training since it began, for all processes to ask at its end."""
        return self._of_all(self._spent().speed_since(Spent()))

    def _spent(self) -> Spent:
        began = self._training.began
        seconds = 0.0 if began is None else monotonic() - began - self._evaluation_seconds
        return Spent(seconds, self._training.seconds_waited, self._tokens_trained)

    def _of_all(self, speed: Speed) -> Speed:
        waits = self.accelerator.gather(torch.tensor([speed.data_wait], device=self.args.device))
        return speed._replace(data_wait=waits.max().item())

    def final_metrics(self) -> dict[str, float]:
        """The metrics at the last step, measured unless they have just been."""
        step, metrics = self._latest
        return metrics if step == self.state.global_step else self.evaluate()


def _measure(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The `MLM_SUMS` of one batch, and the `NLM_SUMS` where it has labels for them."""
    for name in CLEAN:
        batch.pop(name, None)
    labels, mlm_positions = batch.pop("labels"), batch.pop("mlm_positions")
    nlm_labels, nlm_positions = batch.pop("nlm_labels", None), batch.pop("nlm_positions", None)
    encoded = model.base_model(**batch)
    tokens, masked = score_labelled(model.mlm_head, encoded.last_hidden_state, labels, mlm_positions)
    # No token and no word is what stands at positions without a label.
    numbers = [*_count_and_loss(tokens, masked), (tokens.argmax(dim=-1) == masked).sum()]
    if nlm_labels is not None:
        states = encoded.char_last_hidden_state
        words, noised = score_labelled(model.nlm_head, states, nlm_labels, nlm_positions)
        found = words.topk(min(5, words.shape[-1])).indices == noised.unsqueeze(-1)
        numbers += [*_count_and_loss(words, noised), found[:, :1].sum(), found.sum()]
    return torch.stack([number.double() for number in numbers])


def _count_and_loss(scores: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of (N, V) scores the number of labels, and the sum of their losses."""
    loss = F.cross_entropy(scores.float(), labels, ignore_index=IGNORED, reduction="sum")
    return (labels != IGNORED).sum(), loss


def _rates(total: dict[str, float]) -> dict[str, float]:
    masked = max(1.0, total["mlm_count"])
    mlm_loss = total["mlm_loss_sum"] / masked
    rates = {
        "mlm_loss": mlm_loss,
        "mlm_perplexity": math.exp(min(mlm_loss, 700)),
        "mlm_accuracy": total["mlm_correct"] / masked,
    }
    if "nlm_count" not in total:
        return rates
    noised = max(1.0, total["nlm_count"])
    return {
        **rates,
        "nlm_loss": total["nlm_loss_sum"] / noised,
        "nlm_hit_1": total["nlm_in_first"] / noised,
        "nlm_hit_5": total["nlm_in_first_five"] / noised,
    }
