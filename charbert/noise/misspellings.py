"""Real misspellings: the kind of noise "natural", and the lists that it takes (codespell, Wikipedia, ...)."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

from charbert.compression import open_to_read
from charbert.errors import CharBertError
from charbert.noise.base import Kind, MisspellingLists

_ARROW, _RIGHT = "->", "$"
_FORMS = (
    "`wrong->right, right` lines (codespell), `$right` before lines of wrong ones (Wikipedia, aspell), "
    "`right wrong wrong` lines, JSON of {wrong: right} or {right: [wrong, ...]}"
)
_WORD = re.compile(r"(?=.*[^\W\d_])[\w'’.-]+")  # with a letter somewhere
_LEAST_ALIKE = 0.25  # of the pairs: 0.93 and more in lists of misspellings, 0.07 and less in other texts
_Pairs = Iterator[tuple[str, str]]


class Misspelling(Kind):
    """One of the wrong forms of each word that has some, in the word's case.

    A word in small letters, in capitals, or with a capital first and small letters after it may change, of
    any length. A wrong form with white space in it is left out: it would be two words.

    Raises:
        CharBertError: there are no misspellings, or a word has a text and no list of wrong forms.
    """

    name = "natural"
    description = "misspellings that people make"
    takes_misspellings = True
    requirement = "a list of misspellings: install codespell, or name a file with --misspellings"

    def __init__(self, language: str = "en", misspellings: MisspellingLists | None = None) -> None:
        super().__init__(language, misspellings)
        lists = load_codespell() if misspellings is None else misspellings
        for right, wrong in lists.items():
            if isinstance(wrong, str):
                raise CharBertError(
                    f"misspellings: {right!r} has the text {wrong!r}; give a list of wrong words"
                )
        kept = ((right.lower(), _select_forms(right, wrong)) for right, wrong in lists.items())
        self._forms = {right: forms for right, forms in kept if forms}

    @classmethod
    def is_available(cls, misspellings: MisspellingLists | None = None) -> bool:
        return misspellings is not None or find_codespell() is not None

    def is_eligible(self, core: str) -> bool:
        has_plain_case = core.islower() or core.isupper() or core == core.capitalize()
        return has_plain_case and core.lower() in self._forms

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        forms = self._forms[core.lower()]
        form = forms[int(draws[0] * len(forms))]
        if core.islower():
            return form
        return form.upper() if core.isupper() and len(core) > 1 else form.capitalize()


def _select_forms(right: str, forms: Sequence[str]) -> tuple[str, ...]:
    lowered = dict.fromkeys(form.lower() for form in forms)
    return tuple(form for form in lowered if form.split() == [form] and form != right.lower())


def find_codespell() -> Path | None:
    """The dictionary of codespell; None where that is not installed."""
    package = find_spec("codespell_lib")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "data" / "dictionary.txt"


@cache
def load_codespell() -> dict[str, tuple[str, ...]]:
    """Right word -> wrong ones, as the dictionary of codespell has them.

    Raises:
        CharBertError: codespell is not installed.
    """
    path = find_codespell()
    if path is None:
        raise CharBertError(
            'natural misspellings: give a list of them, or `pip install "charbert[misspellings]"` for one'
        )
    return _group(_read_arrows(path, _read_lines(path)))


def read_misspellings(path: str | PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Right words -> the wrong ones that people write for them, all in small letters, from a file.

    The content shows the form: `{` begins JSON, in which a text is a right word and a list holds wrong ones;
    the two forms with an arrow or a `$` have it in the first line; all other lines are a right word and its
    wrong ones, separated by white space. Left out are pairs of which one is several words (also with `_`
    between them) or no word, and those that differ in case alone.

    Raises:
        CharBertError: the file cannot be read, is in none of these forms, has no pair that can be used, or
            most of its pairs have few letters in common.
    """
    path = Path(path)
    lines = _read_lines(path)
    first = next(iter(lines.values()), "")
    if first.startswith("{"):
        pairs = _read_json(path, "\n".join(lines.values()))
    elif _ARROW in first:
        pairs = _read_arrows(path, lines)
    elif first.startswith(_RIGHT) and len(first.split()) == 1:
        pairs = _read_blocks(lines)
    else:
        pairs = _read_columns(path, lines)
    small = [(right.lower(), wrong.lower()) for right, wrong in pairs]
    usable = [pair for pair in small if pair[0] != pair[1] and all(map(_is_word, pair))]
    found = _group(usable)
    alike = [_are_alike(right, wrong) for right in found for wrong in found[right]]
    if not alike or sum(alike) < _LEAST_ALIKE * len(alike):
        raise CharBertError(f"{path}: holds no misspellings; give a list in one of these forms: {_FORMS}")
    return found


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Right words -> their wrong ones, each once."""
    found: dict[str, dict[str, None]] = {}
    for right, wrong in pairs:
        found.setdefault(right, {})[wrong] = None
    return {right: tuple(wrong) for right, wrong in found.items()}


def _is_word(text: str) -> bool:
    return "_" not in text and _WORD.fullmatch(text) is not None


def _are_alike(right: str, wrong: str) -> bool:
    """Whether half of the letters are in both, wherever they are."""
    return 2 * (Counter(right) & Counter(wrong)).total() >= max(len(right), len(wrong))


def _read_lines(path: Path) -> dict[int, str]:
    """The lines that are not blank by their numbers from 1, without the white space around them."""
    with open_to_read(path) as file:
        content = file.read().removeprefix(b"\xef\xbb\xbf")
    if not content:
        raise CharBertError(f"{path}: is empty")
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise CharBertError(f"{path}: row {row} is not UTF-8; convert the file to UTF-8 first") from error
    return {number: line.strip() for number, line in enumerate(lines, start=1) if line.strip()}


def _read_json(path: Path, text: str) -> _Pairs:
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
            raise CharBertError(f"{path}: {key!r} has neither a right word nor a list of wrong ones")


def _read_arrows(path: Path, lines: dict[int, str]) -> _Pairs:
    for number, line in lines.items():
        wrong, arrow, rights = line.partition(_ARROW)
        if not arrow:
            raise CharBertError(
                f"{path}: row {number} has no `{_ARROW}` between the wrong word and the right one"
            )
        # After the last comma there may be nothing, or a remark: several words, as no pair has.
        single = [right for right in map(str.strip, rights.split(",")) if right and " " not in right]
        yield from ((right, wrong.strip()) for right in single)


def _read_blocks(lines: dict[int, str]) -> _Pairs:
    right = ""
    for line in lines.values():
        if line.startswith(_RIGHT):
            right = line.removeprefix(_RIGHT)
        else:
            yield right, line


def _read_columns(path: Path, lines: dict[int, str]) -> _Pairs:
    rows = [line.split() for line in lines.values()]
    usable = [row for row in rows if len(row) > 1 and _WORD.fullmatch(row[0])]
    if 2 * len(usable) < len(rows):  # real lists have odd rows, but other files have more of them
        number = next(number for number, row in zip(lines, rows, strict=True) if row not in usable)
        raise CharBertError(
            f"{path}: row {number} is no right word with its wrong ones; give a list in one of these forms: "
            f"{_FORMS}"
        )
    yield from ((right, wrong) for right, *wrongs in usable for wrong in wrongs)
