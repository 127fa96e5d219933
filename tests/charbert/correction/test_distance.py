"""Spell distances equal those of a plain recursion."""

from functools import cache
from random import Random

import pytest

from charbert.correction.distance import Edits, Spellings

ONE_EACH = Edits(*[1.0] * 8)


def distance_between(written: str, meant: str, edits: Edits) -> float:
    """The least cost of edits that make the one of the other."""

    def letter(word: str, i: int, cost: float, doubled: float) -> float:
        if word[i] == "e" and i == len(word) - 1:
            return edits.silent
        return doubled if i and word[i] == word[i - 1] else cost

    def replace(one: str, other: str) -> float:
        alike = any({one, other} <= set(group) for group in ("aeiouyé", "csz", "dt"))
        return 0.0 if one == other else edits.alike if alike else edits.replaced

    @cache
    def cost(i: int, j: int) -> float:
        """Of the first letters of both."""
        options = []
        if i:
            options.append(cost(i - 1, j) + letter(written, i - 1, edits.added, edits.doubled_added))
        if j:
            options.append(cost(i, j - 1) + letter(meant, j - 1, edits.left_out, edits.doubled_left_out))
        if i and j:
            options.append(cost(i - 1, j - 1) + replace(written[i - 1], meant[j - 1]))
        if i > 1 and j > 1 and written[i - 2 : i] == meant[j - 2 : j][::-1]:
            options.append(cost(i - 2, j - 2) + edits.swapped)
        return min(options, default=0.0)

    return cost(len(written), len(meant))


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
        edits = [distance_between(typed, word, ONE_EACH) for word in words]
        assert numbers.tolist() == [number for number, count in enumerate(edits) if count <= most]
        wanted = [distance_between(typed, words[number], Edits()) for number in numbers]
        assert distances == pytest.approx(wanted)


def test_letters_that_share_a_bit_of_the_filter_are_different_letters() -> None:
    far = chr(ord("a") + 64 * 20)
    numbers, distances = Spellings(["bad", f"b{far}d"]).find_near("bad", 1)
    assert (numbers.tolist(), distances.tolist()) == ([0, 1], [0, 6.5])


def test_a_vocabulary_may_be_empty() -> None:
    numbers, distances = Spellings([]).find_near("word", 2)
    assert len(numbers) == len(distances) == 0


def test_edits_that_people_often_make_count_less() -> None:
    words = ["letter", "leatter", "lettter", "leter", "lettr", "lettir", "lettwr", "lteter", "lettere"]
    spellings = Spellings(["letter"])
    found = {word: float(spellings.find_near(word, 1)[1][0]) for word in words}
    assert sorted(words, key=lambda word: found[word]) == [
        *("letter", "lettere", "leter", "lettr", "lettir", "lteter", "lettter", "leatter", "lettwr"),
    ]
