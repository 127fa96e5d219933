"""`transformers`' Trainer with the measures of both tasks."""

import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from transformers import Trainer
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from charbert.lm_heads import CharBertForPreTraining
from charbert.losses import score_labelled
from data.examples import Batch
from pretrain.batches import TrainingBatches

SUMS = (
    "mlm_count",
    "mlm_loss_sum",
    "mlm_correct",
    "nlm_count",
    "nlm_loss_sum",
    "nlm_in_first",
    "nlm_in_first_five",
)


class PretrainingTrainer(Trainer):
    """Logs the loss of each task while training, and evaluates both.

    Args:
        training: the batches of this process, from the step on where the run goes on.
        evaluation: its share of the batches of evaluation.
        args, kwargs: as of `transformers.Trainer`.
    """

    def __init__(
        self, *args: Any, training: TrainingBatches, evaluation: DataLoader[Batch], **kwargs: Any
    ) -> None:
        super().__init__(*args, eval_dataset=evaluation.dataset, **kwargs)
        self._training = training
        self._evaluation = evaluation
        self.tokens_trained = 0
        self.evaluation_seconds = 0.0
        self._running: Counter[str] = Counter()
        self._latest: tuple[int, dict[str, float]] = (-1, {})

    def get_train_dataloader(self) -> Any:
        # As it is: its batches are already those of this process alone.
        return self._training

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        checkpoint = Path(self.args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        self._training.save(checkpoint, self.args.process_index)
        super()._save_checkpoint(*args, **kwargs)

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        self.tokens_trained += inputs["input_ids"].numel() * self.args.world_size
        self._running["batches"] += 1
        for name in ("mlm_loss", "nlm_loss"):
            self._running[name] = self._running[name] + outputs[name].detach()
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs and self._running["batches"]:
            for name in ("mlm_loss", "nlm_loss"):
                mean = self._running[name] / self._running["batches"]
                logs[name] = float(self.accelerator.reduce(mean, reduction="mean"))
            self._running.clear()
        # The Trainer takes all steps for one epoch, that of a run that goes on for shorter.
        per_epoch = self._training.steps_per_epoch
        self.state.epoch = self.state.global_step / per_epoch if per_epoch else None
        super().log(logs, *args, **kwargs)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Both tasks on the held-out blocks: losses, MLM perplexity and accuracy, NLM hit@1 and hit@5.

        Each is counted once, whatever the number of processes.
        """
        started = time.monotonic()
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        was_training = model.training
        model.eval()
        sums = torch.zeros(len(SUMS), dtype=torch.float64, device=self.args.device)
        with torch.no_grad(), self.accelerator.autocast():
            for batch in self._evaluation:
                sums += _measure(model, self._prepare_inputs(batch)).to(sums.device)
        model.train(was_training)
        total = dict(zip(SUMS, self.accelerator.reduce(sums).tolist(), strict=True))
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in _rates(total).items()}
        self.evaluation_seconds += time.monotonic() - started
        self.log(metrics)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self._latest = (self.state.global_step, metrics)
        return metrics

    def final_metrics(self) -> dict[str, float]:
        """The metrics at the last step, measured unless they have just been."""
        step, metrics = self._latest
        return metrics if step == self.state.global_step else self.evaluate()


def _measure(model: CharBertForPreTraining, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The `SUMS` of one batch."""
    labels, nlm_labels = batch.pop("labels"), batch.pop("nlm_labels")
    encoded = model.charbert(**batch)
    tokens, masked = score_labelled(model.mlm_head, encoded.last_hidden_state, labels)
    words, noised = score_labelled(model.nlm_head, encoded.char_last_hidden_state, nlm_labels)
    found = words.topk(min(5, words.shape[-1])).indices == noised.unsqueeze(-1)
    numbers = (
        masked.numel(),
        F.cross_entropy(tokens.float(), masked, reduction="sum"),
        (tokens.argmax(dim=-1) == masked).sum(),
        noised.numel(),
        F.cross_entropy(words.float(), noised, reduction="sum"),
        found[:, :1].sum(),
        found.sum(),
    )
    return torch.stack(
        [torch.as_tensor(number, dtype=torch.float64, device=labels.device) for number in numbers]
    )


def _rates(total: dict[str, float]) -> dict[str, float]:
    masked, noised = max(1.0, total["mlm_count"]), max(1.0, total["nlm_count"])
    mlm_loss = total["mlm_loss_sum"] / masked
    return {
        "mlm_loss": mlm_loss,
        "mlm_perplexity": math.exp(min(mlm_loss, 700)),
        "mlm_accuracy": total["mlm_correct"] / masked,
        "nlm_loss": total["nlm_loss_sum"] / noised,
        "nlm_hit_1": total["nlm_in_first"] / noised,
        "nlm_hit_5": total["nlm_in_first_five"] / noised,
    }
