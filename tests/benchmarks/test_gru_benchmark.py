from collections.abc import Callable
from typing import Any

import pytest

from charbert.errors import CharBertError

FEW = ["--units", "16", "--embedding", "8", "--steps", "24", "--batch-sizes", "2", "3", "--rounds", "1"]


def test_ours_is_checked_and_the_path_of_a_cpu_is_timed(run: Callable[..., Any]) -> None:
    numbers, shown = run("gru", *FEW, "--device", "cpu")
    assert [row["batch"] for row in numbers["times"]] == [
        f"   {size}  {name} fp32" for size in (2, 3) for name in ("nn.GRU", "CharacterEncoder")
    ]
    for row in numbers["times"]:
        assert row["fwd + bwd, us a step"] == pytest.approx(1e3 * row["fwd + bwd, ms"] / 24)
        assert row["batch"] in shown
    errors = {row["of"]: row for row in numbers["relative errors"]}
    assert {"states", "gradient of embeddings", "gradient of W_hh, backward"} <= errors.keys()
    assert max(row["ours bf16"] for row in errors.values()) < 3e-2
    assert max(row["ours fp16"] for row in errors.values()) < 4e-3


def test_a_device_that_is_not_there_is_refused(run: Callable[..., Any]) -> None:
    with pytest.raises(CharBertError, match="is not there"):
        run("gru", "--device", "cuda")
