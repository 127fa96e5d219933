"""The configs that come with the project."""

from pathlib import Path

import pytest

from charbert.commands.options import parse_command
from finetune.robustness.settings import RobustnessSettings
from finetune.settings import FinetuneSettings
from finetune.tasks.registry import TASKS

FOLDER = Path(__file__).parents[2] / "finetune" / "configs"
ROBUSTNESS = FOLDER / "robustness.yaml"
CONFIGS = sorted({*FOLDER.glob("*.yaml")} - {ROBUSTNESS})


def test_every_task_has_a_config() -> None:
    assert {path.stem for path in CONFIGS} == set(TASKS)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_loads_and_is_short(path: Path) -> None:
    settings, _ = parse_command(
        FinetuneSettings, [str(path), "--model", "m", "--output", "o"], "finetune", "", config=True
    )
    assert settings.task == path.stem
    assert len(path.read_text().splitlines()) <= 30


def test_the_config_of_reports_loads_and_is_short() -> None:
    given = ["--models", "a", "b=c", "--test", "t", "--output", "o"]
    settings, _ = parse_command(
        RobustnessSettings, [str(ROBUSTNESS), *given], "finetune robustness", "", config=True
    )
    assert settings.models == ["a", "b=c"]
    assert settings == RobustnessSettings(models=["a", "b=c"], test="t", output="o"), "the defaults"
    assert len(ROBUSTNESS.read_text().splitlines()) <= 30
