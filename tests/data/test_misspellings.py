"""`python -m data misspellings`."""

from pathlib import Path

import pytest

from charbert.errors import CharBertError
from charbert.noise import read_misspellings
from data.__main__ import main


def make_list(folder: Path, without: dict[str, str]) -> dict[str, tuple[str, ...]]:
    (folder / "one.json").write_text('{"receive": ["recieve", "receeve"], "their": ["there", "thier"]}')
    (folder / "two.txt").write_text("receive reseive recieve\naddress adress adres\n")
    for name, text in without.items():
        (folder / name).write_text(text)
    lists = [str(folder / name) for name in ("one.json", "two.txt")]
    excluded = ["--without", *(str(folder / name) for name in without)]
    main(["misspellings", *lists, *excluded, "--output", str(folder / "out.txt")])
    return read_misspellings(folder / "out.txt")


@pytest.mark.parametrize(
    ("text", "left_out"),
    (
        ("recieve->receive\nThier->their\n", {"recieve", "thier"}),
        ("$receive\nreceeve\n$address\nadress\nadres\n", {"receeve", "adress", "adres"}),
        ("tests = {'receive': 'reseive recieve', 'their':'thier'}", {"reseive", "recieve", "thier"}),
        ("Is it there? An adress, adres.", {"there", "adress", "adres"}),
    ),
)
def test_lists_are_joined_without_the_words_of_other_files(
    tmp_path: Path, text: str, left_out: set[str]
) -> None:
    found = make_list(tmp_path, {"test.txt": text})
    pairs = {(right, wrong) for right, wrongs in found.items() for wrong in wrongs}
    every = {("receive", each) for each in ("recieve", "receeve", "reseive")}
    every |= {("their", "there"), ("their", "thier"), ("address", "adress"), ("address", "adres")}
    assert pairs == {(right, wrong) for right, wrong in every if wrong not in left_out}


def test_nothing_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="--without: no misspelling is left"):
        make_list(tmp_path, {"all.txt": "recieve receeve there thier reseive adress adres"})
    assert not (tmp_path / "out.txt").exists()
