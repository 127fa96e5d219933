"""Lists of misspellings in all their forms."""

import gzip
from pathlib import Path

import pytest

from charbert.errors import CharBertError
from charbert.noise import read_misspellings

FORMS = {
    "codespell": "acess->access\nacces->access, axes,\n",
    "codespell with a remark": "acess->access\nacces->access, axes, the first is more likely\n",
    "wikipedia": "$access\nacess\nacces\n$axes\nacces\n",
    "columns": "access acess acces\naxes\tacces\n",
    "JSON of wrong ones": '{"access": ["acess", "acces"],\n "axes": ["acces"]}',
}
EXPECTED = {"access": ("acess", "acces"), "axes": ("acces",)}


def read(path: Path, content: str) -> dict[str, tuple[str, ...]]:
    path.write_text(content, encoding="utf-8")
    return read_misspellings(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_right_words_with_their_wrong_ones(form: str, path: Path) -> None:
    assert read(path, FORMS[form]) == EXPECTED


def test_json_of_texts_has_the_wrong_words_first(path: Path) -> None:
    assert read(path, '{"acess": "access", "acces": "access"}') == {"access": ("acess", "acces")}


@pytest.mark.parametrize("form", FORMS)
def test_marks_line_ends_and_blank_lines_of_editors_do_not_matter(form: str, path: Path) -> None:
    content = "\ufeff\n" + FORMS[form].replace("\n", "\r\n\r\n")
    assert read(path, content) == EXPECTED


def test_a_list_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(FORMS["columns"].encode()))
    assert read_misspellings(path) == EXPECTED


def test_all_is_in_small_letters_and_each_once(path: Path) -> None:
    assert read(path, "London Lodnon LODNON london\nLONDON Lonodn\n") == {"london": ("lodnon", "lonodn")}


@pytest.mark.parametrize("wrong", ("ac cess", "ac_cess", "12", "acc[ess", ""))
def test_a_pair_with_what_is_no_word_is_left_out(wrong: str, path: Path) -> None:
    assert read(path, f"{wrong}->access\nacess->access\n") == {"access": ("acess",)}


def test_apostrophes_hyphens_points_and_digits_may_be_in_words(path: Path) -> None:
    assert read(path, "can't cant can´t ca'nt\nroom-mate roommate\np.m p.m.\nsecond 2econd\n") == {
        "can't": ("cant", "ca'nt"),
        "room-mate": ("roommate",),
        "p.m": ("p.m.",),
        "second": ("2econd",),
    }


def test_some_odd_rows_do_not_spoil_a_list_of_columns(path: Path) -> None:
    assert read(path, "$8 8$\naccess acess\nalone\naxes axs\nthere thier\n").keys() == {
        "access",
        "axes",
        "there",
    }


@pytest.mark.parametrize(
    ("content", "fault"),
    (
        ("", "is empty"),
        ("\n\n", "holds no misspellings"),
        ("acess->access\naxes axs\n", "row 2 has no `->`"),
        ('{"access": 1}', "'access' has neither a right word nor a list"),
        ('{"access": "acess"', "is not JSON"),
        ("tests = {'access': 'acess',\n'axes': 'axs',\n'there': 'thier'}\n", "row 2 is no right word with"),
        ("the cat sat on the mat\nand the dog did not\n", "holds no misspellings"),
        ("q w a s\nw q e a s d\n", "holds no misspellings"),
    ),
)
def test_what_is_no_list_is_an_error_of_one_line(content: str, fault: str, path: Path) -> None:
    with pytest.raises(CharBertError, match=f"list: .*{fault}") as error:
        read(path, content)
    assert "\n" not in str(error.value)


def test_a_list_that_is_not_utf8_is_named_with_its_row(path: Path) -> None:
    path.write_bytes(b"access acess\ncaf\xe9 cafe\n")
    with pytest.raises(CharBertError, match="list: row 2 is not UTF-8"):
        read_misspellings(path)


def test_a_missing_list_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match="no such file"):
        read_misspellings(path)
