"""A vocabulary file: an entry a line, its id the line's number, nothing stripped."""

from pathlib import Path

import pytest
import tiny

from charbert import CharBertError, Vocabulary

EXOTIC = [" ", "a", tiny.NO_BREAK_SPACE, tiny.LINE_SEPARATOR, "", "\r", "\t", "\x85", "", "é", "<unk>"]


def test_id_is_the_number_of_the_line() -> None:
    vocabulary = Vocabulary(["x", "y", "<unk>"])
    assert [vocabulary.id(entry) for entry in ("x", "y", "<unk>")] == [0, 1, 2]


def test_other_entries_have_the_last_id() -> None:
    vocabulary = Vocabulary(["x", "y", "<unk>"])
    assert vocabulary.id("z") == vocabulary.unknown_id == 2


def test_entry_that_stands_twice_keeps_its_first_id() -> None:
    vocabulary = Vocabulary(["x", "y", "x", "<unk>"])
    assert vocabulary.id("x") == 0
    assert len(vocabulary) == 4


def test_is_a_sequence_of_its_entries() -> None:
    vocabulary = Vocabulary(["x", "<unk>"])
    assert list(vocabulary) == ["x", "<unk>"]
    assert vocabulary[0] == "x"
    assert "x" in vocabulary
    assert "y" not in vocabulary


def test_equals_one_of_the_same_entries() -> None:
    assert Vocabulary(["x", "<unk>"]) == Vocabulary(["x", "<unk>"])
    assert Vocabulary(["x", "<unk>"]) != Vocabulary(["y", "<unk>"])


def test_file_keeps_exotic_spaces_and_empty_lines(tmp_path: Path) -> None:
    Vocabulary(EXOTIC).save(tmp_path / "characters.txt")
    assert Vocabulary.load(tmp_path / "characters.txt").entries == EXOTIC


def test_saved_again_a_file_is_bit_identical(tmp_path: Path) -> None:
    content = "".join(f"{entry}\n" for entry in EXOTIC).encode()
    (tmp_path / "first.txt").write_bytes(content)
    Vocabulary.load(tmp_path / "first.txt").save(tmp_path / "second.txt")
    assert (tmp_path / "second.txt").read_bytes() == content


def test_last_line_may_end_without_a_line_feed(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(b"x\n<unk>")
    assert list(Vocabulary.load(tmp_path / "words.txt")) == ["x", "<unk>"]


@pytest.mark.parametrize("entries", [[], ["x"], ["<unk>", "x"]])
def test_last_entry_must_be_unknown(entries: list[str]) -> None:
    with pytest.raises(CharBertError, match="the last entry must be <unk>"):
        Vocabulary(entries)


def test_entry_cannot_hold_a_line_feed() -> None:
    with pytest.raises(CharBertError, match="line feed"):
        Vocabulary(["a", "\n", "<unk>"])


def test_fault_of_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("x\ny\n")
    with pytest.raises(CharBertError, match=r"words\.txt: the last entry must be <unk>"):
        Vocabulary.load(tmp_path / "words.txt")


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"nowhere\.txt: cannot be read \(No such file"):
        Vocabulary.load(tmp_path / "nowhere.txt")


def test_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(b"caf\xe9\n<unk>\n")
    with pytest.raises(CharBertError, match=r"words\.txt: not UTF-8 at byte 3"):
        Vocabulary.load(tmp_path / "words.txt")
