"""Every task tokenises in one way, and spells where it can."""

from typing import Any

import pytest
import tiny

from finetune.tasks.base import tokenize

TEXTS = ("the lazy dog", "a fox ~")  # a tuple, which a tokenizer alone would take for words


@pytest.mark.parametrize("pairs", [None, ("", "the word")])
def test_a_stock_tokenizer_gives_what_it_gives_by_itself(stock: Any, pairs: Any) -> None:
    theirs = stock(list(TEXTS), pairs and list(pairs), truncation=True, max_length=6)
    assert dict(tokenize(stock, TEXTS, pairs, truncation=True, max_length=6)) == dict(theirs)


@pytest.mark.parametrize("pairs", [None, ("", "the word")])
def test_a_tokenizer_that_can_spell_does(tokenizer: Any, pairs: Any) -> None:
    encoded = tokenize(tokenizer, TEXTS, pairs)
    assert dict(encoded) == dict(tokenizer(list(TEXTS), pairs and list(pairs), return_spelling=True))
    assert set(tiny.SPELLED) <= set(encoded)


def test_the_spelling_can_be_left_out(tokenizer: Any) -> None:
    assert not set(tiny.SPELLED) & set(tokenize(tokenizer, TEXTS, return_spelling=False))
