from random import Random
from typing import Any

import pytest
import tiny

from charbert.losses import IGNORED
from charbert.vocabulary import Vocabulary
from data.corruption import CorruptedExample, Corruption, CorruptionSettings
from data.dataset import blocks

WORDS = Vocabulary(["the", "quick", "brown", "fox", "over", "lazy", "dog", "token", "word", "<unk>"])
LONG_TEXT = " ".join(tiny.SENTENCES) + " "


def corrupt(kind: str, text: str, seed: int = 0, **settings: Any) -> tuple[Any, list[int], CorruptedExample]:
    tokenizer = tiny.tokenizer(kind)
    block, starts = next(blocks(tokenizer, iter([text]), 10_000))
    corruption = Corruption(tokenizer, WORDS, CorruptionSettings(**{"max_length": 100_000, **settings}))
    return tokenizer, block, corruption(block, starts, Random(seed))


def test_nothing_to_do_leaves_the_text(kind: str) -> None:
    tokenizer, block, example = corrupt(kind, LONG_TEXT, noise_probability=0, mlm_probability=0)
    assert example.input_ids == [tokenizer.cls_token_id, *block, tokenizer.sep_token_id]
    assert set(example.labels) == set(example.nlm_labels) == {IGNORED}
    assert not any(example.hidden)


def test_a_mask_shows_neither_token_nor_characters(kind: str) -> None:
    tokenizer, block, example = corrupt(kind, LONG_TEXT * 20, noise_probability=0, mlm_probability=0.5)
    labelled = [label != IGNORED for label in example.labels]
    assert labelled == example.hidden
    originals = [tokenizer.cls_token_id, *block, tokenizer.sep_token_id]
    assert all(
        label in (IGNORED, original) for label, original in zip(example.labels, originals, strict=True)
    )
    masked = [token for token, label in zip(example.input_ids, labelled, strict=True) if label]
    assert masked.count(tokenizer.mask_token_id) / len(masked) == pytest.approx(0.8, abs=0.04)


def test_words_are_masked_whole(kind: str) -> None:
    tokenizer, _, example = corrupt(kind, LONG_TEXT * 10, noise_probability=0, mlm_probability=0.3)
    _, starts = next(blocks(tokenizer, iter([LONG_TEXT * 10]), 10_000))
    inside = zip(starts[1:], example.hidden[2:-1], example.hidden[1:-2], strict=True)
    assert all(hidden == before for start, hidden, before in inside if not start)


def test_the_share_of_masked_tokens_is_the_one_asked_for(kind: str) -> None:
    _, _, example = corrupt(kind, LONG_TEXT * 200, mlm_probability=0.10)
    masked = sum(label != IGNORED for label in example.labels)
    assert masked / len(example.labels) == pytest.approx(0.10, abs=0.01)


def test_the_share_of_noised_words_is_the_one_asked_for(kind: str) -> None:
    words = " ".join(WORDS.entries[:-1]) + " "
    _, _, example = corrupt(kind, words * 400, noise_probability=0.15, mlm_probability=0)
    noised = [
        label
        for label, previous in zip(example.nlm_labels[1:], example.nlm_labels, strict=False)
        if label not in (IGNORED, previous)
    ]
    assert len(noised) / (9 * 400) == pytest.approx(0.15, abs=0.02)


def test_every_piece_of_a_noised_word_predicts_the_word(kind: str) -> None:
    tokenizer, _, example = corrupt(kind, " quick", noise_probability=1, mlm_probability=0)
    assert example.nlm_labels == [
        IGNORED,
        *[WORDS.id("quick")] * (len(example.input_ids) - 2),
        IGNORED,
    ]
    assert tokenizer.decode(example.input_ids, skip_special_tokens=True).strip() != "quick"


def test_a_word_outside_the_vocabulary_is_noised_without_a_label(kind: str) -> None:
    _, block, example = corrupt(kind, "jumping", noise_probability=1, mlm_probability=0)
    assert example.input_ids[1:-1] != block
    assert set(example.nlm_labels) == {IGNORED}


def test_what_has_no_letter_gets_no_noise(kind: str) -> None:
    _, block, example = corrupt(kind, "# . ### .", noise_probability=1, mlm_probability=0)
    assert example.input_ids[1:-1] == block


def test_a_noised_word_is_never_masked(kind: str) -> None:
    _, _, example = corrupt(kind, LONG_TEXT * 10, noise_probability=0.5, mlm_probability=1)
    both = zip(example.labels, example.nlm_labels, strict=True)
    assert all(IGNORED in pair for pair in both)


def test_special_tokens_are_never_masked(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    block = [tokenizer.sep_token_id, tokenizer.unk_token_id]
    corruption = Corruption(tokenizer, WORDS, CorruptionSettings(mlm_probability=1))
    example = corruption(block, [True, True], Random(0))
    assert example.input_ids[1:-1] == block


def test_an_example_is_cut_between_words(kind: str) -> None:
    _, _, example = corrupt(kind, LONG_TEXT, noise_probability=1, mlm_probability=0, max_length=16)
    assert 8 <= len(example.input_ids) <= 16


def test_the_same_generator_gives_the_same_example(kind: str) -> None:
    assert corrupt(kind, LONG_TEXT, seed=3)[2] == corrupt(kind, LONG_TEXT, seed=3)[2]
    assert corrupt(kind, LONG_TEXT, seed=3)[2] != corrupt(kind, LONG_TEXT, seed=4)[2]
