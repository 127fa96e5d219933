"""What is said of a training, and its curves."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny
from transformers import TrainerControl, TrainerState, TrainingArguments

from charbert import CharBertModel
from charbert.commands.paths import DATA, MODEL
from charbert.commands.settings import Settings, option
from charbert.commands.training_log import Beginning, draw_curves

figure = pytest.importorskip("matplotlib.figure", reason="curves are drawn by matplotlib")


@dataclass(kw_only=True)
class Given(Settings):
    model: str | None = option(None, "", reads=MODEL)
    train: list[str] = option([], "", reads=DATA)
    dev: str | None = option(None, "", reads=DATA)


def begin(folder: Path, steps: int, **settings: Any) -> None:
    arguments = TrainingArguments(output_dir=str(folder), use_cpu=True, report_to="none", **settings)
    given = Given(model="one/model", train=["a.csv", "b.csv"])
    beginning = Beginning(given, "runs/checkpoint-2")
    model = tiny.build(CharBertModel, "bert")
    beginning.on_train_begin(arguments, TrainerState(max_steps=steps), TrainerControl(), model=model)


def test_one_line_says_what_is_trained(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="charbert.commands"):
        begin(tmp_path, 1200, per_device_train_batch_size=8, gradient_accumulation_steps=4, bf16=True)
    [line] = caplog.messages
    assert line.startswith("training CharBertModel, ")
    assert "parameters (model one/model, train a.csv b.csv), on cpu in bfloat16" in line
    assert line.endswith("1,200 steps of 32 examples, starting from runs/checkpoint-2")


@pytest.mark.parametrize(
    ("warmup", "schedule", "warned"),
    [
        (10, "linear", True),
        (11, "cosine", True),
        (9, "linear", False),
        (0.1, "linear", False),
        (10, "constant", False),  # which has no warm-up
    ],
)
def test_warm_up_without_an_end_is_warned_of(
    warmup: float, schedule: str, warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin(tmp_path, 10, warmup_steps=warmup, lr_scheduler_type=schedule)
    assert ("never reaches its peak" in caplog.text) is warned


def test_the_curves_are_those_of_the_losses_and_of_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Any] = {}

    def keep(figure: Any, *_: Any, **__: Any) -> None:
        for axes in figure.axes:
            drawn.update({line.get_label(): line.get_xydata().tolist() for line in axes.lines})

    monkeypatch.setattr(figure.Figure, "savefig", keep)
    history = [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}, {"step": 2, "eval_f1": 0.5}, {"step": 2}]
    draw_curves(history, tmp_path / "curves.png", {"loss": "loss"}, "eval_f1")
    assert drawn == {"loss, training": [[1, 3], [2, 2]], "f1, held out": [[2, 0.5]]}
