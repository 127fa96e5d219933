"""Texts with real misspellings in them: which words are wrong, and what was meant.

Paragraphs and words come in two halves, which share no paragraph and no misspelled word: `MEASURED` is what
`benchmarks/correction.py` measures on, `FITTED` what the weights of the correction's rule were fitted on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from benchmarks.frame import DeviceSettings
from charbert.commands.settings import REQUIRED, option, positional
from charbert.errors import CharBertError
from charbert.noise import Attack, read_misspellings
from data.corpus.sources import read_documents

MEASURED, FITTED = 0, 1
SHORTEST_LINE = 60  # characters: no headings


class MisspeltText(NamedTuple):
    """A text, and for the place (start, end) of each of its wrong words the right one, in its letter case."""

    text: str
    meant: dict[tuple[int, int], str]


@dataclass(kw_only=True)
class MisspellingSettings(DeviceSettings):
    """What `misspelt_lists` makes its texts of, and the model that reads them."""

    text: str = positional("clean text, any that `python -m data` reads")
    model: str = option(REQUIRED, "output folder of pre-training")
    misspellings: list[str] = option(REQUIRED, "lists of misspellings")
    lines: int = option(500, "paragraphs, every other one of the text", minimum=1)
    rate: float = option(0.25, "share of the words with a wrong form that get one", minimum=0, maximum=1)
    uses: int = option(
        1, "times that a word is misspelt at most; with more, frequent words count more", minimum=1
    )
    seed: int = option(1, "of the misspellings")


def misspelt_lists(
    lines: Sequence[str], half: int, given: MisspellingSettings
) -> dict[str, list[MisspeltText]]:
    """Paragraphs with misspellings of that half of each list, by the name of its file.

    Raises:
        CharBertError: a list cannot be read or used, two have one name, or none misspells a word of the text.
    """
    made: dict[str, list[MisspeltText]] = {}
    for path in given.misspellings:
        if Path(path).name in made:
            raise CharBertError(f"{path}: a second list of this name; rename one of them")
        words = single_words(path, half)
        made[Path(path).name] = misspelt(lines, words, given.rate, given.uses, given.seed)
    if not any(each.meant for texts in made.values() for each in texts):
        raise CharBertError(f"{given.text}: no word of it was misspelt; give more --lines or a higher --rate")
    return made


def clean_lines(source: str | Path, count: int, half: int) -> list[str]:
    """The first paragraphs of that half of a text, longer than a heading.

    Raises:
        CharBertError: the text cannot be read, or has none.
    """
    lines = (line for document in read_documents(source) for line in document.text.splitlines())
    kept = list(islice((line for line in lines if len(line) >= SHORTEST_LINE), half, 2 * count, 2))
    if not kept:
        raise CharBertError(f"{source}: has no two lines of {SHORTEST_LINE} characters; give running text")
    return kept


def single_words(path: str | Path, half: int) -> dict[str, tuple[str, ...]]:
    """That half of a list's right words, and their wrong forms, those alone that are letters only.

    A word is in the same half of every list.

    Raises:
        CharBertError: as `read_misspellings`, or there is none.
    """
    kept = {
        right: tuple(filter(str.isalpha, wrong))
        for right, wrong in read_misspellings(path).items()
        if right.isalpha() and crc32(right.encode()) % 2 == half
    }
    if not any(kept.values()):
        raise CharBertError(f"{path}: too few misspellings of letters only; give a longer list")
    return {right: wrong for right, wrong in kept.items() if wrong}


def misspelt(
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
    for text, attacked in zip(
        texts, Attack("natural", rate, seed, misspellings=misspellings).texts(texts), strict=True
    ):
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
