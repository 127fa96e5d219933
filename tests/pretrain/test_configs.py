from pathlib import Path

import pytest

from charbert.commands.settings import parse_settings
from pretrain.settings import PretrainSettings, RecognizerSettings

CONFIGS = sorted((Path(__file__).parents[2] / "pretrain" / "configs").glob("*.yaml"))
SETTINGS = {"recognizer": RecognizerSettings}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_loads(path: Path) -> None:
    settings = parse_settings(
        SETTINGS.get(path.stem, PretrainSettings), [str(path)], "pretrain", "", config=True
    )
    assert settings.max_steps > settings.warmup_steps


def test_configs_are_short() -> None:
    assert CONFIGS
    assert all(len(path.read_text().splitlines()) <= 30 for path in CONFIGS)
