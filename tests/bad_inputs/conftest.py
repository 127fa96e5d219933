"""Good inputs, made once and copied for each test, which runs in their folder."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from bad_inputs import Change, Refused, error_lines, listing, make_good_inputs, run


@pytest.fixture(scope="session")
def good_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_good_inputs(tmp_path_factory.mktemp("good"))


@pytest.fixture
def refused(
    good_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Refused:
    """Runs a bad input and checks that it ends in one line, and changes nothing."""

    def check(command: str, message: str, changes: Sequence[Change], status: int) -> None:
        folder = tmp_path / "inputs"
        shutil.copytree(good_inputs, folder)
        held = [change(folder) for change in changes]
        monkeypatch.chdir(folder)
        before = listing(folder)
        found = run(command)
        error = capfd.readouterr().err
        lines = error_lines(error)
        assert (found, len(lines)) == (status, 1), error
        assert message in lines[0]
        assert listing(folder) == before
        del held

    return check
