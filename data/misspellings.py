"""`python -m data misspellings`: one list of misspellings from several, without those that are to test."""

import re
from dataclasses import dataclass
from pathlib import Path

from charbert.commands.output import output_file
from charbert.commands.paths import FILE
from charbert.commands.results import format_numbers
from charbert.commands.settings import REQUIRED, Settings, option, positional
from charbert.compression import open_to_read, open_to_write
from charbert.errors import CharBertError
from charbert.noise import read_misspellings

_WORD = re.compile(r"[\w'’.-]+")
_MARKS = "_'’.-"


@dataclass(kw_only=True)
class MisspellingsSettings(Settings):
    """Which lists are read, and what is left out of them."""

    lists: list[str] = positional("lists of misspellings, in any form that an attack takes")
    without: list[str] = option(
        [],
        "files whose words are no misspellings of the result: other lists in any form, or texts",
        reads=FILE,
    )
    output: str = option(
        REQUIRED,
        "file to write, perhaps compressed: a right word and its wrong ones a line",
        writes=FILE,
        section="output",
    )
    overwrite: bool = option(False, "write over a file that is there")


def run(settings: MisspellingsSettings) -> None:
    """Write the list, and print how many words and pairs it has, and how many pairs were left out.

    Raises:
        CharBertError: a file cannot be read, is no list, or nothing is left; or the output exists already.
    """
    with output_file(settings) as unfinished:
        found: dict[str, set[str]] = {}
        for path in settings.lists:
            for right, wrong in read_misspellings(path).items():
                found.setdefault(right, set()).update(wrong)
        taken = {word for path in settings.without for word in _read_words(Path(path))}
        kept = {right: sorted(wrong - taken) for right, wrong in sorted(found.items()) if wrong - taken}
        if not kept:
            raise CharBertError("--without: no misspelling is left; give other files")
        with open_to_write(unfinished, Path(settings.output).suffix) as file:
            file.write("".join(f"{right} {' '.join(wrong)}\n" for right, wrong in kept.items()).encode())
    pairs = sum(map(len, kept.values()))
    left_out = sum(map(len, found.values())) - pairs
    print(format_numbers({"words": len(kept), "pairs": pairs, "left_out": left_out}))


def _read_words(path: Path) -> set[str]:
    """All words of a file in small letters: `'acess'` in quotes is `acess` too."""
    with open_to_read(path) as file:
        text = file.read().decode(errors="replace").lower()
    words = _WORD.findall(text)
    return {*words, *(word.strip(_MARKS) for word in words)}
