"""Texts with real misspellings in them: which words are wrong, and what was meant.

Every other paragraph is read, and half of the right words of each list are misspelled, the same in all lists:
the weights of the correction's rule were fitted on the others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from charbert.errors import CharBertError
from charbert.noise import Attack, read_misspellings
from data.corpus.sources import read_documents

SHORTEST_LINE = 60  # characters: no headings


class MisspeltText(NamedTuple):
    """A text, and for the span (start, end) of each of its wrong words the right one, in its letter case."""

    text: str
    meant: dict[tuple[int, int], str]


def read_lines(source: str | Path, count: int) -> list[str]:
    """Every other one of the first paragraphs of a text that are longer than a heading.

    Raises:
        CharBertError: the text cannot be read, or has none.
    """
    lines = (line for document in read_documents(source) for line in document.text.splitlines())
    kept = list(islice((line for line in lines if len(line) >= SHORTEST_LINE), 0, 2 * count, 2))
    if not kept:
        raise CharBertError(f"{source}: has no line of {SHORTEST_LINE} characters; give running text")
    return kept


def read_aligned(wrong: str | Path, right: str | Path) -> tuple[list[str], list[list[str]]]:
    """The lines of a text with errors, and the tokens of each as they should be.

    Raises:
        CharBertError: a file cannot be read, or the two have not as many lines and tokens.
    """
    lines, corrected = (
        [line for document in read_documents(path) for line in document.text.splitlines() if line.strip()]
        for path in (wrong, right)
    )
    tokens = [line.split() for line in corrected]
    if [len(line.split()) for line in lines] != [*map(len, tokens)] or not lines:
        raise CharBertError(f"{right}: is not aligned with {wrong}, line by line and token by token")
    return lines, tokens


def read_half(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Half of a list's right words, and their wrong forms, those alone that are letters only.

    Raises:
        CharBertError: as `read_misspellings`, or there is none.
    """
    kept = {
        right: tuple(filter(str.isalpha, wrong))
        for right, wrong in read_misspellings(path).items()
        if right.isalpha() and crc32(right.encode()) % 2 == 0
    }
    if not any(kept.values()):
        raise CharBertError(f"{path}: too few misspellings of letters only; give a longer list")
    return {right: wrong for right, wrong in kept.items() if wrong}


def misspell(
    texts: Sequence[str], misspellings: Mapping[str, Sequence[str]], rate: float, uses: int, seed: int
) -> list[MisspeltText]:
    """The texts with a share of their words misspelt.

    Args:
        texts: any.
        misspellings: right words -> wrong ones.
        rate: the share of the words that have a misspelling.
        uses: how often a word is misspelt at most, over all texts: else most would be "teh" and "adn", and
            people misspell those more seldom than long and rare ones.
        seed: of the draws.
    """
    used: Counter[str] = Counter()
    made = []
    attack = Attack("natural", rate, seed, misspellings=misspellings)
    for text, attacked in zip(texts, attack.texts(texts), strict=True):
        parts, meant, end, size = [], {}, 0, 0
        for edit in attacked.edits:
            right, wrong = text[edit.start : edit.end], attacked.text[edit.new_start : edit.new_end]
            used[right.lower()] += 1
            if used[right.lower()] > uses:
                continue
            parts += [text[end : edit.start], wrong]
            size += edit.start - end + len(wrong)
            meant[size - len(wrong), size] = right
            end = edit.end
        made.append(MisspeltText("".join([*parts, text[end:]]), meant))
    return made
