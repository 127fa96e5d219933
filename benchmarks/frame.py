"""Frame of all benchmarks: settings, the device, timing, a table on the screen, JSON in a file."""

import gc
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import torch

from charbert.commands.results import versions
from charbert.commands.settings import Settings, option, parse_settings
from charbert.errors import CharBertError

PRODUCT_SIZE = {"cuda": 8192, "cpu": 1024}
S = TypeVar("S", bound="BenchmarkSettings")


@dataclass(kw_only=True)
class BenchmarkSettings(Settings):
    """What every benchmark takes."""

    json: str | None = option(None, "write the numbers into this file too")

    def __post_init__(self) -> None:
        super().__post_init__()
        # Before anything is measured.
        if self.json and not Path(self.json).parent.is_dir():
            raise CharBertError(f"--json: there is no folder {Path(self.json).parent}; make it first")


@dataclass(kw_only=True)
class DeviceSettings(BenchmarkSettings):
    """What every benchmark of a model takes."""

    device: str | None = option(None, "where to run; the GPU if there is one", choices=("cuda", "cpu"))


def parse_benchmark(settings_class: type[S], arguments: Sequence[str], file: str, text: str | None) -> S:
    """The settings of a benchmark, from its command line.

    Args:
        file: its script.
        text: its docstring, for `--help`.
    """
    return parse_settings(settings_class, arguments, f"python benchmarks/{Path(file).name}", text or "")


def device_of(name: str | None) -> torch.device:
    """The device of an option: the GPU where there is one, unless another is named.

    Raises:
        CharBertError: there is no such device here.
    """
    device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and not torch.cuda.is_available():
        raise CharBertError(f"--device {name}: torch finds no GPU here; give --device cpu")
    return device


def describe_device(device: torch.device) -> str:
    """The machine, and which part of it is measured."""
    return f"{machine()}; on {'the GPU' if device.type == 'cuda' else 'the CPU'}; torch {torch.__version__}"


def milliseconds(work: Callable[[int], object], device: torch.device, rounds: int, warm_up: int = 2) -> float:
    """The median time of a call; `work` is given the number of the call, to choose its input by.

    On a GPU the time between two events, one call right after the other: what the host does meanwhile costs
    nothing unless the GPU waits for it.
    """
    for number in range(warm_up):
        work(number)
    if device.type != "cuda":
        moments = [time.perf_counter()]
        for number in range(warm_up, warm_up + rounds):
            work(number)
            moments.append(time.perf_counter())
        return median(1e3 * (after - before) for before, after in pairwise(moments))
    events = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    torch.cuda.synchronize(device)
    events[0].record()
    for number, event in enumerate(events[1:], warm_up):
        work(number)
        event.record()
    torch.cuda.synchronize(device)
    return median(before.elapsed_time(after) for before, after in pairwise(events))


def peak_tflops(device: torch.device) -> float:
    """TFLOP/s of a large matrix product on random data: in bf16 on a GPU, in fp32 on a CPU."""
    size = PRODUCT_SIZE[device.type]
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    return 2 * size**3 / milliseconds(lambda _: left @ right, device, rounds=20, warm_up=10) / 1e9


def forget_everything(device: torch.device) -> None:
    """Drop what was compiled and what is kept of memory, and count its peak anew."""
    torch._dynamo.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gib(device: torch.device) -> float | None:
    """The most memory that tensors took since `forget_everything`; nobody counts it on a CPU."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None


class GrowingTable:
    """A table whose rows are printed as soon as they are measured; the heading sets its widths."""

    def __init__(self, heading: Sequence[str]) -> None:
        self._heading = heading
        print(table([heading]), flush=True)

    def add(self, *cells: str) -> None:
        """Print a row."""
        print(table([self._heading, cells]).rpartition("\n")[2], flush=True)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows under the first one as their heading; the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])


def write_json(path: str | None, numbers: dict[str, Any]) -> None:
    """Write the numbers of a benchmark, with the machine and the versions beside them, if a file is given."""
    if path is None:
        return
    content = {**numbers, "machine": machine(), "versions": versions()}
    Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def machine() -> str:
    """What the benchmark ran on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    return f"{device or platform.machine()}, {len(os.sched_getaffinity(0))} cores"
