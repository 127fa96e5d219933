import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from charbert.errors import CharBertError
from data.examples.base import Columns
from data.examples.lines import FOUND, Dialect, find_delimiter, find_encoding, read_lines
from data.examples.rows import BadRows
from data.examples.tables import read_table


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
    assert bad.summary() == f"1 row left out:\n  {path}: row 2: is not UTF-8"


@pytest.mark.parametrize("skip", (False, True))
def test_an_empty_file_is_an_error(path: Path, skip: bool) -> None:
    with pytest.raises(CharBertError, match=r"lines\.txt: is empty"):
        lines_of(path, b"", skip)


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"lines\.txt: no such file"):
        list(read_lines(path, BadRows()))


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="is a folder"):
        list(read_lines(tmp_path, BadRows()))


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"lines\.gz: is damaged"):
        lines_of(tmp_path / "lines.gz", gzip.compress(b"one\n")[:-6])


GERMAN = 'text;label\nschöne Grüße;a\n"drei; Wörter";b\nein Café;a\nkein Text;b\n'


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-32"))
def test_the_encoding_and_the_delimiter_of_a_table_are_found(
    tmp_path: Path, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "messages.csv"
    path.write_bytes(GERMAN.encode(encoding))
    found = [row.cells for row in read_table(str(path), BadRows())]
    assert [cells["text"] for cells in found] == ["schöne Grüße", "drei; Wörter", "ein Café", "kein Text"]
    assert [cells["label"] for cells in found] == ["a", "b", "a", "b"]
    assert "messages.csv: its columns are separated by ';'" in caplog.text
    assert ("messages.csv: is" in caplog.text) == (not encoding.startswith("utf-8"))
    assert caplog.text.count("--delimiter") == 1  # once, however often the file is read
    list(read_table(str(path), BadRows()))
    assert caplog.text.count("--delimiter") == 1


@pytest.mark.parametrize(
    ("header", "delimiter"),
    (("text,label", ","), ("text", ","), ("a;b;c,d", ";"), ("a\tb", "\t"), ("a|b", "|"), ('"x;y;z",a', ",")),
)
def test_the_delimiter_is_the_most_frequent_in_the_header(path: Path, header: str, delimiter: str) -> None:
    path.write_text(f"{header}\nx\n")
    assert find_delimiter(path, FOUND) == delimiter


def test_what_the_user_says_of_a_file_counts(path: Path) -> None:
    path = path.with_suffix(".csv")
    path.write_bytes("a,b;label\nŁódź;x\n".encode("cp1250"))
    (row,) = read_table(str(path), BadRows(), Dialect(delimiter=";", encoding="cp1250"))
    assert row.cells == {"a,b": "Łódź", "label": "x"}
    path.write_bytes(b"a,b\n1,2\n3")
    with pytest.raises(CharBertError, match=r"lines\.csv: is not utf-16-le .*; name another with --encoding"):
        list(read_table(str(path), BadRows(), Dialect(encoding="utf-16-le")))


@pytest.mark.parametrize("encoding", ("koi8-r", "cp1251", "shift-jis", "cp1250"))
def test_other_encodings_are_not_guessed(path: Path, encoding: str) -> None:
    words = {"shift-jis": "日本語の文章", "cp1250": "łąka i źródło ąęś"}.get(encoding, "привет мир")
    path.write_bytes(f"{words}\n".encode(encoding) * 5)
    assert find_encoding(path) == "utf-8"
    with pytest.raises(CharBertError, match=r"is not UTF-8; .*--encoding names an encoding"):
        list(read_lines(path, BadRows()))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    (
        ("delimiter", "::", "--delimiter: '::' separates no columns"),
        ("delimiter", '"', "separates no columns"),
        ("encoding", "klingon", "--encoding: 'klingon' is unknown"),
        ("encoding", "rot13", "--encoding: 'rot13' is unknown"),
    ),
)
def test_what_cannot_be_is_refused(option: str, value: str, message: str) -> None:
    with pytest.raises(CharBertError, match=message):
        Columns(task="text", **{option: value})
