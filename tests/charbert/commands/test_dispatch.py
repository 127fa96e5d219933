"""From the command line to the function that does the work."""

import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

from charbert.commands.dispatch import Command, dispatch
from charbert.commands.settings import REQUIRED, Settings, option


@dataclass(kw_only=True)
class CopySettings(Settings):
    source: str = option(REQUIRED, "what is copied")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command `copy` of a module was told to copy."""
    found: list[str] = []
    module = ModuleType("copying")
    module.CopySettings = CopySettings  # type: ignore[attr-defined]
    module.run = lambda settings: found.append(settings.source)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "copying", module)
    return found


COMMANDS = {
    "copy": Command("copying:CopySettings", "copying", "copies"),
    "gone": Command("no_such_module:X", "no_such_module", "fails"),
}


def test_the_first_argument_names_the_command(done: list[str]) -> None:
    dispatch("example", "An example.", COMMANDS, ["copy", "--source", "a"])
    assert done == ["a"]


def test_a_default_command_needs_no_name(done: list[str]) -> None:
    dispatch("example", "An example.", {}, ["--source", "b"], default=COMMANDS["copy"])
    assert done == ["b"]


def test_help_lists_the_commands_without_importing_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        dispatch("example", "An example.", COMMANDS, ["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "example copy" in shown and "example gone" in shown


@pytest.mark.parametrize("arguments", ([], ["paste"]))
def test_an_unknown_command_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        dispatch("example", "An example.", COMMANDS, arguments)
    assert stop.value.code == 2
    assert "copy" in capsys.readouterr().err
