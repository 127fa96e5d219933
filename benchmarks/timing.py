"""How the benchmarks of the model time work on a device, and what else both of them need."""

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

import torch

from benchmarks.report import add_json_option, machine, table
from charbert.errors import CharBertError

PRODUCT_SIZE = {"cuda": 8192, "cpu": 1024}


def device_of(name: str | None) -> torch.device:
    """The device of an option: the GPU where there is one, unless another is named.

    Raises:
        CharBertError: there is no such device here.
    """
    device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and not torch.cuda.is_available():
        raise CharBertError(f"--device {name}: torch finds no GPU here; give --device cpu")
    return device


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--json`."""
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), help="where to run (default: the GPU if there is one)"
    )
    add_json_option(parser)


def place(device: torch.device) -> str:
    """The machine, and which part of it is measured."""
    return f"{machine()}; on {'the GPU' if device.type == 'cuda' else 'the CPU'}; torch {torch.__version__}"


def milliseconds(work: Callable[[int], object], device: torch.device, rounds: int, warm_up: int = 2) -> float:
    """The median time of a call; `work` is given the number of the call, to choose its input by.

    On a GPU the time between two events, one call right behind the other: what the host does meanwhile costs
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
