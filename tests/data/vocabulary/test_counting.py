from collections import Counter
from functools import partial
from random import Random
from typing import Any

import pytest
import tiny
from tokenizers import Tokenizer, models, pre_tokenizers

from data.corpus import files
from data.corpus.files import Document
from data.corpus.sources import batches
from data.vocabulary import counting
from data.vocabulary.counting import count_units
from data.vocabulary.tokenizers import TRAINABLE, spaces_divide

# Where a unit could begin in another place: spaces of all kinds, marks, contractions, joined scripts.
SNIPPETS = (
    *(" ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\x1c", "\x85", "\u200b", "\0"),
    *("'s", "'ll", "don't", "The", "cat", "É", "e\u0301", "\u0301", "ﬁ", "İ", "ß", "Σ", "42", "x²", "½"),
    *(
        "...",
        "—",
        "#",
        "##a",
        "日本",
        "语",
        "हिन्दी",
        "ไทยที่",
        "عربيّ",
        "🙂",
        "❤\ufe0f",
        "\u200d",
        "<s>",
        "[MASK]",
    ),
)


def backend(name: str) -> Tokenizer:
    if name in tiny.KINDS:
        return tiny.stock_tokenizer(name).backend_tokenizer
    form, _, lowercase = name.partition("-")
    return TRAINABLE[form].make(bool(lowercase))


def units_of_whole_texts(backend: Tokenizer, texts: list[str]) -> Counter[str]:
    units: Counter[str] = Counter()
    for text in texts:
        normalised = backend.normalizer.normalize_str(text) if backend.normalizer else text
        pieces = backend.pre_tokenizer.pre_tokenize_str(normalised)
        units.update(normalised[start:end] for _, (start, end) in pieces)
    return units


def words(units: Counter[str]) -> Counter[str]:
    """Space is left out: how many units a run of spaces makes is of no use to anyone."""
    found: Counter[str] = Counter()
    for unit, count in units.items():
        found[unit.strip()] += count
    del found[""]
    return found


def documents(texts: list[str]) -> list[Document]:
    return [Document(number, "", text) for number, text in enumerate(texts)]


@pytest.fixture
def texts() -> list[str]:
    random = Random(1)
    return ["".join(random.choices(SNIPPETS, k=random.randrange(1, 30))) for _ in range(300)]


@pytest.mark.parametrize("name", ("wordpiece", "wordpiece-lowercase", "bpe", *tiny.KINDS))
def test_units_are_those_of_whole_texts(name: str, texts: list[str]) -> None:
    assert spaces_divide(backend(name))
    counted = count_units(backend(name), documents(texts), workers=1).units
    expected = units_of_whole_texts(backend(name), texts)
    assert words(counted) == words(expected)
    assert counting._characters(counted) == counting._characters(expected)


@pytest.mark.parametrize(
    "pre_tokenizer",
    (
        pre_tokenizers.ByteLevel(add_prefix_space=True),
        pre_tokenizers.Split("a c", "isolated"),
        pre_tokenizers.Metaspace(),
    ),
)
def test_a_tokenizer_of_another_kind_sees_whole_texts(pre_tokenizer: Any) -> None:
    other = Tokenizer(models.BPE())
    other.pre_tokenizer = pre_tokenizer
    texts = ["a cat 's\na cat", "a cat 's\na cat", "'s"]
    assert not spaces_divide(other)
    assert count_units(other, documents(texts), workers=1).units == units_of_whole_texts(other, texts)


def test_any_number_of_processes_counts_the_same(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_UNITS", 200)
    monkeypatch.setattr(counting, "batches", partial(batches, characters=500))
    one, three = (count_units(backend("bpe"), documents(texts), workers) for workers in (1, 3))
    assert one.pruned_words > 0
    assert (one.units, one.pruned_words) == (three.units, three.pruned_words)
    assert one.characters() == three.characters()


@pytest.mark.parametrize("name", ("wordpiece", "wordpiece-lowercase", "bpe"))
def test_long_texts_are_counted_in_pieces_as_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Random(5)
    texts = ["".join(generator.choices(SNIPPETS + (" ", "\n") * 5, k=3_000)) for _ in range(3)]
    whole = units_of_whole_texts(backend(name), texts)
    monkeypatch.setattr(files, "PIECE_CHARACTERS", 600)
    counted = count_units(backend(name), documents(texts), workers=1).units
    assert {unit: counted[unit] for unit in counted if unit.strip()} == {
        unit: whole[unit] for unit in whole if unit.strip()
    }


class TestPruning:
    @pytest.fixture
    def counts(self, monkeypatch: pytest.MonkeyPatch) -> counting.UnitCounts:
        monkeypatch.setattr(counting, "MOST_UNITS", 4)
        counts = counting.UnitCounts(backend("wordpiece"))
        counts.add(Counter({"the": 9, "cat": 4, "dog": 2}))
        counts.add(Counter({"The": 1, "owl": 2, "dog": 1}))
        return counts

    def test_the_rarest_units_go(self, counts: counting.UnitCounts) -> None:
        assert counts.units == {"the": 9, "cat": 4}

    def test_what_went_is_still_among_all_words(self, counts: counting.UnitCounts) -> None:
        assert counts.words().total() + counts.pruned_words == 19

    def test_characters_of_what_went_still_count(self, counts: counting.UnitCounts) -> None:
        characters = counts.characters()
        assert (characters["d"], characters["o"], characters["T"], characters["h"]) == (3, 5, 1, 10)
        assert counts.inner_characters() == set("heatogwl")


def test_words_are_in_lower_case_without_the_space_before_them() -> None:
    counts = count_units(backend("bpe"), documents(["The cat\n the Cat's"]), workers=1)
    assert counts.words() == {"the": 2, "cat": 2, "'s": 1}


def test_bytes_are_counted_as_the_letters_of_pieces() -> None:
    counts = count_units(backend("bpe"), documents(["é a é"]), workers=1)
    assert counts.characters() == {"Ã": 2, "©": 2, "Ġ": 2, "a": 1}
