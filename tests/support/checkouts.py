"""A fresh clone of this repository, in which commands are typed as a newcomer types them."""

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOISE = ("Traceback", "Warning", "LOAD REPORT", "Writing model shards", "Loading weights", "\r", "\n\n\n")
QUICKSTART = Path("runs/quickstart/model")


@dataclass
class Checkout:
    """A fresh clone of what is committed here, in which commands are typed."""

    folder: Path
    terminal: pytest.CaptureFixture[str]

    def run(self, command: str, given: bytes = b"") -> str:
        """What a command prints on standard output; neither there nor among the messages is any noise.

        Args:
            command: as it is typed.
            given: its standard input.
        """
        program, *arguments = shlex.split(command)
        assert program == "python"
        started = perf_counter()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            input=given,
            capture_output=True,
            check=False,
        )
        with self.terminal.disabled():
            print(f"\n{perf_counter() - started:6.1f} s  $ {command}", end="", flush=True)
        printed, messages = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == 0, messages
        assert [noise for noise in NOISE if noise in printed + messages] == [], printed + messages
        return printed

    def results(self, folder: str) -> dict[str, Any]:
        """What a run left in `results.json`."""
        return json.loads((self.folder / folder / "results.json").read_text())


def clone(folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder
