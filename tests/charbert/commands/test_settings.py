import shlex
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from charbert.commands.options import MessageSettings, parse_command
from charbert.commands.settings import (
    REQUIRED,
    Settings,
    check_trackers,
    format_command,
    option,
    positional,
)
from charbert.errors import CharBertError, UsageError, run_command


@dataclass(kw_only=True)
class Example(Settings):
    data: str = option(REQUIRED, "text")
    learning_rate: float = option(5e-5, "peak learning rate", minimum=0)
    share: float = option(0.5, "share", above=0, maximum=1)
    steps: int = option(10, "steps", minimum=1)
    resume: bool = option(False, "go on")
    kinds: list[str] = option(["a", "b"], "kinds", choices=("a", "b", "c"), unique=True)
    backbone: str | None = option(None, "to start from")
    output: str = option("there", "folder")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("data: text\nlearning_rate: 3e-4\n")
    return path


def load(config: Path, *arguments: str) -> Example:
    return parse_command(Example, [str(config), *arguments], "example", "An example.", config=True)[0]


def test_the_file_fills_the_settings(config: Path) -> None:
    assert load(config) == Example(data="text", learning_rate=3e-4)


def test_an_argument_wins_over_the_file(config: Path) -> None:
    assert load(config, "--learning_rate", "1e-3", "--steps", "1e3").learning_rate == 1e-3


def test_numbers_may_be_written_in_powers(config: Path) -> None:
    assert load(config, "--steps", "2e3").steps == 2000


@pytest.mark.parametrize("arguments", (["--resume"], ["--resume", "true"], ["--resume=true"]))
def test_a_switch_may_stand_alone(config: Path, arguments: list[str]) -> None:
    assert load(config, *arguments).resume is True


def test_a_switch_may_stand_before_the_config_file(config: Path) -> None:
    settings, _ = parse_command(Example, ["--resume", str(config)], "example", "An example.", config=True)
    assert settings.resume is True


def test_a_list_takes_several_values_and_none_is_split_at_commas(config: Path) -> None:
    assert load(config, "--kinds", "b", "c").kinds == ["b", "c"]
    with pytest.raises(CharBertError, match=r"--kinds: 'b,c' is unknown; choose one of a, b, c"):
        load(config, "--kinds", "b,c")


def test_a_list_in_the_file_is_a_yaml_list(config: Path) -> None:
    config.write_text("data: text\nkinds: [c, a]\n")
    assert load(config).kinds == ["c", "a"]


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
    with pytest.raises(CharBertError, match=r"unknown key .*learningrate.*; the nearest is .*learning.rate"):
        load(config, *(["--learningrate", "1"] if where == "arguments" else []))


@pytest.mark.parametrize(
    ("key", "value"), (("steps", "ten"), ("steps", "1.5"), ("learning_rate", "fast"), ("share", "half"))
)
def test_a_value_of_the_wrong_type_is_refused(config: Path, key: str, value: str) -> None:
    with pytest.raises(CharBertError, match=f"--{key.replace('_', '-')}: .* is not"):
        load(config, f"--{key}", value)


def test_a_needed_key_that_is_missing_is_named(config: Path) -> None:
    config.write_text("steps: 3\n")
    with pytest.raises(UsageError, match="--data: missing; give it in the config file or on"):
        load(config)


def test_help_shows_types_choices_defaults_and_what_must_be_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(kw_only=True)
    class Shown(Settings):
        gold: str = positional("right answers")
        output: str = option(REQUIRED, "where to write", metavar="FOLDER", section="output")
        overwrite: bool = option(False, "write over it")
        size: int = option(3, "units", section="model")
        share: float | None = option(None, "a share; if not given, the paper's")
        kind: str = option("a", "the kind", choices=("a", "b"))
        edits: list[str] = option(["a"], "some of them", choices=("a", "b"))
        separator: str = option(",", "between labels")
        model: str | None = option(None, "of another command")

        HIDDEN = ("model",)

    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        parse_command(Shown, ["--help"], "example", "An example.")
    shown = capsys.readouterr().out
    assert "usage: example GOLD --output FOLDER [--option VALUE ...]" in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines.index("output:") < lines.index("--overwrite write over it (default: false)")
    assert lines.index("model:") < lines.index("--size N units (default: 3)")
    assert "--share X a share; if not given, the paper's" in lines
    assert "--kind {a,b} the kind (default: a)" in lines
    assert "--edits NAME [NAME ...] some of them (of a, b; default: a)" in lines
    assert "--separator TEXT between labels (default: ',')" in lines
    assert "--model" not in shown


@pytest.mark.parametrize("content", ("- a\n- b\n", "a: [", "just text", "seed: 2026-13-45", "[" * 5_000))
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
        parse_command(Example, ["--help"], "example", "An example.", config=True)
    assert stop.value.code == 0
    assert "peak learning rate (default: 5e-05)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "value", "message"),
    (
        ("steps", "0", "--steps: 0 must be at least 1"),
        ("share", "0", "--share: 0 must be above 0 and at most 1"),
        ("share", "1.5", "--share: 1.5 must be above 0 and at most 1"),
        ("learning_rate", "nan", "--learning-rate: nan must be at least 0"),
        ("learning_rate", "inf", "--learning-rate: inf must be at least 0"),
    ),
)
def test_a_value_out_of_range_is_refused(config: Path, key: str, value: str, message: str) -> None:
    with pytest.raises(CharBertError, match=message):
        load(config, f"--{key}", value)


def test_ranges_hold_for_settings_made_in_code() -> None:
    with pytest.raises(CharBertError, match="--steps: 0 must be at least 1"):
        Example(data="text", steps=0)


def test_a_text_is_no_list_in_code() -> None:
    with pytest.raises(CharBertError, match=r"--kinds: 'drop' is no list; give \['drop'\]"):
        Example(data="text", kinds="drop")  # type: ignore[arg-type]


def test_a_value_given_twice_is_refused_where_each_counts_once(config: Path) -> None:
    with pytest.raises(CharBertError, match="--kinds: a a names one twice"):
        load(config, "--kinds", "a", "a")


def test_resume_and_overwrite_exclude_each_other() -> None:
    @dataclass(kw_only=True)
    class Both(Settings):
        resume: bool = option(False, "go on")
        overwrite: bool = option(False, "start anew")

    with pytest.raises(CharBertError, match="exclude each other"):
        Both(resume=True, overwrite=True)


def test_a_renamed_option_names_the_new_one(config: Path) -> None:
    with pytest.raises(CharBertError, match="--out has the name --output now"):
        load(config, "--out", "there")


def test_a_positional_setting_is_given_by_its_place() -> None:
    @dataclass(kw_only=True)
    class Placed(Settings):
        gold: str = positional("file")
        limit: int | None = option(None, "examples", minimum=1)

    settings, _ = parse_command(Placed, ["file.txt", "--limit", "3"], "example", "An example.")
    assert settings == Placed(gold="file.txt", limit=3)


def test_settings_know_which_of_them_were_given(config: Path) -> None:
    assert load(config, "--steps", "10").given == {"data", "learning_rate", "steps"}
    assert Example(data="text").given == {"data"}


def test_a_command_line_is_written_from_settings_and_read_again() -> None:
    settings = Example(data="a file", steps=10, share=0.1, kinds=["c", "a"], resume=True)
    command = format_command("python -m example", settings)
    assert command == "python -m example --data 'a file' --share 0.1 --resume true --kinds c a"
    assert parse_command(Example, shlex.split(command)[3:], "example", "")[0] == settings


def test_a_command_has_options_of_its_messages_beside_its_own(config: Path) -> None:
    config.write_text("data: text\nlearning_rate: 1\nlog_level: warning\n")
    settings, messages = parse_command(Example, ["--quiet", str(config)], "example", "", config=True)
    assert settings == Example(data="text", learning_rate=1)
    assert messages == MessageSettings(log_level="warning", quiet=True)
    with pytest.raises(UsageError, match="the nearest is --log-level"):
        parse_command(Example, ["--log_levels", "error"], "example", "")
    with pytest.raises(CharBertError, match="--log-level: 'loud' is unknown"):
        parse_command(Example, ["--data", "a", "--log_level", "loud"], "example", "")


def test_a_training_reports_to_packages_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: ModuleSpec(name, None, origin=f"{name}.py") for name in ("wandb", "tensorboardX")}
    found["trackio"] = ModuleSpec("trackio", None, is_package=True)  # a folder of this name
    monkeypatch.setattr("charbert.commands.settings.find_spec", found.get)
    assert check_trackers(["tensorboard", "wandb"]) == ["tensorboard", "wandb"]
    assert check_trackers(["none"]) == check_trackers([]) == []
    with pytest.raises(CharBertError, match="--report-to: trackio is not installed; pip install trackio"):
        check_trackers(["wandb", "trackio"])
    with pytest.raises(CharBertError, match="--report-to: none excludes all others"):
        check_trackers(["none", "wandb"])


def test_a_name_that_is_not_utf8_is_refused_before_work_begins() -> None:
    with pytest.raises(CharBertError, match="is not UTF-8; rename the file or folder"):
        parse_command(Settings, ["--output", "caf\udce9"], "program", "")
