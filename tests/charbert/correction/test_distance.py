"""Spell distances equal those of a plain recursion."""

from functools import cache
from random import Random

import numpy as np
import pytest

from charbert.correction.distance import Spellings


def edits_between(one: str, other: str) -> int:
    @cache
    def edits(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        options = [edits(i - 1, j) + 1, edits(i, j - 1) + 1]
        options.append(edits(i - 1, j - 1) + (one[i - 1] != other[j - 1]))
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
            options.append(edits(i - 2, j - 2) + 1)
        return min(options)

    return edits(len(one), len(other))


def random_words(letters: str, count: int, seed: int) -> list[str]:
    random = Random(seed)
    return ["".join(random.choices(letters, k=random.randint(1, 7))) for _ in range(count)]


@pytest.mark.parametrize("letters", ("ab", "abcdef", "aбßé漢z"))
@pytest.mark.parametrize("most", (0, 1, 2, 3))
def test_all_words_within_so_many_edits_are_found(letters: str, most: int) -> None:
    words = random_words(letters, 150, seed=1)
    spellings = Spellings(words)
    for typed in random_words(letters, 15, seed=2):
        numbers, distances = spellings.find_near(typed, most)
        wanted = {number: edits_between(typed, word) for number, word in enumerate(words)}
        assert numbers.tolist() == [number for number, edits in wanted.items() if edits <= most]
        ends = [(typed[0] != words[n][0]) + (typed[-1] != words[n][-1]) for n in numbers]
        assert (distances == [wanted[n] + end / 2 for n, end in zip(numbers, ends, strict=True)]).all()


def test_letters_that_share_a_bit_of_the_filter_are_different_letters() -> None:
    far = chr(ord("a") + 64 * 5)
    numbers, distances = Spellings(["bad", f"b{far}d"]).find_near("bad", 1)
    assert (numbers.tolist(), distances.tolist()) == ([0, 1], [0, 1])


def test_a_vocabulary_may_be_empty() -> None:
    numbers, distances = Spellings([]).find_near("word", 2)
    assert len(numbers) == len(distances) == 0


def test_an_edit_of_the_first_or_the_last_letter_counts_half_more() -> None:
    words = ["house", "mouse", "houses", "horse"]
    numbers, distances = Spellings(words).find_near("house", 1)
    assert dict(zip(np.array(words)[numbers], distances, strict=True)) == {
        "house": 0,
        "mouse": 1.5,
        "houses": 1.5,
        "horse": 1,
    }
