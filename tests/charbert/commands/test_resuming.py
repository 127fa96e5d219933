"""Resuming a training: what may differ between its two parts, and which of its checkpoints are whole."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from charbert.commands.cache import content_stamp
from charbert.commands.resuming import (
    describe_run,
    find_checkpoints,
    find_differences,
    find_fault,
    has_grown,
    read_record,
    write_record,
)
from charbert.commands.settings import ALWAYS, REQUIRED, UNFINISHED, Settings, option
from charbert.errors import CharBertError


@dataclass(kw_only=True)
class Run(Settings):
    """Settings of a training."""

    RENAMED = {**Settings.RENAMED, "rate": "learning_rate"}

    output: str = option(REQUIRED, "folder")
    data: str = option(REQUIRED, "what it reads", reads=True)
    stream: list[str] = option([], "what else it reads", reads=True)
    learning_rate: float = option(0.1, "peak")
    lr_scheduler_type: str = option("linear", "schedule")
    warmup_ratio: float = option(0.0, "share")
    batch_size: int = option(8, "examples", may_differ=ALWAYS)
    gradient_accumulation_steps: int = option(1, "batches", may_differ=ALWAYS)
    evaluations: int = option(1, "of an epoch", may_differ=UNFINISHED)
    epochs: float = option(3, "passes")
    resume: bool = option(False, "go on")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "data.txt").write_text("the garden")
    return Run(output=str(tmp_path / "out"), data=str(tmp_path / "data.txt"))


def differences(before: Run, now: Run, finished: bool = False, seed: int = 0) -> list[str]:
    return find_differences(describe_run(before, 0), describe_run(now, seed), now, finished=finished)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"output": "elsewhere", "resume": True},
        {"batch_size": 4, "gradient_accumulation_steps": 2},
        {"batch_size": 2, "gradient_accumulation_steps": 4},
        {"data": "copy.txt"},
        {"evaluations": 5},
    ],
)
def test_what_does_not_matter_may_differ(
    changes: dict[str, Any], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(run.data).parent
    shutil.copy(run.data, folder / "copy.txt")
    monkeypatch.chdir(folder)
    assert differences(run, replace(run, **changes)) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 0.2}, ["--learning-rate 0.1, not 0.2"]),
        ({"batch_size": 4}, ["examples of a step 8, not 4"]),
        ({"gradient_accumulation_steps": 2}, ["examples of a step 8, not 16"]),
        ({"data": "no.txt"}, ["--data DATA, not no.txt"]),
        ({"stream": ["a", "b"]}, ["--stream [], not a b"]),
        (
            {"learning_rate": 0.2, "lr_scheduler_type": "cosine"},
            ["--learning-rate 0.1, not 0.2", "--lr-scheduler-type linear, not cosine"],
        ),
    ],
)
def test_what_matters_is_named(changes: dict[str, Any], named: list[str], run: Run) -> None:
    assert differences(run, replace(run, **changes)) == [text.replace("DATA", run.data) for text in named]


def test_the_seed_is_named(run: Run) -> None:
    assert differences(run, run, seed=1) == ["seed 0, not 1"]


def test_the_number_of_processes_is_part_of_a_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe_run(run, 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    halved = replace(run, batch_size=4)
    assert find_differences(before, describe_run(halved, 0), halved, finished=False) == []
    assert find_differences(before, describe_run(run, 0), run, finished=False) == [
        "examples of a step 8, not 16"
    ]


def test_data_written_anew_are_named(run: Run) -> None:
    before = describe_run(run, 0)
    Path(run.data).write_text("the window")
    named = find_differences(before, describe_run(run, 0), run, finished=False)
    assert named == [f"--data {run.data} of other content"]


def test_the_results_of_a_finished_run_depend_on_more(run: Run) -> None:
    assert differences(run, replace(run, evaluations=5), finished=True) == ["--evaluations 1, not 5"]


@pytest.mark.parametrize(
    ("schedule", "warmup", "epochs", "may"),
    [
        ("constant", 0.0, 4, True),
        ("constant", 0.1, 4, True),
        ("constant_with_warmup", 0.0, 4, True),
        ("constant_with_warmup", 0.1, 4, False),
        ("linear", 0.0, 4, False),
        ("cosine", 0.0, 4, False),
        ("constant", 0.0, 2, False),
    ],
)
def test_a_run_becomes_longer_under_a_constant_rate_alone(
    schedule: str, warmup: float, epochs: float, may: bool, run: Run
) -> None:
    before = replace(run, lr_scheduler_type=schedule, warmup_ratio=warmup)
    now = replace(before, epochs=epochs)
    assert has_grown(describe_run(before, 0), describe_run(now, 0)) == may
    why = "it can grow under a constant learning rate alone"
    assert differences(before, now) == ([] if may else [f"--epochs 3, not {epochs} ({why})"])


def test_a_record_is_read_as_it_was_written(run: Run, tmp_path: Path) -> None:
    written = describe_run(run, 3)
    write_record(tmp_path, written)
    assert read_record(tmp_path, None) == written


def test_results_of_an_earlier_version_say_what_they_were_made_with(run: Run, tmp_path: Path) -> None:
    settings = asdict(run) | {"rate": 0.5}
    settings.pop("learning_rate")
    settings.pop("warmup_ratio")  # which came later
    before = read_record(tmp_path, {"settings": settings, "seed": 0, "eval_loss": 1.0})
    assert before is not None
    assert find_differences(before, describe_run(run, 0), run, finished=True) == [
        "--learning-rate 0.5, not 0.1"
    ]


@pytest.mark.parametrize("content", ["[]", "{", '{"settings": []}', "[" * 100_000, ""])
def test_a_damaged_record_is_said_in_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(CharBertError, match=r"run\.json: ") as raised:
        read_record(tmp_path, None)
    assert "\n" not in str(raised.value)


class TestStamp:
    def test_is_that_of_the_content(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name / "part").mkdir(parents=True)
            (tmp_path / name / "a.txt").write_text("a")
            (tmp_path / name / "part/text-00000.parquet").write_text("b")
            (tmp_path / name / "results.json").write_text(f'{{"seconds": "{name}"}}')
            (tmp_path / name / "README.md").write_text(f"the card of {name}")
        assert content_stamp(tmp_path / "one") == content_stamp(tmp_path / "two")

    @pytest.mark.parametrize("name", ["a.txt", "b.txt", "part/text-00000.parquet"])
    def test_changes_with_each_file(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "part").mkdir()
        (tmp_path / "a.txt").write_text("a")
        before = content_stamp(tmp_path)
        (tmp_path / name).write_text("c")
        assert content_stamp(tmp_path) != before


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint as a Trainer leaves it."""
    return save_checkpoint(tmp_path / "checkpoint-8")


def save_checkpoint(folder: Path, **state: Any) -> Path:
    folder.mkdir()
    save_file({"weight": torch.ones(30)}, folder / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
        torch.save({"state": torch.ones(30)}, folder / name)
    content = {"global_step": int(folder.name.split("-")[1]), **state}
    (folder / "trainer_state.json").write_text(json.dumps(content))
    (folder / "config.json").write_text("{}")
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


NEEDED = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")


def test_a_whole_checkpoint_has_no_fault(checkpoint: Path) -> None:
    assert find_fault(checkpoint) is None


@pytest.mark.parametrize("damage", [cut, empty, zero, Path.unlink])
@pytest.mark.parametrize("name", NEEDED)
def test_a_damaged_checkpoint_has_one(name: str, damage: Callable[[Path], None], checkpoint: Path) -> None:
    damage(checkpoint / name)
    fault = find_fault(checkpoint)
    assert fault is not None and "\n" not in fault
    assert name in fault or "random state" in fault


@pytest.mark.parametrize("content", ["[]", "{}", '{"global_step": 4}', "[" * 100_000, "{" * 100_000])
def test_a_state_of_another_kind_is_a_fault(content: str, checkpoint: Path) -> None:
    (checkpoint / "trainer_state.json").write_text(content)
    assert "trainer_state.json" in (find_fault(checkpoint) or "")


def test_the_random_state_of_each_process_is_needed(checkpoint: Path) -> None:
    (checkpoint / "rng_state.pth").rename(checkpoint / "rng_state_0.pth")
    shutil.copy(checkpoint / "rng_state_0.pth", checkpoint / "rng_state_1.pth")
    assert find_fault(checkpoint) is None
    (checkpoint / "rng_state_0.pth").unlink()
    assert find_fault(checkpoint) == "a random state is missing"


def test_the_best_checkpoint_until_then_is_needed_too(tmp_path: Path) -> None:
    best = save_checkpoint(tmp_path / "checkpoint-4")
    last = save_checkpoint(tmp_path / "checkpoint-8", best_model_checkpoint="/moved/since/checkpoint-4")
    assert find_fault(last) is None
    cut(best / "model.safetensors")
    assert find_fault(last) == "the best one until then, checkpoint-4, is damaged or missing"


def test_checkpoints_are_known_by_their_number(tmp_path: Path) -> None:
    for name in ("checkpoint-9", "checkpoint-10", "checkpoint-x", "checkpoint-", "checkpoint-8-old"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-11").write_text("a file")
    assert [path.name for path in find_checkpoints(tmp_path)] == ["checkpoint-10", "checkpoint-9"]
