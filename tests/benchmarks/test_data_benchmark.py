from collections.abc import Callable
from pathlib import Path
from typing import Any

import dumps
import pytest
import tiny
import torch

from benchmarks.__main__ import main
from charbert.errors import run_command


@pytest.fixture(autouse=True)
def same_processor_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark takes one thread, the tests after it as many as they had."""
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)


def test_the_benchmark_prints_a_table_and_writes_its_numbers(tmp_path: Path, run: Callable[..., Any]) -> None:
    text = " ".join(tiny.SENTENCES) * 10
    dump = tmp_path / "dump.xml"
    dump.write_text(dumps.export(*(dumps.page(number, text) for number in range(60))), encoding="utf-8")
    numbers, shown = run(
        "data", "--dump", str(dump), "--rounds", "2", "--copies", "1", "--tokenizer", "wordpiece"
    )
    rows = {row[""]: row["median"] for row in numbers["speed"]}
    assert 0.1 < rows["wordpiece: examples / tokenizer"] < 100
    assert {"extraction, 1 worker", "two workers / one"} <= rows.keys()
    assert all(name in shown for name in rows)
    assert {"machine", "versions", "settings"} <= numbers.keys()


def test_a_dump_that_is_none_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dump.xml").write_text("nothing")
    assert run_command(main, ["data", "--dump", str(tmp_path / "dump.xml")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
