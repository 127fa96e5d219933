"""How every benchmark tells its numbers: a table on the screen, JSON in a file."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from charbert.commands.results import versions


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows under the first one as their heading; the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """`--json FILE`, whose folder must be there before anything is measured."""

    def file_in_a_folder(text: str) -> str:
        if not Path(text).parent.is_dir():
            raise argparse.ArgumentTypeError(f"there is no folder {Path(text).parent}; make it first")
        return text

    parser.add_argument("--json", type=file_in_a_folder, metavar="FILE", help="write the numbers there too")


def write_json(path: str | Path, numbers: dict[str, Any]) -> None:
    """Write the numbers of a benchmark, with the machine and the versions beside them."""
    content = {**numbers, "machine": machine(), "versions": versions()}
    Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def machine() -> str:
    """What the benchmark ran on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    return f"{device or platform.machine()}, {len(os.sched_getaffinity(0))} cores"
