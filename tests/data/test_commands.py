"""`python -m data`: its commands need only what they use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ("vocabulary", "tokenize", "attack"))
def test_a_command_runs_without_what_only_wikipedia_needs(command: str) -> None:
    statements = "import sys; sys.modules['data.wiki'] = None; from data.__main__ import main; "
    done = subprocess.run(
        [sys.executable, "-c", f"{statements} main(['{command}', '--help'])"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "--output" in done.stdout
