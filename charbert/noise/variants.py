"""All that an edit can make of a word, for searches."""

from collections.abc import Callable, Iterator, Sequence
from string import ascii_lowercase, ascii_uppercase

from charbert.noise.edits import EDITS, SHORTEST_EDITED
from charbert.noise.keyboards import find_cased_neighbours


def list_variants(word: str, edits: Sequence[str] = EDITS, language: str = "en") -> list[str]:
    """Every word that `noise_words` could make of this one with one of the edits; each once, the word never.

    Args:
        word: the word; the first and the last character stay.
        edits: the edits.
        language: whose keyboard has the neighbouring keys, one of `KEYBOARDS`.

    Raises:
        CharBertError: there is no keyboard for the language.
    """
    neighbours = find_cased_neighbours(language)
    return list(dict.fromkeys(made for edit in edits for made in _VARIANTS[edit](word, neighbours)))


def _internal(word: str) -> range:
    return range(1, len(word) - 1) if len(word) >= SHORTEST_EDITED else range(0)


def _dropped(word: str, neighbours: dict[str, str]) -> Iterator[str]:
    for place in _internal(word):
        yield word[:place] + word[place + 1 :]


def _added(word: str, neighbours: dict[str, str]) -> Iterator[str]:
    for place in range(1, max(len(word), 2) if word else 0):
        before = word[place - 1]
        latin = ascii_uppercase if before.isupper() else ascii_lowercase
        for letter in latin if before.isascii() else word:
            yield word[:place] + letter + word[place:]


def _swapped(word: str, neighbours: dict[str, str]) -> Iterator[str]:
    for place in _internal(word)[:-1]:
        if word[place] != word[place + 1]:
            yield word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _mistyped(word: str, neighbours: dict[str, str]) -> Iterator[str]:
    for place in _internal(word):
        for letter in neighbours.get(word[place], ""):
            yield word[:place] + letter + word[place + 1 :]


_VARIANTS: dict[str, Callable[[str, dict[str, str]], Iterator[str]]] = {
    "drop": _dropped,
    "add": _added,
    "swap": _swapped,
    "keyboard": _mistyped,
}
