"""Trainer of `transformers` that evaluates by a task's measures; layer-wise learning rates, class weights."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from accelerate.utils import gather_object
from torch.nn import functional as F
from transformers.trainer import TRAINING_ARGS_NAME

from charbert.commands.devices import copied
from charbert.commands.training import CheckedTrainer, set_learning_rates
from charbert.errors import name_failures
from charbert.losses import IGNORED
from charbert.tuning.model import has_delta
from charbert.tuning.saving import restore_delta, save_delta
from finetune.batches import mark_dynamic
from finetune.inference import compute_outputs
from finetune.tasks.base import Encoded, Output, Task

_LAYER = re.compile(r"\.layer\.(\d+)\.")
_BOTTOM = ("embeddings.", "char_encoder.")


class EvaluationSet(NamedTuple):
    """Examples, and the rows that their task encodes them as."""

    examples: list[Any]
    encoded: Encoded


class FinetuneTrainer(CheckedTrainer):
    """Trains on rows, and scores examples.

    The loss of a step is the mean over all its labels (rows, where a row has no classes), however these are
    divided over processes and batches whose gradients are accumulated.

    Args:
        task: what is trained.
        dev: by name; the first is the one whose `task.metric` chooses the best checkpoint.
        layer_decay: a layer learns at this share of the rate of the one above it.
        class_weights: (C,) what an example of each class counts; None: all the same.
        args, kwargs: as of `transformers.Trainer`; `data_collator` is a `Padding`.
    """

    def __init__(
        self,
        *args: Any,
        task: Task[Any, Any],
        dev: Mapping[str, EvaluationSet],
        layer_decay: float = 1.0,
        class_weights: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        # Models give means over each batch, plain ones too; `compute_loss` turns them into that of a step.
        self.model_accepts_loss_kwargs = False
        self.loss_is_scaled_for_ga = True
        self._task = task
        self._dev = dict(dev)
        self._layer_decay = layer_decay
        self._class_weights = class_weights

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list[Any], Any]:
        """The batches of a step, and the numbers of labels and of tokens in those of all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        nothing = torch.zeros(2, dtype=torch.long, device=device)
        counts = sum((_count(batch).to(device) for batch in batches), nothing)
        return batches, self.accelerator.reduce(counts).clamp(min=1)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch as a part of its step's, times the number of processes, whose mean is taken.

        Args:
            num_items_in_batch: labels and tokens of the step; None: those of the batch.
        """
        counts = _count(inputs)
        if "labels" in inputs:
            # A batch without a label has no share of the step, but its loss must be a number, and plain
            # models give NaN for it: it gets labels, no matter which.
            inputs = {**inputs, "labels": torch.where(counts[0] > 0, inputs["labels"], 0)}
            if self.args.torch_compile:
                mark_dynamic({"labels": inputs["labels"]})
        if self._class_weights is None:
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True)
        else:
            outputs = model(**{name: tensor for name, tensor in inputs.items() if name != "labels"})
            loss = _weighted_loss(outputs.logits, inputs["labels"], self._class_weights)
        shares = torch.ones_like(counts)
        if num_items_in_batch is not None:
            # One factor: of a step of a single batch it is exactly 1.
            shares = counts * self.args.world_size / num_items_in_batch
        if self._distillation is None:
            loss = loss * shares[0]
        else:
            with self.accelerator.autocast():
                soft, cosine = self._distillation.losses(outputs, inputs)
            self._running.add({"hard_loss": loss, **soft, "cosine_loss": cosine})
            loss = self._distillation.combine(
                soft["soft_loss"] * shares[0], loss * shares[0], cosine * shares[1]
            )
        return (loss, outputs) if return_outputs else loss

    def predict_set(self, given: EvaluationSet) -> list[Any]:
        """Predictions of the model in its present state; the same in every process."""
        return self._task.decode(given.examples, given.encoded, self._outputs(given.encoded))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if not has_delta(self.model):
            return super()._save(output_dir, state_dict)
        folder = Path(output_dir or self.args.output_dir)
        save_delta(self.model, folder, resumable=folder != Path(self.args.output_dir))
        with name_failures(folder):
            torch.save(self.args, folder / TRAINING_ARGS_NAME)
            if self.processing_class is not None:
                self.processing_class.save_pretrained(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if has_delta(self.model):
            restore_delta(self.model, resume_from_checkpoint)
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_best_model(self) -> None:
        if has_delta(self.model):
            restore_delta(self.model, self.state.best_model_checkpoint)
        else:
            super()._load_best_model()

    def _prepare_inputs(self, inputs: Any) -> Any:
        moved = copied(inputs, self.args.device)
        if self.args.torch_compile:
            mark_dynamic(moved)
        return moved

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Score the dev sets; the second and further ones under `{prefix}_{name}_...`."""
        scores: dict[str, float] = {}
        for name, given in self._dev.items():
            prefix = f"{metric_key_prefix}_{name}_" if name else f"{metric_key_prefix}_"
            predictions = self.predict_set(given)
            tuned = self._task.tune(given.examples, predictions)
            made = tuned.score(given.examples, tuned.apply_threshold(predictions))
            scores |= {f"{prefix}{name}": value for name, value in made.items() if value is not None}
        # A correlation that there is not is worse than any other.
        scores.setdefault(f"{metric_key_prefix}_{self._task.metric}", -1.0)
        self.report_metrics(scores)
        self.control.should_save = True  # what was scored may be the best, whatever `save_steps` says
        return scores

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            logs.update(self._running.means(self.accelerator))
        super().log(logs, *args, **kwargs)

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        optimizer = super().create_optimizer(*args, **kwargs)
        if self._layer_decay < 1:
            top = 1 + max(_depth(name, 0) for name, _ in self.model.named_parameters())
            set_learning_rates(
                optimizer,
                self.model,
                lambda name, rate: rate * self._layer_decay ** (top - _depth(name, top)),
            )
        return optimizer

    def _outputs(self, encoded: Encoded) -> list[Output]:
        shares = self.args.process_index, self.args.world_size
        with self.evaluated_model() as model:
            found = compute_outputs(
                model, encoded.inputs, self.data_collator, batch_size=self.args.eval_batch_size, shares=shares
            )
        if self.args.world_size > 1:
            found = dict(gather_object(list(found.items())))
        return [found[number] for number in range(len(encoded.inputs))]


def _count(batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(2,) how many labels a batch has, classes or else rows, and how many tokens without padding."""
    mask, labels = batch["attention_mask"], batch.get("labels")
    if labels is None or labels.is_floating_point():
        found = mask.new_full((), len(mask))
    else:
        found = (labels != IGNORED).sum()
    return torch.stack([found, mask.sum()])


def _weighted_loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The mean over labels of each one's loss times the weight of its class."""
    total = F.cross_entropy(
        logits.flatten(0, -2).float(),
        labels.flatten(),
        weights.to(logits.device),
        ignore_index=IGNORED,
        reduction="sum",
    )
    return total / (labels != IGNORED).sum().clamp(min=1)


def _depth(name: str, top: int) -> int:
    """0 of the embeddings and the character encoder, then the layers, then what is above them."""
    found = _LAYER.search(name)
    if found:
        return int(found[1]) + 1
    return 0 if any(part in name for part in _BOTTOM) else top


def balance_weights(targets: Sequence[int], classes: int) -> torch.Tensor:
    """(C,) for each class N / (C * its number among N targets); 0 for one that does not occur."""
    counts = torch.bincount(torch.as_tensor(targets), minlength=classes)
    return torch.where(counts > 0, len(targets) / (classes * counts.clamp(min=1)), 0.0)
