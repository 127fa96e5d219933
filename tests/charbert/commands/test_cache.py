"""The append-only cache of results."""

from pathlib import Path

import pytest

from charbert.commands.cache import ResultCache, content_stamp
from charbert.errors import CharBertError


def refuse() -> dict[str, int]:
    pytest.fail("computed again")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.jsonl"


def test_a_result_is_computed_once(path: Path) -> None:
    cache = ResultCache(path)
    assert cache.get_or_make({"seed": 1}, lambda: {"f1": 5}) == {"f1": 5}
    assert cache.get_or_make({"seed": 1}, refuse) == {"f1": 5}


def test_a_later_run_reuses_it_whatever_the_order_of_the_key(path: Path) -> None:
    ResultCache(path).add({"seed": 1, "kind": "ü"}, {"f1": 5})
    cache = ResultCache(path)
    assert cache.get_or_make({"kind": "ü", "seed": 1}, refuse) == {"f1": 5}
    assert list(cache) == [{"seed": 1, "kind": "ü"}]


def test_another_key_has_another_result(path: Path) -> None:
    cache = ResultCache(path)
    cache.add({"seed": 1}, {"f1": 5})
    assert {"seed": 2} not in cache
    assert cache.get_or_make({"seed": 2}, lambda: {"f1": 6}) == {"f1": 6}
    assert len(cache) == 2


def test_a_last_line_that_was_cut_off_is_removed(path: Path) -> None:
    ResultCache(path).add({"seed": 1}, {"f1": 5})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    cache = ResultCache(path)
    assert path.read_bytes() == whole
    cache.add({"seed": 2}, {"f1": 6})
    assert ResultCache(path).get_or_make({"seed": 1}, refuse) == {"f1": 5}


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"key": {"seed": 1}}', '{"key": 1, "result": 2}'])
def test_a_file_with_something_else_is_refused(path: Path, line: str) -> None:
    ResultCache(path).add({"seed": 1}, {"f1": 5})
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(CharBertError, match=r"cache.jsonl: row 2: is not a result that was kept here"):
        ResultCache(path)


def test_files_that_are_written_anew_have_another_stamp(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"abc")
    before = content_stamp(tmp_path)
    assert content_stamp(tmp_path) == before
    weights.write_bytes(b"abcd")
    assert content_stamp(tmp_path) != before
