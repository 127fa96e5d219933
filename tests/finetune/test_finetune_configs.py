"""The configs that come with the project."""

from pathlib import Path

import pytest

from charbert.settings import load_settings
from finetune.catalogue import TASKS
from finetune.settings import FinetuneSettings

CONFIGS = sorted((Path(__file__).parents[2] / "finetune" / "configs").glob("*.yaml"))


def test_every_task_has_a_config() -> None:
    assert {path.stem for path in CONFIGS} == set(TASKS)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_loads_and_is_short(path: Path) -> None:
    settings = load_settings(FinetuneSettings, [str(path), "--model", "m", "--output", "o"], "finetune", "")
    assert settings.task == path.stem
    assert len(path.read_text().splitlines()) <= 30
