"""Misspellings that people made."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from charbert.errors import CharBertError
from charbert.noise.attacked import Changes, changed_cores
from charbert.noise.words import Words
from charbert.ragged import Array


class Misspellings:
    """One of the wrong forms of each word that has some, in the word's case.

    A word in small letters, in capitals, or with a capital first and small letters behind is one that may
    change, of any length. A form with white space in it is left out: it would be two words.

    Raises:
        CharBertError: a word has a text and no list of wrong forms.
    """

    def __init__(self, misspellings: Mapping[str, Sequence[str]]) -> None:
        for right, forms in misspellings.items():
            if isinstance(forms, str):
                raise CharBertError(
                    f"misspellings: {right!r} has the text {forms!r}; give a list of wrong words"
                )
        kept = ((right.lower(), _usable(right, forms)) for right, forms in misspellings.items())
        self._forms = {right: forms for right, forms in kept if forms}

    def eligible(self, words: Words) -> Array:
        cores = words.cores(np.arange(len(words.starts)))
        return np.array([core.lower() in self._forms and _has_plain_case(core) for core in cores], bool)

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        pairs = zip(words.cores(rows), draws[:, 0].tolist(), strict=True)
        return changed_cores(words, rows, [self._misspelt(core, draw) for core, draw in pairs])

    def _misspelt(self, core: str, draw: float) -> str:
        forms = self._forms[core.lower()]
        form = forms[int(draw * len(forms))]
        if core.islower():
            return form
        return form.upper() if core.isupper() and len(core) > 1 else form.capitalize()


def codespell_dictionary() -> Path | None:
    """The dictionary of codespell; None where that is not installed."""
    package = find_spec("codespell_lib")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "data" / "dictionary.txt"


@cache
def codespell_misspellings() -> dict[str, tuple[str, ...]]:
    """Right word -> wrong ones, from the dictionary of codespell, which must be installed.

    Raises:
        CharBertError: it is not.
    """
    dictionary = codespell_dictionary()
    if dictionary is None:
        raise CharBertError(
            "natural misspellings: give a list of them, or `pip install codespell` for its own"
        )
    return _inverted(dictionary.read_text(encoding="utf-8").splitlines())


def _inverted(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Of lines such as `wrong->right` and `wrong->right, other right, why it is not replaced by itself`."""
    wrong_forms: dict[str, list[str]] = {}
    for line in lines:
        wrong, _, rights = line.partition("->")
        listed, comma, _ = rights.rpartition(",")
        for right in (listed if comma else rights).split(","):
            wrong_forms.setdefault(right.strip(), []).append(wrong)
    return {right: tuple(forms) for right, forms in wrong_forms.items()}


def _usable(right: str, forms: Sequence[str]) -> tuple[str, ...]:
    lowered = dict.fromkeys(form.lower() for form in forms)
    return tuple(form for form in lowered if form.split() == [form] and form != right.lower())


def _has_plain_case(core: str) -> bool:
    return core.islower() or core.isupper() or core == core.capitalize()
