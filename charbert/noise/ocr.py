"""OCR errors: shapes that recognisers of print confuse."""

from collections.abc import Iterable

import numpy as np

from charbert.noise.base import Changes, Kind, replace_cores
from charbert.noise.sampling import count_between, draw_options
from charbert.noise.words import Words
from charbert.ragged import Array

# Each stands for the other too. No digit is taken for another one, since numbers must stay right.
_PAIRS = (
    "e:c h:b n:u a:o i:j i:l f:t g:q v:y C:G D:O O:Q E:F U:V l:1 I:1 I:l O:0 o:0 S:5 B:8 Z:2 z:2 G:6 b:6 g:9 "
    "rn:m in:m ri:n cl:d vv:w VV:W li:h ii:u"
)
_SHORTEST = 2
_ASCII = 128


def pair_both_ways(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Each member of the pairs -> all that it is paired with."""
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return {each: tuple(others) for each, others in found.items()}


PRINT_CONFUSIONS = pair_both_ways((pair.split(":")[0], pair.split(":")[1]) for pair in _PAIRS.split())


def _tables() -> tuple[Array, Array]:
    """The number of confusions of each character, (128,), and of each two of them, (128, 128)."""
    single, double = np.zeros(_ASCII, np.int64), np.zeros((_ASCII, _ASCII), np.int64)
    for shape, others in PRINT_CONFUSIONS.items():
        table = single if len(shape) == 1 else double
        table[tuple(map(ord, shape))] = len(others)
    return single, double


_SINGLE, _DOUBLE = _tables()
_NONE = _ASCII - 1  # a character that is never confused, for all outside of the tables


class OcrError(Kind):
    """One shape taken for another in each word of at least two characters that has such a shape."""

    name = "ocr"
    description = "confusions of print"

    def find_eligible(self, words: Words) -> Array:
        options = count_between(_count_confusions(words), words.core_starts, words.core_ends)
        return (options > 0) & (words.core_lengths >= _SHORTEST)

    def make_changes(self, words: Words, rows: Array, draws: Array) -> Changes:
        starts = words.core_starts[rows]
        positions, numbers = draw_options(
            _count_confusions(words), starts, words.core_ends[rows], draws[:, 1]
        )
        drawn = zip(words.cores(rows), (positions - starts).tolist(), numbers.tolist(), strict=True)
        return replace_cores(words, rows, [_confuse(*each) for each in drawn])


def _count_confusions(words: Words) -> Array:
    """(N,) the number of confusions that begin at each character and end in the same word."""
    # The tables are looked up with each character and the one after it. The sentence "or", "in", "corn" is
    # the text "orincorn": its last r gets the "rn" (for m) that begins there, but the first r no "ri" (for
    # n), as `_NONE` follows the last character of each core.
    codes = np.append(np.minimum(words.codes, _NONE), _NONE)
    following = codes[1:].copy()
    following[words.core_ends[words.core_lengths > 0] - 1] = _NONE
    return _SINGLE[codes[:-1]] + _DOUBLE[codes[:-1], following]


def _confuse(core: str, position: int, number: int) -> str:
    """The core with one of the confusions at a position, numbered from those of one character on."""
    single = PRINT_CONFUSIONS.get(core[position], ())
    if number < len(single):
        return core[:position] + single[number] + core[position + 1 :]
    double = PRINT_CONFUSIONS[core[position : position + 2]]
    return core[:position] + double[number - len(single)] + core[position + 2 :]
