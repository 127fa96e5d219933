"""Code in a text: its blocks and its lines."""

import pytest

from charbert.correction.code import find_code


def find_parts(text: str) -> list[str]:
    places = find_code(text)
    return [text[start:end] for start, end in zip(places[::2], places[1::2], strict=True) if start < end]


@pytest.mark.parametrize(
    "line",
    (
        "int adress = 3;",
        "  if (adress == 0) return;",
        "print(adress, recieve);",
        "while (adress != nul) {",
        "    def retrun(buf): pass",
        "adress += 1",
        "recieve, self.adress = foo()",
    ),
)
def test_a_line_of_code_is_found_whole(line: str) -> None:
    assert find_parts(f"It is this:\n{line}\nas you see") == [line]


@pytest.mark.parametrize(
    "line",
    (
        "the adress of the goverment;",
        "the adress(es) of the goverment;",
        "The adress (of the goverment) = nothing",
        "He said: I def want it",
        "Adress = where somebody lives",
    ),
)
def test_a_line_of_prose_is_none(line: str) -> None:
    assert find_parts(line) == []


def test_what_is_found_twice_is_given_once() -> None:
    text = "```\nadress = 3;\n```\nand `recieve` = 1;\nand `adress`"
    assert find_parts(text) == ["```\nadress = 3;\n```", "and `recieve` = 1;", "`adress`"]
