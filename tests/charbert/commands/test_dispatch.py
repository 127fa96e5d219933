"""From the command line to the function that does the work."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from charbert.commands.dispatch import Command, dispatch
from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import UsageError


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
    "copy": Command("copying:CopySettings", "copies"),
    "gone": Command("no_such_module:X", "fails"),
}


def test_the_first_argument_names_the_command(done: list[str]) -> None:
    dispatch("example", "An example.", COMMANDS, ["copy", "--source", "a"])
    assert done == ["a"]


def test_threads_of_a_command_wait_asleep(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    dispatch("example", "An example.", COMMANDS, ["copy", "--source", "a"])
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_a_default_command_needs_no_name(done: list[str]) -> None:
    dispatch("example", "An example.", {}, ["--source", "b"], default=COMMANDS["copy"])
    assert done == ["b"]


def test_help_lists_the_commands_without_importing_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        dispatch("example", "An example.", COMMANDS, ["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "example copy" in shown and "example gone" in shown


def test_without_arguments_the_commands_and_an_example_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        dispatch("example", "An example.", COMMANDS, [], COMMANDS["copy"], "there.yaml --source a")
    assert stop.value.code == 2
    shown = capsys.readouterr().err
    assert "example CONFIG.yaml" in shown and "example gone" in shown
    assert "For example: example there.yaml --source a" in shown


@pytest.mark.parametrize("default", (None, COMMANDS["copy"]))
def test_an_unknown_command_names_the_nearest(default: Command | None) -> None:
    with pytest.raises(UsageError, match="example: there is no command 'coppy'; the nearest is copy"):
        dispatch("example", "An example.", COMMANDS, ["coppy", "--source", "a"], default)


def test_a_file_named_like_a_command_is_given_to_the_default_one(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("coppy").write_text("source: c\n")
    config = COMMANDS["copy"]._replace(config=True)
    dispatch("example", "An example.", COMMANDS, ["coppy"], config)
    assert done == ["c"]


ROOT = Path(__file__).parents[3]
INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"


def ended(*command: str, **environment: str) -> tuple[int, str]:
    """The exit status of Python with these arguments, and what it wrote to standard error."""
    found = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return found.returncode, found.stderr


@pytest.mark.parametrize(
    "program",
    # The library may be installed alone.
    [name for name in ("charbert", "data", "pretrain", "finetune") if find_spec(name)],
)
def test_an_interrupt_while_a_program_starts_is_one_line(program: str, tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text(INTERRUPT)  # what the settings import
    assert ended("-m", program, PYTHONPATH=str(tmp_path)) == (1, "interrupted\n")


@pytest.mark.parametrize(
    "main",
    [
        # What some library does while it is imported.
        f"try:\n  {INTERRUPT}\n except BaseException:\n  raise ImportError",
        f"begin_work(); {INTERRUPT}",
        f"begin_work(); exec('{INTERRUPT}')",
    ],
)
def test_an_interrupt_of_a_command_is_one_line(main: str) -> None:
    script = f"from charbert.errors import begin_work, run_command\ndef main(_):\n {main}\n"
    assert ended("-c", f"{script}raise SystemExit(run_command(main, []))") == (1, "interrupted\n")


def printing(main: str, output: int) -> tuple[int, str]:
    """As `ended`, of a command that does `main` and whose standard output is a file descriptor."""
    script = f"from charbert.errors import run_command\ndef main(_):\n {main}\n"
    found = subprocess.run(
        [sys.executable, "-c", f"{script}raise SystemExit(run_command(main, []))"],
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        cwd=ROOT,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(output)
    return found.returncode, found.stderr


@pytest.mark.parametrize("main", ["print(1)", "print(*range(100_000))"])
def test_an_output_that_nobody_reads_any_more_is_no_error(main: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert printing(main, writer) == (1, "")


def test_another_pipe_that_breaks_is_an_error() -> None:
    reader, writer = os.pipe()
    assert printing("raise BrokenPipeError('a worker')", writer) == (1, "error: a worker\n")
    os.close(reader)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_what_cannot_be_printed_at_the_end_is_one_line() -> None:
    status, message = printing("print(1)", os.open("/dev/full", os.O_WRONLY))
    assert (status, message.count("\n"), message[:6]) == (1, 1, "error:")


def test_a_command_may_have_no_standard_output() -> None:
    script = "from charbert.errors import run_command; raise SystemExit(run_command(print, []))"
    found = subprocess.run(
        ["sh", "-c", '"$0" "$@" >&-', sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE
    )
    assert (found.returncode, found.stderr) == (0, b"")
