"""A kind of noise is one class and one call."""

from collections.abc import Iterator, Sequence

import pytest

from charbert.errors import CharBertError
from charbert.noise import KINDS, Attack, Kind, describe_kinds, find_kind, register_kind


class Leet(Kind):
    """Letters written as digits."""

    name = "leet"
    description = "letters written as digits"
    digits = str.maketrans("aeio", "4310")

    def is_eligible(self, core: str) -> bool:
        return core != core.translate(self.digits)

    def change_core(self, core: str, draws: Sequence[float]) -> str:
        return core.translate(self.digits)


@pytest.fixture(autouse=True)
def leet() -> Iterator[None]:
    register_kind(Leet)
    yield
    del KINDS[Leet.name]


def test_a_new_kind_changes_texts_and_sentences() -> None:
    (attacked,) = Attack("leet").texts(["The “noise”, why?"])
    assert attacked.text == "Th3 “n01s3”, why?"
    assert (attacked.words, attacked.eligible, attacked.changed) == (3, 2, 2)
    assert Attack("leet").sentences([["(noise)", "!"]])[0].words == ("(n01s3)", "!")
    assert 0 < Attack("leet", rate=0.5).texts(["noise " * 100])[0].changed < 100


def test_a_new_kind_is_found_and_described() -> None:
    assert find_kind("leet") is Leet
    assert describe_kinds().endswith(", leet (letters written as digits)")
    assert Leet.is_available()


def test_the_kinds_keep_their_order() -> None:
    kinds = "paper drop add swap keyboard natural ocr case space unicode"
    assert list(KINDS) == [*kinds.split(), "leet"]
    assert all(kind.description for kind in KINDS.values())


def test_an_unknown_kind_is_an_error_that_names_the_kinds() -> None:
    with pytest.raises(CharBertError, match=r"no kind of attack 'leat': there are paper, .*, unicode, leet"):
        find_kind("leat")
