import json
from pathlib import Path

import pytest

from benchmarks.gru import main
from charbert.errors import CharBertError

SIZES = ["--units", "16", "--embedding", "8", "--steps", "24", "--batch-sizes", "2", "3", "--rounds", "1"]


def test_ours_is_checked_and_the_path_of_a_cpu_is_timed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    json_file = tmp_path / "numbers.json"
    main([*SIZES, "--device", "cpu", "--json", str(json_file)])
    numbers = json.loads(json_file.read_text())
    assert [(line["batch_size"], line["name"]) for line in numbers["times"]] == [
        (2, "nn.GRU fp32"),
        (2, "CharacterEncoder fp32"),
        (3, "nn.GRU fp32"),
        (3, "CharacterEncoder fp32"),
    ]
    shown = capsys.readouterr().out
    for line in numbers["times"]:
        assert line["microseconds_per_step"] == pytest.approx(1e3 * line["milliseconds"] / 24)
        assert f"{line['batch_size']:>4}  {line['name']}" in shown
        assert f"{line['milliseconds']:.2f}" in shown
    assert "on the CPU" in shown


def test_ours_is_as_exact_as_its_type(tmp_path: Path) -> None:
    json_file = tmp_path / "numbers.json"
    main([*SIZES, "--device", "cpu", "--json", str(json_file)])
    errors = json.loads(json_file.read_text())["errors"]
    assert errors["ours bf16"].keys() == errors["nn.GRU fp16"].keys()
    assert {"states", "gradient of the embeddings", "gradient of W_hh, backward"} <= errors[
        "ours bf16"
    ].keys()
    assert max(errors["ours bf16"].values()) < 3e-2
    assert max(errors["ours fp16"].values()) < 4e-3


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(CharBertError, match="no GPU"):
        main(["--device", "cuda"])
