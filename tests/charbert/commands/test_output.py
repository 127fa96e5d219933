"""Output of commands: nothing that is there is lost, and one command at a time writes it."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from charbert.commands.output import output_file, output_folder, whole_file
from charbert.commands.settings import REQUIRED, Settings, option, positional
from charbert.errors import CharBertError, name_failures

ROOT = Path(__file__).parents[3]


@dataclass(kw_only=True)
class Copying(Settings):
    """Settings of a command that writes a file."""

    file: str = positional("what it reads")
    models: list[str] = option([], "what it reads too", reads=True)
    label: str = option("none", "no path")
    output: str = option(REQUIRED, "what it writes")
    overwrite: bool = option(False, "write over it")


@dataclass(kw_only=True)
class Training(Copying):
    """Settings of a command that fills a folder and can go on."""

    resume: bool = option(False, "go on")


def settings(kind: type[Copying], output: Path, **given: Any) -> Copying:
    return kind(output=str(output), **{"file": "somewhere else", **given})


def write(output: AbstractContextManager[Path], name: str = "") -> None:
    with output as path:
        (path / name).write_text("new")


class TestFolder:
    def test_may_be_missing_or_empty(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "a/b", tmp_path / "empty"):
            write(output_folder(settings(Copying, folder)), "file")
            assert (folder / "file").read_text() == "new"

    @pytest.mark.parametrize("asked", ["overwrite", "resume"])
    def test_may_hold_something_if_asked(self, asked: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("old")
        write(output_folder(settings(Training, tmp_path, **{asked: True})), "file")
        assert (tmp_path / "file").read_text() == "new"

    @pytest.mark.parametrize(
        ("kind", "ways"),
        [(Copying, "give another folder or"), (Training, "another folder, --resume to go on with it, or")],
    )
    def test_that_holds_something_is_refused(self, kind: type[Copying], ways: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("old")
        with pytest.raises(CharBertError, match=f"another run; .*{ways} --overwrite"):
            write(output_folder(settings(kind, tmp_path)), "file")
        assert (tmp_path / "file").read_text() == "old"

    def test_that_is_a_file_is_refused_whatever_was_asked(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("old")
        with pytest.raises(CharBertError, match="is a file, and a folder is needed"):
            write(output_folder(settings(Copying, tmp_path / "file", overwrite=True)))

    def test_that_nothing_came_into_is_removed_with_those_around_it(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), output_folder(settings(Copying, tmp_path / "a/b")):
            print(1 / 0)
        assert list(tmp_path.iterdir()) == []

    def test_that_holds_an_input_is_not_written_over(self, tmp_path: Path) -> None:
        model = tmp_path / "out/seed-1"
        model.mkdir(parents=True)
        with pytest.raises(CharBertError, match=r"holds an input \(models .*seed-1\)"):
            write(
                output_folder(settings(Copying, tmp_path / "out", models=[f"A={model}::x"], overwrite=True))
            )
        write(output_folder(settings(Training, tmp_path / "out", models=[str(model)], resume=True)), "file")


class TestFile:
    def test_gets_its_name_when_it_is_whole(self, tmp_path: Path) -> None:
        with output_file(settings(Copying, tmp_path / "a/out.csv")) as path:
            path.write_text("new")
            assert not (tmp_path / "a/out.csv").exists()
        assert [each.name for each in (tmp_path / "a").iterdir()] == ["out.csv"]

    def test_that_is_there_is_refused_unless_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        path.write_text("old")
        with pytest.raises(CharBertError, match="is there already; give another file or --overwrite"):
            write(output_file(settings(Copying, path)))
        assert path.read_text() == "old"
        write(output_file(settings(Copying, path, overwrite=True)))
        assert path.read_text() == "new"

    def test_leaves_nothing_where_an_error_ends_it(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), output_file(settings(Copying, tmp_path / "a/out.csv")) as path:
            path.write_text(str(1 / 0))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("path", ["/dev/null", "."])
    def test_that_is_none_is_refused(self, path: str) -> None:
        with pytest.raises(CharBertError, match=r"is no plain file|is a folder"):
            write(output_file(settings(Copying, Path(path), overwrite=True)))


@pytest.mark.parametrize("output", [output_file, output_folder])
@pytest.mark.parametrize(
    "given",
    [{"file": "{}"}, {"models": ["{}"]}, {"models": ["name={}"]}, {"models": ["other::{}::neutral"]}],
)
@pytest.mark.parametrize("by", ["its name", "a link", "another way"])
def test_an_input_is_no_output(
    output: Callable[[Any], AbstractContextManager[Path]], given: dict[str, Any], by: str, tmp_path: Path
) -> None:
    path = tmp_path / "input"
    path.write_text("gold") if output is output_file else path.mkdir()
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "folder").mkdir()
    named = {"its name": path, "a link": tmp_path / "link", "another way": tmp_path / "folder/../input"}[by]
    [(name, value)] = given.items()
    filled = value.format(path) if isinstance(value, str) else [each.format(path) for each in value]
    with pytest.raises(CharBertError, match="is the input itself"):
        write(output(settings(Copying, named, overwrite=True, **{name: filled})))
    assert path.is_dir() or path.read_text() == "gold"


def test_the_name_that_a_file_has_until_it_is_whole_is_no_input_either(tmp_path: Path) -> None:
    gold = tmp_path / "out.csv.partial"
    gold.write_text("gold")
    with pytest.raises(CharBertError, match="is the input itself"):
        write(output_file(settings(Copying, tmp_path / "out.csv", file=str(gold))))
    assert gold.read_text() == "gold"


def test_a_value_that_is_no_path_may_be_called_as_the_output(tmp_path: Path) -> None:
    write(output_folder(settings(Copying, tmp_path, label=str(tmp_path), overwrite=True)), "file")


HOLDER = """
import os, sys
from charbert.commands.output import output_{kind} as output
from test_output import Copying

with output(Copying(file="-", output=sys.argv[1])):
    if not os.fork():  # as a process that loads data: it says when it runs, and so has let go of the lock
        print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_second_command_is_refused_while_the_first_runs(kind: str, tmp_path: Path) -> None:
    script, out = tmp_path / "first.py", tmp_path / "out"
    script.write_text(HOLDER.format(kind=kind))
    output, name = (output_file, "") if kind == "file" else (output_folder, "file")
    first = subprocess.Popen(
        [sys.executable, str(script), str(out)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdin is not None and first.stdout is not None
    with first.stdin, first.stdout:
        assert first.stdout.readline() == "writing\n"
        with pytest.raises(CharBertError, match=f"{out}: another command is writing there"):
            write(output(settings(Copying, out, overwrite=True)), name)
        first.kill()  # so that it cannot tidy up, and what it has forked lives on
        first.wait()
        write(output(settings(Copying, out)), name)


def fill(path: Path) -> None:
    with path.open("w") as file, open("/dev/full", "w") as full:
        file.write("half")
        full.write("half")


class TestFullDisk:
    def test_is_said_with_the_file(self, tmp_path: Path) -> None:
        with (
            pytest.raises(CharBertError, match=r"out.csv: cannot be written \(No space left on device\)$"),
            output_file(settings(Copying, tmp_path / "out.csv")) as path,
        ):
            fill(path)
        assert list(tmp_path.iterdir()) == []

    def test_is_said_with_the_file_in_a_folder(self, tmp_path: Path) -> None:
        with (
            pytest.raises(CharBertError, match=r"out/report.json: cannot be written \(No space left"),
            output_folder(settings(Copying, tmp_path / "out")) as folder,
            whole_file(folder / "report.json") as path,
        ):
            fill(path)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "error",
        [
            Exception("No space left on device (os error 28)"),
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"),
        ],
        ids=["of Rust", "of torch"],
    )
    def test_is_known_as_libraries_report_it(self, error: Exception, tmp_path: Path) -> None:
        with pytest.raises(CharBertError, match=f"{tmp_path}: cannot be written"), name_failures(tmp_path):
            raise error

    @pytest.mark.parametrize("error", [FileNotFoundError(2, "No such", "in.csv"), ConnectionError("hub")])
    def test_is_no_name_for_other_failures(self, error: Exception, tmp_path: Path) -> None:
        with pytest.raises(type(error)), name_failures(tmp_path):
            raise error
