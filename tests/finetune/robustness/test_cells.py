"""What has been measured is kept."""

from pathlib import Path

import pytest

from charbert.errors import CharBertError
from finetune.robustness.cells import Cells, stamp


def refuse() -> dict[str, int]:
    pytest.fail("measured again")


def test_a_result_is_made_once(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    assert cells.found({"seed": 1}, lambda: {"f1": 5}) == {"f1": 5}
    assert cells.found({"seed": 1}, refuse) == {"f1": 5}


def test_a_later_run_knows_it(tmp_path: Path) -> None:
    Cells(tmp_path / "cells.jsonl").found({"seed": 1, "kind": "ü"}, lambda: {"f1": 5})
    assert Cells(tmp_path / "cells.jsonl").found({"kind": "ü", "seed": 1}, refuse) == {"f1": 5}


def test_another_key_is_another_result(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    cells.found({"seed": 1}, lambda: {"f1": 5})
    assert cells.found({"seed": 2}, lambda: {"f1": 6}) == {"f1": 6}


def test_what_an_interruption_left_of_a_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    Cells(path).found({"seed": 1}, lambda: {"f1": 5})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    cells = Cells(path)
    assert path.read_bytes() == whole
    assert cells.found({"seed": 2}, lambda: {"f1": 6}) == {"f1": 6}
    assert Cells(path).found({"seed": 1}, refuse) == {"f1": 5}


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"key": {"seed": 1}}'])
def test_a_file_with_something_else_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "cells.jsonl"
    Cells(path).found({"seed": 1}, lambda: {"f1": 5})
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(CharBertError, match=r"cells.jsonl: row 2: is no result of a report"):
        Cells(path)


def test_weights_that_are_written_anew_have_another_stamp(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"abc")
    before = stamp(tmp_path)
    assert stamp(tmp_path) == before
    weights.write_bytes(b"abcd")
    assert stamp(tmp_path) != before
