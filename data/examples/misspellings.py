"""Lists of real misspellings, in the forms in which they are handed out."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from charbert.errors import CharBertError
from data.corpus.files import decoded
from data.examples.lines import raw_lines

ARROW, RIGHT = "->", "$"
FORMS = (
    "`wrong->right, right` lines (codespell), `$right` before lines of wrong ones (Wikipedia, aspell), "
    "`right wrong wrong` lines, JSON of {wrong: right} or {right: [wrong, ...]}"
)
_WORD = re.compile(r"(?=.*[^\W\d_])[\w'’.-]+")  # with a letter somewhere
_LEAST_ALIKE = 0.25  # of the pairs: 0.93 and more in lists of misspellings, 0.07 and less in other texts
Pairs = Iterator[tuple[str, str]]


def read_misspellings(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Right words -> the wrong ones that people write for them, all in small letters.

    The form is told by the content: `{` begins JSON, in which a text is a right word and a list holds wrong
    ones; an arrow or a `$` in the first line tells the two forms that have them; all other lines are a right
    word and its wrong ones, apart by white space. Left out are pairs of which one is several words (also with
    `_` between them) or no word, and those that differ in case alone.

    Raises:
        CharBertError: the file cannot be read, is in none of these forms, has no pair that can be used, or
            most of its pairs have few letters in common.
    """
    path = Path(path)
    lines = _lines(path)
    first = next(iter(lines.values()), "")
    if first.startswith("{"):
        pairs = _json_pairs(path, "\n".join(lines.values()))
    elif ARROW in first:
        pairs = _arrow_pairs(path, lines)
    elif first.startswith(RIGHT) and len(first.split()) == 1:
        pairs = _listed_pairs(lines)
    else:
        pairs = _column_pairs(path, lines)
    found: dict[str, dict[str, None]] = {}
    for right, wrong in pairs:
        right, wrong = right.lower(), wrong.lower()
        if right != wrong and all("_" not in word and _WORD.fullmatch(word) for word in (right, wrong)):
            found.setdefault(right, {})[wrong] = None
    alike = [_are_alike(right, wrong) for right in found for wrong in found[right]]
    if not alike or sum(alike) < _LEAST_ALIKE * len(alike):
        raise CharBertError(f"{path}: holds no misspellings; give a list in one of these forms: {FORMS}")
    return {right: tuple(wrong) for right, wrong in found.items()}


def _are_alike(right: str, wrong: str) -> bool:
    """Whether half of the letters are in both, wherever they stand."""
    return 2 * (Counter(right) & Counter(wrong)).total() >= max(len(right), len(wrong))


def _lines(path: Path) -> dict[int, str]:
    """The lines that are not blank by their numbers, without the white space around them."""
    lines = {}
    for number, line in raw_lines(path):
        try:
            lines[number] = decoded(line).strip()
        except ValueError as error:
            raise CharBertError(f"{path}: row {number} {error}; convert the file to UTF-8 first") from error
    return {number: line for number, line in lines.items() if line}


def _json_pairs(path: Path, text: str) -> Pairs:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CharBertError(f"{path}: is not JSON ({error})") from error
    for key, value in content.items():
        if isinstance(value, str):
            yield value, key
        elif isinstance(value, list) and all(isinstance(wrong, str) for wrong in value):
            yield from ((key, wrong) for wrong in value)
        else:
            raise CharBertError(
                f"{path}: {key!r} stands neither for a right word nor for a list of wrong ones"
            )


def _arrow_pairs(path: Path, lines: dict[int, str]) -> Pairs:
    for number, line in lines.items():
        wrong, arrow, rights = line.partition(ARROW)
        if not arrow:
            raise CharBertError(
                f"{path}: row {number} has no `{ARROW}` between the wrong word and the right one"
            )
        # What stands behind the last comma may be a remark: several words, which no pair has.
        yield from ((right.strip(), wrong.strip()) for right in rights.split(","))


def _listed_pairs(lines: dict[int, str]) -> Pairs:
    right = ""
    for line in lines.values():
        if line.startswith(RIGHT):
            right = line.removeprefix(RIGHT)
        else:
            yield right, line


def _column_pairs(path: Path, lines: dict[int, str]) -> Pairs:
    rows = [line.split() for line in lines.values()]
    usable = [row for row in rows if len(row) > 1 and _WORD.fullmatch(row[0])]
    if 2 * len(usable) < len(rows):  # real lists have odd rows, but other files have more of them
        number = next(number for number, row in zip(lines, rows, strict=True) if row not in usable)
        raise CharBertError(
            f"{path}: row {number} is no right word with its wrong ones; give a list in one of these forms: "
            f"{FORMS}"
        )
    yield from ((right, wrong) for right, *wrongs in usable for wrong in wrongs)
