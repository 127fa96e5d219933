"""A model of a report at work: the recogniser before it, predictions, and the time they take."""

from collections.abc import Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import torch

from charbert.recognizer.modeling import WordRecognizer
from finetune.adversary.attacks import Scores, worst_case_scores
from finetune.batches import Padding
from finetune.inference import Predictor
from finetune.models import load_finetuned
from finetune.predict import CHUNK
from finetune.recognition import recognized
from finetune.robustness.models import Recognizer, Run

TIMED, ROUNDS = 200, 3  # examples, passes over them


def device_at_hand() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name() -> str:
    """The device at hand in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"


class LoadedModel:
    """The model of a run, and the word recogniser that reads before it, on the device at hand.

    Args:
        run: where the model stands, and what it was trained for.
        recognizer: what reads before it, if anything does.
        batch_size: rows that are computed at once.
    """

    def __init__(self, run: Run, recognizer: Recognizer | None, batch_size: int) -> None:
        self.run = run
        self.device = device_at_hand()
        self.batch_size = batch_size
        model, self.tokenizer = load_finetuned(str(run.folder), run.task)
        self.model = model.to(self.device).eval()
        self.padding = Padding(self.tokenizer)
        self._predictor = Predictor(
            run.task, self.model, self.tokenizer, batch_size=batch_size, bf16=run.settings.bf16
        )
        self._unknown = recognizer and recognizer.unknown
        self._readers = [
            WordRecognizer.from_pretrained(folder).to(self.device).eval()
            for folder in (recognizer.folders if recognizer else ())
        ]

    @property
    def parameters(self) -> int:
        """Of the model, and of the recogniser."""
        return sum(weight.numel() for model in (self.model, *self._readers) for weight in model.parameters())

    def autocast(self) -> torch.autocast:
        """The precision that the run evaluated in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.run.settings.bf16)

    def read(self, examples: Sequence[Any]) -> list[Any]:
        """The examples as they reach the model."""
        if self._unknown is None:
            return list(examples)
        return recognized(examples, self._readers[0], self._unknown, *self._readers[1:])

    def predictions(self, examples: Sequence[Any]) -> list[Any]:
        """What the model makes of examples that it is given as they are."""
        chunks = (examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK))
        return [prediction for chunk in chunks for prediction in self._predictor(chunk)]

    def worst_case(self, examples: Sequence[Any], search: Mapping[str, Any]) -> list[Scores]:
        """Scores under the worst edits, made before the recogniser reads; `search` as of `searched`."""
        return worst_case_scores(
            self.run.task,
            self.model,
            self.tokenizer,
            examples,
            batch_size=self.batch_size,
            bf16=self.run.settings.bf16,
            reader=self.read,
            **search,
        )

    def milliseconds_per_example(self, examples: Sequence[Any]) -> float:
        """The median time from text to prediction, the recogniser's included, after a warm pass."""
        sample = list(examples[:TIMED])
        times = []
        for _ in range(1 + ROUNDS):
            started = perf_counter()
            self.predictions(self.read(sample))
            times.append(perf_counter() - started)
        return 1000 * median(times[1:]) / len(sample)
