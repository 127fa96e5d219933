"""What is said of a training while it runs, and its curves."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerState, TrainingArguments

from charbert.commands.progress import progress_bar

logger = logging.getLogger(__name__)
FIGURE = "curves.png"


class Progress(TrainerCallback):
    """The steps as a progress bar, and what is logged as lines of numbers on the standard output."""

    _bar: Any = None

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            start = state.global_step
            self._bar = progress_bar(total=state.max_steps, initial=start, desc="training", unit=" steps")

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        # Not INFO: in code, where nobody has configured logging, they are shown as well.
        if self._bar is not None and logger.isEnabledFor(logging.WARNING):
            numbers = (
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in kwargs["logs"].items()
                if name != "total_flos"
            )
            self._bar.write(f"step {state.global_step}: {', '.join(numbers)}")
            sys.stdout.flush()

    def on_train_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class RunningLosses:
    """Means of the losses of batches, over all processes, between two lines of the log."""

    def __init__(self) -> None:
        self._sums: dict[str, torch.Tensor] = {}
        self._batches = 0

    def add(self, losses: Mapping[str, torch.Tensor]) -> None:
        """Add those of a batch, without waiting for the device."""
        self._batches += 1
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, 0) + loss.detach()

    def means(self, accelerator: Any) -> dict[str, float]:
        """The means since this was last asked for, by all processes together; nothing without a batch."""
        if not self._batches:
            return {}
        sums = torch.stack(list(self._sums.values())) / self._batches
        found = dict(zip(self._sums, accelerator.reduce(sums, reduction="mean").tolist(), strict=True))
        self._sums, self._batches = {}, 0
        return found


class Beginning(TrainerCallback):
    """One line, once the number of steps is known: what is trained from what, how, and from where on.

    Args:
        settings: of the command; what they read is named.
        start: the checkpoint that training goes on from, or step 0.
    """

    def __init__(self, settings: Any, start: str) -> None:
        self._inputs = _name_inputs(settings)
        self._start = start

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        device = torch.cuda.get_device_name() if args.device.type == "cuda" else args.device.type
        steps, warmup = state.max_steps, args.get_warmup_steps(state.max_steps)
        examples = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
        logger.info(
            "training %s, %s parameters (%s), on %s in %s, %s steps of %s examples, starting from %s",
            type(model).__name__,
            f"{model.num_parameters():,}",
            self._inputs,
            device if args.world_size == 1 else f"{args.world_size} x {device}",
            "bfloat16" if args.bf16 else "float32",
            f"{steps:,}",
            f"{examples:,}",
            self._start,
        )
        if warmup >= steps and args.lr_scheduler_type != "constant":
            logger.warning(
                "warm-up takes %s steps, and training %s: the learning rate never reaches its peak; "
                "give fewer steps of warm-up or more of training",
                f"{warmup:,}",
                f"{steps:,}",
            )


def _name_inputs(settings: Any) -> str:
    """The files, folders and hub ids that a command reads, each with the name of its setting."""
    given = {
        field.name: getattr(settings, field.name) for field in fields(settings) if field.metadata.get("reads")
    }
    return ", ".join(
        f"{name} {' '.join(value) if isinstance(value, list) else value}"
        for name, value in given.items()
        if value
    )


def draw_curves(
    history: Sequence[Mapping[str, Any]], path: Path, losses: Mapping[str, str], score: str
) -> None:
    """Draw a Trainer's log history into a PNG: losses, and where they were measured, those held out; a score.

    Args:
        history: what was logged, with its `step`.
        path: of the figure.
        losses: their titles, by their names.
        score: its name; it has an axis of its own.
    """
    from matplotlib.figure import Figure  # as long to import as a small model to load, for the end of a run

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    lines = []
    for number, (name, title) in enumerate(losses.items()):
        for key, style, text in ((name, "-", "training"), (f"eval_{name}", "o--", "held out")):
            if points := _points(history, key):
                lines += axes.plot(*points, style, color=f"C{number}", label=f"{title}, {text}")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if points := _points(history, score):
        name = score.removeprefix("eval_").replace("_", " ")
        beside = axes.twinx()
        beside.set_ylabel(name)
        beside.set_ylim(min(0, *points[1]), 1.05 * max(1, *points[1]))
        lines += beside.plot(*points, "s:", color=f"C{len(losses)}", label=f"{name}, held out")
    axes.legend(handles=lines)
    figure.savefig(path, dpi=150)


def _points(history: Sequence[Mapping[str, Any]], name: str) -> list[tuple[Any, ...]]:
    """The steps at which something was logged, and its values; nothing where it never was."""
    return list(zip(*((entry["step"], entry[name]) for entry in history if name in entry), strict=True))
