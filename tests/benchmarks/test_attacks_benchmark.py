from collections.abc import Callable
from typing import Any

from charbert.noise import KINDS


def test_every_kind_is_timed_on_random_examples(run: Callable[..., Any]) -> None:
    numbers, shown = run("attacks", "--examples", "30", "--rounds", "1")
    rows = numbers["attacks"]
    assert [row["examples"] for row in rows] == [
        f"{name}, {kind}" for name in ("text", "tags", "answers") for kind in KINDS
    ]
    for row in rows:
        assert 0 < row["changed"] <= row["eligible"] <= row["words"]
        assert f"{row['labelled, words/s']:,.0f}" in shown
