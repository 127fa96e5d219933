from dataclasses import fields
from pathlib import Path

import pytest

from charbert.commands.options import parse_command
from charbert.configuration import CHARACTER_ENCODERS, INTERACTIONS
from pretrain.settings import PretrainSettings, RecognizerSettings

CONFIGS = sorted((Path(__file__).parents[2] / "pretrain" / "configs").glob("*.yaml"))
SETTINGS = {"recognizer": RecognizerSettings}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_loads(path: Path) -> None:
    settings, _ = parse_command(
        SETTINGS.get(path.stem, PretrainSettings), [str(path)], "pretrain", "", config=True
    )
    assert settings.max_steps > settings.warmup_steps


@pytest.mark.parametrize(
    ("name", "choices"), (("char_encoder", CHARACTER_ENCODERS), ("interaction", INTERACTIONS))
)
def test_choices_are_those_of_the_model(name: str, choices: tuple[str, ...]) -> None:
    [field] = (field for field in fields(PretrainSettings) if field.name == name)
    assert field.metadata["choices"] == choices


def test_configs_are_short() -> None:
    assert CONFIGS
    assert all(len(path.read_text().splitlines()) <= 30 for path in CONFIGS)
