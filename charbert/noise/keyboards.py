"""Keyboards of several languages: which letters are beside, above and below each other."""

from functools import cache
from typing import NamedTuple

import numpy as np

from charbert.errors import CharBertError
from charbert.ragged import Array

# From the row of digits down, from the left; a space is a key without a letter.
KEYBOARDS = {
    "cs": (" ěščřžýáíé", "qwertzuiopú", "asdfghjklů", "yxcvbnm"),
    "da": ("", "qwertyuiopå", "asdfghjklæø", "zxcvbnm"),
    "de": ("          ß", "qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "el": ("", " ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    "en": ("", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "es": ("", "qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "fi": ("", "qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
    "fr": (" é    è çà", "azertyuiop", "qsdfghjklmù", "wxcvbn"),
    "it": ("", "qwertyuiopè", "asdfghjklòàù", "zxcvbnm"),
    "nl": ("", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "no": ("", "qwertyuiopå", "asdfghjkløæ", "zxcvbnm"),
    "pl": ("", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "pt": ("", "qwertyuiop", "asdfghjklç", "zxcvbnm"),
    "ru": ("", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "sv": ("", "qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
    "uk": ("", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю"),
}


class KeyTable(NamedTuple):
    """The neighbours of each character by its code point; the last row, of none, is for all others."""

    counts: Array
    letters: Array

    def rows(self, codes: Array) -> Array:
        """The rows of these characters."""
        return np.minimum(codes, len(self.counts) - 1)


def check_language(language: str) -> None:
    """Check that the language has a keyboard.

    Raises:
        CharBertError: it has none; names the languages that have one.
    """
    if language not in KEYBOARDS:
        raise CharBertError(f"no keyboard for the language {language!r}: there are {', '.join(KEYBOARDS)}")


@cache
def find_neighbours(language: str) -> dict[str, str]:
    """Each letter of a keyboard -> the letters beside, above and below it; for a capital these are capitals.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    check_language(language)
    keys = {
        letter: (row, column)
        for row, letters in enumerate(KEYBOARDS[language])
        for column, letter in enumerate(letters)
        if letter != " "
    }
    neighbours = {
        letter: [
            other
            for other, (other_row, other_column) in keys.items()
            # Each row begins half a key to the right of the one above.
            if abs((other_column + other_row / 2) - (column + row / 2)) <= 1
            and abs(other_row - row) <= 1
            and other != letter
        ]
        for letter, (row, column) in keys.items()
    }
    # A letter without one capital of its own (ß, ς) stays small beside capitals.
    capitals = {letter: letter.upper() if letter.upper().lower() == letter else letter for letter in keys}
    cased = {capitals[letter]: [capitals[each] for each in others] for letter, others in neighbours.items()}
    return {letter: "".join(others) for letter, others in (cased | neighbours).items()}


@cache
def key_table(language: str) -> KeyTable:
    """The same as a table, for many letters at a time.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    rows = find_neighbours(language)
    size = max(map(ord, rows)) + 2
    table = KeyTable(np.zeros(size, np.int64), np.zeros((size, max(map(len, rows.values()))), np.uint32))
    for letter, others in rows.items():
        table.counts[ord(letter)] = len(others)
        table.letters[ord(letter), : len(others)] = [ord(other) for other in others]
    return table
