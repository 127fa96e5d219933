from collections.abc import Callable
from typing import Any


def test_commands_are_timed_beside_an_import(run: Callable[..., Any]) -> None:
    numbers, shown = run("startup", "--rounds", "1", "--commands", "charbert --version")
    [row] = numbers["startup"]
    assert row["command"].strip() == "charbert --version" and row["answer, s"] > 0
    assert "of the limit, %" in shown
