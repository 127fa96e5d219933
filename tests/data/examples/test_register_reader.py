"""A new format of labelled data is one reader, which the command `attack` then knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from attacked_files import attack, examples_of

from charbert.errors import CharBertError
from data.examples.lines import read_lines
from data.examples.own import TextTable
from data.examples.readers import READERS, Columns, Reader, find_reader, register_reader
from data.examples.rows import BadRows, Row, RowError, make_examples
from data.examples.types import AttackedExamples, Example, TextExample


class StarReader(Reader):
    """A review on each line, after as many stars as it gives."""

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        lines = read_lines(Path(source), bad)
        rows = (Row(f"{source}: row {number}", {"line": line}) for number, line in lines)
        return make_examples(rows, self.make, source, bad)

    def make(self, row: Row, number: int) -> Example:
        stars, _, text = row.cells["line"].partition(" ")
        if set(stars) != {"*"}:
            raise RowError("has no stars")
        return TextExample(str(number), text, None, stars, row.location)

    def write_attacked(
        self, columns: Columns, path: Path, output: IO[bytes], attacked: AttackedExamples
    ) -> None:
        output.writelines(f"{new.label} {new.text}\n".encode() for _, new in attacked.pairs())


class ReviewTable(TextTable):
    """A table whose columns need no options."""

    def column_names(self, columns: Columns) -> dict[str, str | None]:
        return {"text": "review", "pair": None, "label": "stars"}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for task in ("stars", "reviews"):
        monkeypatch.setitem(READERS, task, find_reader("text"))  # undone after the test
    register_reader("stars", StarReader())
    register_reader("reviews", ReviewTable())


@pytest.mark.parametrize(
    ("task", "name", "content"),
    (
        ("stars", "x.stars", "*** Paris is large\n* in France\n"),
        ("reviews", "x.csv", "stars,review\n3,Paris is large\n1,in France\n"),
    ),
)
def test_a_file_of_a_new_format_is_attacked(task: str, name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    out = attack(path, task)
    assert out.read_text() == content.replace("Paris is large", "Pariss is larg").replace("France", "Farnce")
    labels: list[list[Any]] = [[example.label for example in examples_of(each, task)] for each in (path, out)]
    assert labels[0] == labels[1] != []


def test_its_bad_rows_and_its_files_are_reported_as_those_of_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "x.stars"
    path.write_text("Paris\n")
    with pytest.raises(CharBertError, match=r"x\.stars: row 1: has no stars; fix it"):
        attack(path, "stars")
    with pytest.raises(CharBertError, match="data of your own: name its files with --train"):
        find_reader("stars").files(tmp_path, "train")
