"""Texts with real misspellings in them: which words are wrong, and what was meant."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from charbert.errors import CharBertError
from charbert.noise import Attack
from data.commands import at_least
from data.misspellings import read_misspellings
from data.sources import read_documents

SHORTEST_LINE = 60  # characters: no headings


class MisspeltText(NamedTuple):
    """A text, and for the place (start, end) of each of its wrong words the right one, in its letter case."""

    text: str
    meant: dict[tuple[int, int], str]


def add_misspelling_options(parser: argparse.ArgumentParser) -> None:
    """What `misspelt_lists` makes its texts of, and the model that reads them."""
    parser.add_argument("text", metavar="TEXT", help="clean text, any that `python -m data` reads")
    parser.add_argument("--model", required=True, metavar="DIR", help="output folder of pre-training")
    parser.add_argument(
        "--misspellings", required=True, nargs="+", metavar="FILE", help="lists of misspellings"
    )
    parser.add_argument(
        "--lines", type=at_least(1), default=1000, metavar="N", help="paragraphs (default: %(default)s)"
    )
    parser.add_argument(
        "--rate", type=float, default=0.1, help="share of the words of a list (default: %(default)s)"
    )
    parser.add_argument(
        "--uses", type=at_least(1), default=10, metavar="N", help="of a right word (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the misspellings (default: %(default)s)")


def misspelt_lists(given: argparse.Namespace) -> dict[str, list[MisspeltText]]:
    """The paragraphs with the misspellings of each list, by the name of its file.

    Raises:
        CharBertError: the text or a list cannot be read or used.
    """
    lines = clean_lines(given.text, given.lines)
    return {
        Path(path).name: misspelt(lines, single_words(path), given.rate, given.uses, given.seed)
        for path in given.misspellings
    }


def clean_lines(source: str | Path, count: int) -> list[str]:
    """The first paragraphs of a text, longer than a heading.

    Raises:
        CharBertError: the text cannot be read, or has none.
    """
    lines = (line for document in read_documents(source) for line in document.text.splitlines())
    kept = list(islice((line for line in lines if len(line) >= SHORTEST_LINE), count))
    if not kept:
        raise CharBertError(f"{source}: has no line of {SHORTEST_LINE} characters; give running text")
    return kept


def single_words(path: str | Path) -> dict[str, tuple[str, ...]]:
    """The right words of a list of misspellings and their wrong forms, those alone that are letters only.

    Raises:
        CharBertError: as `read_misspellings`, or there is none.
    """
    kept = {
        right: tuple(filter(str.isalpha, wrong))
        for right, wrong in read_misspellings(path).items()
        if right.isalpha()
    }
    if not any(kept.values()):
        raise CharBertError(f"{path}: no misspelling of letters only")
    return {right: wrong for right, wrong in kept.items() if wrong}


def misspelt(
    texts: Sequence[str], misspellings: Mapping[str, Sequence[str]], rate: float, uses: int, seed: int
) -> list[MisspeltText]:
    """The texts with a share of their words misspelt.

    Args:
        texts: any.
        misspellings: right words -> wrong ones.
        rate: the share of the words that have a misspelling.
        uses: how often a word is misspelt at most, over all texts: else most would be "teh" and "adn".
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
