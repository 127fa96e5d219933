"""The columns that a task reads, as options of a command."""

import argparse
from collections.abc import Collection
from dataclasses import fields
from typing import Any

from data.examples.base import CONLLU_COLUMNS, Columns


def add_column_options(
    parser: argparse.ArgumentParser, leave_out: Collection[str] = (), of_run: bool = False
) -> None:
    """Add an option for each field of `Columns`; the task is none of them.

    Args:
        parser: gets them.
        leave_out: fields that are no options here.
        of_run: those that are not given are None, and stay what a run has.
    """
    for field in fields(Columns):
        if field.name == "task" or field.name in leave_out:
            continue
        default = "none" if field.default is None else field.default
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=int if field.type is int else str,
            choices=CONLLU_COLUMNS if field.name == "conllu_column" else None,
            default=None if of_run else field.default,
            metavar=field.name.split("_")[-1].upper(),
            help=f"{field.metadata['help']} (default: {'that of the run, else ' * of_run}{default})",
        )


def given_columns(given: argparse.Namespace, leave_out: Collection[str] = ()) -> dict[str, Any]:
    """The values of these options by the names of their fields, without those that are None."""
    names = {field.name for field in fields(Columns)} - {"task", *leave_out}
    return {name: value for name, value in vars(given).items() if name in names and value is not None}
