"""The Trainer of a word recogniser: evaluation by its word error rate."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader

from charbert.commands.devices import copied
from charbert.losses import IGNORED
from charbert.recognizer.modeling import NEUTRAL
from pretrain.collator import Batch
from pretrain.loaders import TrainingBatches
from pretrain.recognizer.batches import CHANGED, INPUTS
from pretrain.trainer import StepTrainer

RATES = ("error_rate", "error_rate_neutral", "error_rate_untouched", "unknown")


class RecognizerTrainer(StepTrainer):
    """Trains on the batches of this process, and measures on held-out text.

    Args:
        training: the batches, from the step on where the run goes on.
        evaluation: this process's share of the batches of held-out text, by the name of their noise.
        args, kwargs: as of `transformers.Trainer`.
    """

    def __init__(
        self,
        *args: Any,
        training: TrainingBatches,
        evaluation: Mapping[str, DataLoader[Batch]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, training=training, **kwargs)
        self._evaluation = evaluation

    def _prepare_inputs(self, inputs: Any) -> Any:
        return copied({name: inputs[name] for name in INPUTS}, self.args.device)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The `RATES` of each held-out text, as shares of its words of letters only.

        `error_rate` where unknown words pass, `error_rate_neutral` where they become neutral,
        `error_rate_untouched` of the text as it is, and `unknown`, the share of words that are not known.
        """
        model = self.accelerator.unwrap_model(self.model)
        neutral = model.words.id(NEUTRAL)
        metrics: dict[str, float] = {}
        for name, batches in self._evaluation.items():
            sums = torch.zeros(len(RATES) + 1, dtype=torch.float64, device=self.args.device)
            for batch in batches:
                inputs = self._prepare_inputs(batch)
                labels = inputs.pop("labels")
                wanted = labels != IGNORED
                read, right = model.recognize(wanted, **inputs), labels[wanted]
                changed = batch[CHANGED].to(read.device)[wanted]
                unknown = read == model.words.unknown_id
                has_word = right != model.words.unknown_id
                passed = torch.where(unknown, changed, read != right)
                replaced = torch.where(unknown, neutral, read)
                wrong = (passed, ~((replaced == right) & has_word), changed, unknown)
                sums += torch.stack([read.new_tensor(len(read)), *(each.sum() for each in wrong)])
            words, *counts = self.accelerator.reduce(sums).tolist()
            rates = [count / max(1.0, words) for count in counts]
            metrics |= {
                f"{metric_key_prefix}_{name}_{rate}": value for rate, value in zip(RATES, rates, strict=True)
            }
        self.report_metrics(dict(metrics))
        return metrics
