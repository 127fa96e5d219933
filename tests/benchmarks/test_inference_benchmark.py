from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: charbert[export]")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: charbert[export]")

SMALL = ["--hidden-size", "16", "--num-hidden-layers", "1", "--vocab-size", "40", "--rounds", "2"]
FEW = ["--lengths", "5", "--batch-sizes", "1", "2", "--threads", "1", "--device", "cpu"]


def test_both_models_are_measured_by_all_that_runs_them(run: Callable[..., Any]) -> None:
    kinds = ["eager", "onnx-fp32", "onnx-int8"]
    numbers, shown = run("inference", *SMALL, *FEW, "--kinds", *kinds)
    assert [row["batch x tokens, threads"] for row in numbers["times"]] == [
        f"  {size} x 5    1 {model} {kind}"
        for size in (1, 2)
        for kind in kinds
        for model in ("BERT", "CharBERT")
    ]
    for row in numbers["times"]:
        assert row["p50, ms"] <= row["p99, ms"]
        assert (row["x BERT"] == 1) == (" BERT " in row["batch x tokens, threads"])
        assert row["batch x tokens, threads"] in shown
    assert [row["model"].split(",")[0] for row in numbers["memory"]] == [
        f"{model} {kind}" for kind in kinds[1:] for model in ("BERT", "CharBERT")
    ]
    assert all(row["file, MiB"] > 0 for row in numbers["memory"])
