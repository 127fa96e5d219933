import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main

Run = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a benchmark; gives what it wrote and what it printed."""

    def run(*arguments: str) -> tuple[dict[str, Any], str]:
        main([*arguments, "--json", str(tmp_path / "folder" / "numbers.json")])
        return json.loads((tmp_path / "folder" / "numbers.json").read_text()), capsys.readouterr().out

    return run
