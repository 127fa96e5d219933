"""Spell distances equal those of a plain recursion."""

from functools import cache
from random import Random

import numpy as np
import pytest

from charbert.correction.distance import Spellings


def edits_between(one: str, other: str) -> tuple[int, float]:
    """The least edits, and with them the least distance."""

    def easy(word: str, i: int) -> int:
        return is_vowel(word[i]) or (i > 0 and word[i] == word[i - 1])

    def is_vowel(letter: str) -> bool:
        return letter in "aeiouyé"

    @cache
    def edits(i: int, j: int) -> tuple[int, int]:
        """The edits between the first letters of both, and less the number of easy ones."""
        if not i or not j:
            rest = [(one, k) for k in range(i)] + [(other, k) for k in range(j)]
            return len(rest), -sum(easy(*each) for each in rest)

        def after(before: tuple[int, int], count: int, is_easy: bool) -> tuple[int, int]:
            return before[0] + count, before[1] - (count and is_easy)

        both = is_vowel(one[i - 1]) and is_vowel(other[j - 1])
        options = [
            after(edits(i - 1, j), 1, easy(one, i - 1)),
            after(edits(i, j - 1), 1, easy(other, j - 1)),
            after(edits(i - 1, j - 1), int(one[i - 1] != other[j - 1]), both),
        ]
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
            options.append(after(edits(i - 2, j - 2), 1, True))
        return min(options)

    count, negative = edits(len(one), len(other))
    return count, count + 0.4 * negative


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
        assert numbers.tolist() == [number for number, (edits, _) in wanted.items() if edits <= most]
        assert distances == pytest.approx([wanted[number][1] for number in numbers])


def test_letters_that_share_a_bit_of_the_filter_are_different_letters() -> None:
    far = chr(ord("a") + 64 * 20)
    numbers, distances = Spellings(["bad", f"b{far}d"]).find_near("bad", 1)
    assert (numbers.tolist(), distances.tolist()) == ([0, 1], [0, 1])


def test_a_vocabulary_may_be_empty() -> None:
    numbers, distances = Spellings([]).find_near("word", 2)
    assert len(numbers) == len(distances) == 0


def test_edits_that_people_often_make_count_less() -> None:
    words = ["house", "mouse", "houses", "hause", "houuse", "huose", "hous"]
    numbers, distances = Spellings(words).find_near("house", 1)
    found = dict(zip(np.array(words)[numbers].tolist(), distances.tolist(), strict=True))
    assert found == dict(zip(words, (0, 1, 1, 0.6, 0.6, 0.6, 0.6), strict=True))
