from dataclasses import dataclass, field
from pathlib import Path

import pytest

from charbert.commands.settings import described, load_settings
from charbert.errors import CharBertError, run_command


@dataclass
class Example:
    data: str
    learning_rate: float = described(5e-5, "peak learning rate")
    steps: int = described(10, "steps")
    resume: bool = described(False, "go on")
    kinds: list[str] = described(["a", "b"], "kinds")
    backbone: str | None = field(default=None)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("data: text\nlearning_rate: 3e-4\n")
    return path


def load(config: Path, *arguments: str) -> Example:
    return load_settings(Example, [str(config), *arguments], "example", "An example.")


def test_the_file_fills_the_settings(config: Path) -> None:
    assert load(config) == Example(data="text", learning_rate=3e-4)


def test_an_argument_wins_over_the_file(config: Path) -> None:
    assert load(config, "--learning_rate", "1e-3", "--steps", "1e3").learning_rate == 1e-3


def test_numbers_may_be_written_in_powers(config: Path) -> None:
    assert load(config, "--steps", "2e3").steps == 2000


@pytest.mark.parametrize("arguments", (["--resume"], ["--resume", "true"], ["--resume=true"]))
def test_a_switch_may_stand_alone(config: Path, arguments: list[str]) -> None:
    assert load(config, *arguments).resume is True


@pytest.mark.parametrize("written", (["b,c"], ["b", "c"]))
def test_a_list_is_written_with_commas_or_blanks(config: Path, written: list[str]) -> None:
    assert load(config, "--kinds", *written).kinds == ["b", "c"]


def test_keys_may_be_written_with_dashes(config: Path) -> None:
    assert load(config, "--learning-rate=1e-3", "--backbone", "a-b").learning_rate == 1e-3
    assert load(config, "--learning-rate", "1e-3", "--backbone", "a-b").backbone == "a-b"


def test_a_setting_may_be_none(config: Path) -> None:
    assert load(config, "--backbone", "null").backbone is None
    assert load(config, "--backbone", "there").backbone == "there"


@pytest.mark.parametrize("text", ("[a", "a: b: c", "2026-01-01", "@there", "1e3"))
def test_a_text_is_taken_as_it_stands(config: Path, text: str) -> None:
    assert load(config, "--data", text).data == text


@pytest.mark.parametrize("where", ("file", "arguments"))
def test_an_unknown_key_names_the_nearest(config: Path, where: str) -> None:
    if where == "file":
        config.write_text("data: text\nlearningrate: 1\n")
    with pytest.raises(CharBertError, match=r"unknown key 'learningrate'; the nearest is 'learning_rate'"):
        load(config, *(["--learningrate", "1"] if where == "arguments" else []))


@pytest.mark.parametrize(
    ("key", "value"), (("steps", "ten"), ("steps", "1.5"), ("learning_rate", "fast"), ("resume", "2"))
)
def test_a_value_of_the_wrong_type_is_refused(config: Path, key: str, value: str) -> None:
    with pytest.raises(CharBertError, match=f"{key}: .* is not"):
        load(config, f"--{key}", value)


def test_a_needed_key_that_is_missing_is_named(config: Path) -> None:
    config.write_text("steps: 3\n")
    with pytest.raises(CharBertError, match="data"):
        load(config)


@pytest.mark.parametrize("content", ("- a\n- b\n", "a: [", "just text"))
def test_a_file_of_another_form_is_refused(config: Path, content: str) -> None:
    config.write_text(content)
    with pytest.raises(CharBertError, match=r"config\.yaml"):
        load(config)


def test_a_missing_file_is_one_line_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run_command(lambda arguments: load(Path(arguments[0])), [str(tmp_path / "none.yaml")])
    assert status == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_help_tells_each_key_and_its_default(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        load_settings(Example, ["--help"], "example", "An example.")
    assert stop.value.code == 0
    assert "peak learning rate (default: 5e-05)" in capsys.readouterr().out
