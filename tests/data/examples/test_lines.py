import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from charbert.errors import CharBertError
from data.examples.rows import BadRows, read_lines


def lines_of(path: Path, content: bytes, skip: bool = False) -> list[tuple[int, str]]:
    path.write_bytes(content)
    return list(read_lines(path, BadRows(skip)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lines.txt"


def test_lines_are_numbered_from_one(path: Path) -> None:
    assert lines_of(path, b"one\n\nthree\n") == [(1, "one"), (2, ""), (3, "three")]


def test_the_last_line_may_lack_its_end(path: Path) -> None:
    assert lines_of(path, b"one\ntwo") == [(1, "one"), (2, "two")]


def test_white_space_stays_and_only_the_line_end_goes(path: Path) -> None:
    assert lines_of(path, b" one \t\r\n\t\ntwo \r\r\n") == [(1, " one \t"), (2, "\t"), (3, "two \r")]


@pytest.mark.parametrize("character", ("\u2028", "\u0085", "\x0b", "\x0c", "\x1e", "\r"))
def test_a_line_ends_at_a_newline_alone(path: Path, character: str) -> None:
    assert lines_of(path, f"one{character}two\n".encode()) == [(1, f"one{character}two")]


def test_a_byte_order_mark_goes_from_the_start_of_the_file_alone(path: Path) -> None:
    assert lines_of(path, "\ufeffone\n\ufefftwo\n".encode()) == [(1, "one"), (2, "\ufefftwo")]


def test_a_line_of_a_hundred_thousand_words_is_simply_read(path: Path) -> None:
    long = " ".join(["wörd"] * 100_000)
    assert lines_of(path, f"{long}\nnext\n".encode()) == [(1, long), (2, "next")]


@pytest.mark.parametrize(
    ("ending", "compress"), ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress))
)
def test_files_may_be_compressed(tmp_path: Path, ending: str, compress: Callable[[bytes], bytes]) -> None:
    assert lines_of(tmp_path / f"lines{ending}", compress("eins\nzwölf\n".encode())) == [
        (1, "eins"),
        (2, "zwölf"),
    ]


def test_bytes_that_are_not_utf8_are_named_by_file_and_row(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"lines\.txt: row 2: is not UTF-8; fix it, or .*--skip-bad-rows"):
        lines_of(path, b"one\ncaf\xe9\nthree\n")


def test_a_file_in_utf16_is_named(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"lines\.txt: row 1: holds a NUL byte"):
        lines_of(path, "one\n".encode("utf-16-le"))


def test_skipped_rows_keep_the_numbers_of_the_others(path: Path) -> None:
    bad = BadRows(skip=True)
    path.write_bytes(b"one\ncaf\xe9\nthree\n")
    assert list(read_lines(path, bad)) == [(1, "one"), (3, "three")]
    assert bad.summary() == f"1 rows left out:\n  {path}: row 2: is not UTF-8"


@pytest.mark.parametrize("skip", (False, True))
def test_an_empty_file_is_an_error(path: Path, skip: bool) -> None:
    with pytest.raises(CharBertError, match=r"lines\.txt: is empty"):
        lines_of(path, b"", skip)


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"lines\.txt: no such file"):
        list(read_lines(path, BadRows()))


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="cannot be read"):
        list(read_lines(tmp_path, BadRows()))


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"lines\.gz: is damaged"):
        lines_of(tmp_path / "lines.gz", gzip.compress(b"one\n")[:-6])
