"""What settings name must be there before a command does anything."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from charbert.commands.paths import DATA, FILE, FOLDER, MODEL, NAMED_FOLDER, check_exists
from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "runs" / "ner").mkdir(parents=True)
    (tmp_path / "train.csv").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("value", "form"),
    (
        ("train.csv", FILE),
        ("-", FILE),
        ("train-*.csv", DATA),
        ("runs/ner", FOLDER),
        ("runs/ner", MODEL),
        ("bert-base-cased", MODEL),
        ("google-bert/bert-base-cased", MODEL),
        ("train.csv", DATA),
        ("owner/name:config:train", DATA),
        ("anything/at/all", "[NAME=]FOLDER"),
    ),
)
def test_what_is_there_or_may_be_on_the_hub_is_taken(value: str, form: str) -> None:
    check_exists("--option", value, form)


@pytest.mark.parametrize(
    ("value", "form", "message"),
    (
        ("trian.csv", FILE, "no such file; the nearest is train.csv"),
        ("runs/nerr", FOLDER, "no such folder; the nearest is runs/ner"),
        ("runs/nerr", MODEL, "no such folder; the nearest is runs/ner"),
        ("./bert", MODEL, "no such folder"),
        ("../some/folder", MODEL, "no such folder"),
        ("/none/at/all", MODEL, "no such folder"),
        ("messages", DATA, "no such file or folder"),
        ("texts/dev.csv", DATA, "no such file or folder"),
        ("train.csv", FOLDER, "is a file, and a folder is needed"),
        ("maxi", NAMED_FOLDER, "no such folder"),
        ("train.csv", NAMED_FOLDER, "is a file, and a folder is needed"),
    ),
)
def test_what_is_missing_is_named_with_its_option(value: str, form: str, message: str) -> None:
    with pytest.raises(CharBertError) as error:
        check_exists("--option", value, form)
    assert str(error.value) == f"--option: {value}: {message}"


@dataclass(kw_only=True)
class CopySettings(Settings):
    sources: list[str] = option(REQUIRED, "read", reads=FILE)
    output: str = option(REQUIRED, "written", writes=FILE)
    overwrite: bool = option(False, "write over it")


def test_settings_check_inputs_and_output(here: Path) -> None:
    (here / "old.csv").touch()
    CopySettings(sources=["train.csv"], output="new.csv").check_paths()
    with pytest.raises(CharBertError, match="--sources: none: no such file"):
        CopySettings(sources=["train.csv", "none"], output="new.csv").check_paths()
    with pytest.raises(CharBertError, match=r"old\.csv: is there already"):
        CopySettings(sources=["train.csv"], output="old.csv").check_paths()
    CopySettings(sources=["train.csv"], output="old.csv", overwrite=True).check_paths()


def test_a_folder_that_holds_something_is_refused_unless_it_may_be_written(here: Path) -> None:
    @dataclass(kw_only=True)
    class TrainSettings(Settings):
        output: str = option(REQUIRED, "written", writes=FOLDER)
        resume: bool = option(False, "go on")
        overwrite: bool = option(False, "write over it")

    TrainSettings(output="runs/ner").check_paths()
    TrainSettings(output="runs", resume=True).check_paths()
    with pytest.raises(CharBertError, match="runs: already holds the output of another run"):
        TrainSettings(output="runs").check_paths()
