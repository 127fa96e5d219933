"""Shapes that recognisers of print mix up."""

from collections.abc import Iterable

import numpy as np

from charbert.noise.attacked import Changes, changed_cores
from charbert.noise.sampling import counts_between, drawn_options
from charbert.noise.words import Words
from charbert.ragged import Array

# Each stands for the other too. No digit is taken for another one, since numbers must hold.
_PAIRS = (
    "e:c h:b n:u a:o i:j i:l f:t g:q v:y C:G D:O O:Q E:F U:V l:1 I:1 I:l O:0 o:0 S:5 B:8 Z:2 z:2 G:6 b:6 g:9 "
    "rn:m in:m ri:n cl:d vv:w VV:W li:h ii:u"
)
_SHORTEST = 2
_ASCII = 128


def both_ways(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Each one of the pairs -> all that it is paired with."""
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return {each: tuple(others) for each, others in found.items()}


PRINT_CONFUSIONS = both_ways((pair.split(":")[0], pair.split(":")[1]) for pair in _PAIRS.split())


def _tables() -> tuple[Array, Array]:
    """How many confusions each character has, (128,), and each two of them, (128, 128)."""
    single, double = np.zeros(_ASCII, np.int64), np.zeros((_ASCII, _ASCII), np.int64)
    for shape, others in PRINT_CONFUSIONS.items():
        table = single if len(shape) == 1 else double
        table[tuple(map(ord, shape))] = len(others)
    return single, double


_SINGLE, _DOUBLE = _tables()
_NONE = _ASCII - 1


class PrintConfusions:
    """One shape taken for another in each word of at least two characters that has such a shape."""

    def eligible(self, words: Words) -> Array:
        options = counts_between(_options(words), words.core_starts, words.core_ends)
        return (options > 0) & (words.core_lengths >= _SHORTEST)

    def changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        starts = words.core_starts[rows]
        places, numbers = drawn_options(_options(words), starts, words.core_ends[rows], draws[:, 1])
        drawn = zip(words.cores(rows), (places - starts).tolist(), numbers.tolist(), strict=True)
        return changed_cores(words, rows, [_confused(core, place, number) for core, place, number in drawn])


def _options(words: Words) -> Array:
    """(N,) how many confusions begin at each character and end in the same word."""
    codes = np.append(np.minimum(words.codes, _NONE), _NONE)
    following = codes[1:].copy()
    following[words.core_ends[words.core_lengths > 0] - 1] = _NONE
    return _SINGLE[codes[:-1]] + _DOUBLE[codes[:-1], following]


def _confused(core: str, place: int, number: int) -> str:
    single = PRINT_CONFUSIONS.get(core[place], ())
    if number < len(single):
        return core[:place] + single[number] + core[place + 1 :]
    double = PRINT_CONFUSIONS[core[place : place + 2]]
    return core[:place] + double[number - len(single)] + core[place + 2 :]
