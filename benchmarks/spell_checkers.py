"""Plain dictionary spell checkers: a word is wrong that their dictionary lacks, whatever stands around it."""

import importlib.resources
import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from charbert.correction.corrector import CorrectedWord, Suggestion
from charbert.correction.rule import SHORTEST, looks_like_a_name
from charbert.errors import CharBertError
from charbert.recognizer.reading import match_case

MOST_EDITS = 2
SYMSPELL_DICTIONARY = "frequency_dictionary_en_82_765.txt"
WORDS = re.compile(r"[^\W\d_]+")


class Checker(NamedTuple):
    """A dictionary, and what it offers for a word in small letters that it lacks, best first."""

    words: Collection[str]
    suggest: Callable[[str], Sequence[str]]

    def find_wrong(self, text: str, leave_names: bool = False) -> list[CorrectedWord]:
        """The words of a text that the dictionary lacks.

        Args:
            text: any; its words are the runs of three letters or more.
            leave_names: pass over what looks like a name, which `charbert.correct` does if in doubt.
        """
        found = []
        for match in WORDS.finditer(text):
            word, (start, end) = match[0], match.span()
            if len(word) < SHORTEST or word.lower() in self.words:
                continue
            if leave_names and looks_like_a_name(text, start, end):
                continue
            offered = [Suggestion(match_case(each, word), 0.0) for each in self.suggest(word.lower())]
            correction = offered[0].word if offered else word
            found.append(CorrectedWord(start, end, word, correction, offered))
        return found


def pyspellchecker() -> Checker:
    """The words of pyspellchecker, and its candidates by their frequency."""
    spell = _import("spellchecker", "pyspellchecker").SpellChecker(distance=MOST_EDITS)

    @cache
    def suggest(word: str) -> list[str]:
        candidates = spell.candidates(word) or set()
        return sorted(candidates - {word}, key=lambda each: (-spell[each], each))

    return Checker(frozenset(spell.word_frequency.words()), suggest)


def symspellpy() -> Checker:
    """symspellpy with the dictionary that comes with it; its candidates by distance, then frequency."""
    package = _import("symspellpy", "symspellpy")
    spell = package.SymSpell(max_dictionary_edit_distance=MOST_EDITS)
    with importlib.resources.as_file(importlib.resources.files(package) / SYMSPELL_DICTIONARY) as path:
        spell.load_dictionary(str(path), term_index=0, count_index=1)

    @cache
    def suggest(word: str) -> list[str]:
        return [found.term for found in spell.lookup(word, package.Verbosity.ALL, MOST_EDITS)]

    return Checker(frozenset(spell.words), suggest)


CHECKERS = {"pyspellchecker": pyspellchecker, "symspellpy": symspellpy}


def _import(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CharBertError(
            f"{package} is not installed: `pip install {package}`, or leave it out"
        ) from error
