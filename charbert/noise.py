"""Character edits on words: drop, add, swap, keyboard (Section 4.1 and the attack of Section 5)."""

from collections.abc import Callable, Sequence
from random import Random

EDITS = ("drop", "add", "swap", "keyboard")
PRETRAINING_EDITS = ("drop", "add", "swap")
SHORTEST_EDITED = 4
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Each letter of a QWERTY keyboard -> the letters beside, above and below it."""
    places = {letter: (row, column) for row, keys in enumerate(_ROWS) for column, letter in enumerate(keys)}
    return {
        letter: "".join(
            other
            for other, (row, column) in places.items()
            # Each row stands half a key to the right of the one above.
            if abs((column + row / 2) - (there[1] + there[0] / 2)) <= 1
            and abs(row - there[0]) <= 1
            and other != letter
        )
        for letter, there in places.items()
    }


NEIGHBOURS = _neighbours()


def noise_word(word: str, random: Random, edits: Sequence[str] = PRETRAINING_EDITS) -> str:
    """The word with one edit on its internal characters; first and last stay.

    A word of fewer than four characters gets a character added, if `"add"` is among the edits: inside, or
    after the only one. An edit that would change nothing is not drawn; where every edit would, the word comes
    back as it is.

    Args:
        word: at least one character.
        random: where the draws come from.
        edits: the edits to draw from, each as likely as the others.
    """
    possible = list(edits) if len(word) >= SHORTEST_EDITED else [edit for edit in edits if edit == "add"]
    while possible:
        edit = random.choice(possible)
        places, change = _EDITS[edit]
        candidates = places(word)
        if candidates:
            return change(word, random.choice(candidates), random)
        possible.remove(edit)
    return word


def _internal(word: str) -> Sequence[int]:
    return range(1, len(word) - 1)


def _gaps(word: str) -> Sequence[int]:
    return range(1, max(2, len(word)))


def _swappable(word: str) -> Sequence[int]:
    return [index for index in range(1, len(word) - 2) if word[index] != word[index + 1]]


def _on_keyboard(word: str) -> Sequence[int]:
    return [index for index in _internal(word) if word[index].lower() in NEIGHBOURS]


def _drop(word: str, index: int, random: Random) -> str:
    return word[:index] + word[index + 1 :]


def _add(word: str, index: int, random: Random) -> str:
    return word[:index] + _in_case_of(word[index - 1], random.choice(_LETTERS)) + word[index:]


def _swap(word: str, index: int, random: Random) -> str:
    return word[:index] + word[index + 1] + word[index] + word[index + 2 :]


def _keyboard(word: str, index: int, random: Random) -> str:
    letter = random.choice(NEIGHBOURS[word[index].lower()])
    return word[:index] + _in_case_of(word[index], letter) + word[index + 1 :]


def _in_case_of(model: str, letter: str) -> str:
    return letter.upper() if model.isupper() else letter


_EDITS: dict[str, tuple[Callable[[str], Sequence[int]], Callable[[str, int, Random], str]]] = {
    "drop": (_internal, _drop),
    "add": (_gaps, _add),
    "swap": (_swappable, _swap),
    "keyboard": (_on_keyboard, _keyboard),
}
