"""`python -m benchmarks startup`: how fast commands answer --help and mistakes, beside `import numpy, yaml`.

The two are started in turns; times are the least of the rounds. A command may take `FACTOR` times as long as
the import, and `SECONDS`.
"""

import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.frame import BenchmarkSettings, Report
from charbert.commands.settings import option

FACTOR, SECONDS = 1.5, 0.5
WIDTH = 64
IMPORT = ("-c", "import numpy, yaml")
COMMANDS = (
    "charbert --help",
    "charbert convert missing/at/all --output out",
    "data --help",
    "data wikipedia missing.xml --output out",
    "data vocabulary --help",
    "data attack missing.csv --task text --output out.csv",
    "pretrain --help",
    "pretrain pretrain/configs/tiny.yaml --data missing --tokenizer missing --output out",
    "finetune",
    "finetune --help",
    "finetune finetune/configs/ner.yaml --learning-rat 1e-3",
    "finetune finetune/configs/ner.yaml --data missing --backbone bert-base-cased --output out",
    "finetune finetune/configs/ner.yaml --data . --backbone bert-base-cased --output out --epochs -1",
    "finetune predict missing missing.csv --output out.jsonl",
    "finetune robustness finetune/configs/robustness.yaml --models missing --test README.md --output out",
)


@dataclass(kw_only=True)
class StartupSettings(BenchmarkSettings):
    commands: list[str] = option(list(COMMANDS), "command lines, each what follows `python -m`")
    rounds: int = option(5, "times that each is started", minimum=1)


def run(given: StartupSettings) -> None:
    """Measure each command beside the import."""
    report = Report(given, f"the least of {given.rounds} rounds, started in turns")
    for command in given.commands:
        times = [
            (measure_start(IMPORT), measure_start(("-m", *shlex.split(command)))) for _ in range(given.rounds)
        ]
        imported, answered = map(min, zip(*times, strict=True))
        report.add(
            "startup",
            {
                "command": f"{textwrap.shorten(command, WIDTH, placeholder=' …'):{WIDTH}}",
                "import, s": imported,
                "answer, s": answered,
                "ratio": answered / imported,
                "of the limit, %": 100 * answered / (FACTOR * imported + SECONDS),
            },
        )


def measure_start(arguments: Sequence[str]) -> float:
    """Seconds until an interpreter with these arguments has ended."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True)
    return time.perf_counter() - started
