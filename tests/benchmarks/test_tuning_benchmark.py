from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.__main__ import main
from charbert.errors import CharBertError

FEW = ["tuning", "--device", "cpu", "--size", "tiny", "--rounds", "1", "--warmup", "1", "--batch-size", "2"]


def test_each_method_is_measured_beside_full_fine_tuning(run: Callable[..., Any]) -> None:
    methods = ["lora", "pfeiffer", "freeze-half"]
    numbers, shown = run(*FEW, "--methods", *methods, "--gradient-checkpointing")
    rows = numbers["methods"]
    assert [row["method"] for row in rows] == ["full", *methods]
    assert rows[0]["percent"] == 100 and rows[0]["times full"] == 1
    for row in rows[1:]:
        assert 0 < row["percent"] < 100
        assert row["MB saved"] == pytest.approx(4e-6 * row["trained"], rel=0.5)
        assert row["times full"] == pytest.approx(row["ms a step"] / rows[0]["ms a step"])
        assert row["method"] in shown


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(CharBertError, match="--methods: 'lorra' is unknown; choose one of full, lora"):
        main([*FEW, "--methods", "lorra"])
