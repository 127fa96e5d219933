"""Frame of the benchmarks: settings, device, timing, and a report on the screen and in a JSON file."""

import gc
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch

from charbert.commands.results import versions
from charbert.commands.settings import Settings, option
from charbert.commands.tables import format_table

FIRST_COLUMN, COLUMN = 32, 9  # least widths


@dataclass(kw_only=True)
class BenchmarkSettings(Settings):
    """Settings of every benchmark."""

    json: str | None = option(None, "write the numbers into this file too")


@dataclass(kw_only=True)
class DeviceSettings(BenchmarkSettings):
    """Settings of every benchmark of a model."""

    device: str | None = option(None, "where to run; the GPU if there is one", choices=("cuda", "cpu"))


class Report:
    """Tables of a benchmark: rows are printed as soon as they are measured, and kept in a JSON file.

    Args:
        settings: of the benchmark.
        about: a line on what is measured.
    """

    def __init__(self, settings: BenchmarkSettings, about: str) -> None:
        self._path = Path(settings.json) if settings.json else None
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._tables: dict[str, list[Mapping[str, Any]]] = {}
        self._about = {
            "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
            "about": about,
            "settings": asdict(settings),
            "versions": versions(),
        }
        print(f"{self._about['machine']}; torch {torch.__version__}; {about}", flush=True)

    def add(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Add rows, which have the columns of the first one, to a table."""
        header = [
            f"{name:<{COLUMN if number else FIRST_COLUMN}}" if isinstance(cell, str) else f"{name:>{COLUMN}}"
            for number, (name, cell) in enumerate(rows[0].items())
        ]
        heading, *lines = format_table(header, [list(row.values()) for row in rows], None).splitlines()
        if table not in self._tables:
            lines = ["", table, heading, "-" * len(heading), *lines]
        print("\n".join(lines), flush=True)
        self._tables.setdefault(table, []).extend(rows)
        if self._path:
            content = json.dumps({**self._about, **self._tables}, indent=2)
            self._path.write_text(content + "\n", encoding="utf-8")


def measure_milliseconds(
    work: Callable[[int], object], device: torch.device, rounds: int, warmup: int = 2
) -> float:
    """The median time of a call; `work` gets the number of the call, to choose its input by.

    On a GPU the time between two events, one call right after the other: what the host does meanwhile costs
    nothing unless the GPU waits for it.
    """
    for number in range(warmup):
        work(number)
    if device.type != "cuda":
        moments = [time.perf_counter()]
        for number in range(warmup, warmup + rounds):
            work(number)
            moments.append(time.perf_counter())
        return median(1e3 * (after - before) for before, after in pairwise(moments))
    events = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    torch.cuda.synchronize(device)
    events[0].record()
    for number, event in enumerate(events[1:], warmup):
        work(number)
        event.record()
    torch.cuda.synchronize(device)
    return median(before.elapsed_time(after) for before, after in pairwise(events))


def measure_seconds(work: Callable[[], object], rounds: int) -> float:
    """The least processor time of a call."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def reset_device(device: torch.device) -> None:
    """Drop what was compiled and what is cached of memory, and count its peak anew."""
    torch._dynamo.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _processor() -> str:
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    return name or platform.machine()
