"""Rows of inputs -> padded batches."""

from typing import Any

import pytest
import tiny
import torch

from charbert.losses import IGNORED
from finetune.batches import Padding, Rows, batch_by_length
from finetune.tasks.base import tokenize

TEXTS = ["the dog", "a quick brown fox jumps over the lazy dog .", "she is jumping"]


def rows(tokens: Any, **more: list[Any]) -> list[dict[str, Any]]:
    encoded = {**tokenize(tokens, TEXTS), **more}
    return [dict(zip(encoded, row, strict=True)) for row in zip(*encoded.values(), strict=True)]


def test_batches_are_padded_as_the_tokenizer_pads(kind: str) -> None:
    tokens = tiny.tokenizer(kind)
    batch = Padding(tokens)(rows(tokens))
    wanted = tokens(TEXTS, return_spelling=True, padding=True, return_tensors="pt")
    assert batch.keys() == wanted.keys()
    for name, tensor in batch.items():
        torch.testing.assert_close(tensor, wanted[name])


def test_labels_of_tokens_are_padded_with_what_counts_for_nothing(stock: Any) -> None:
    labels = [[1] * len(ids) for ids in stock(TEXTS)["input_ids"]]
    batch = Padding(stock)(rows(stock, labels=labels))
    assert torch.equal(batch["labels"] == IGNORED, batch["attention_mask"] == 0)


@pytest.mark.parametrize(("labels", "kind_of"), [([0, 2, 1], torch.int64), ([0.5, 2.0, 1.0], torch.float32)])
def test_a_label_of_a_row_is_a_number(stock: Any, labels: list[Any], kind_of: torch.dtype) -> None:
    batch = Padding(stock)(rows(stock, labels=labels))
    assert batch["labels"].tolist() == labels
    assert batch["labels"].dtype == kind_of


def test_several_labels_at_once_are_not_padded(stock: Any) -> None:
    labels = [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    given = rows(stock, labels=labels)
    for dataset in (given, Rows(given)):
        batch = Padding(stock)([dataset[number] for number in range(3)])
        assert batch["labels"].tolist() == labels


def test_for_a_compiler_lengths_are_rounded_up(kind: str) -> None:
    tokens = tiny.tokenizer(kind)
    batch = Padding(tokens, bucketed=True)(rows(tokens))
    assert batch["input_ids"].shape == (3, 32)
    assert batch["char_input_ids"].shape == (3, 256)
    plain = Padding(tokens)(rows(tokens))
    assert torch.equal(batch["attention_mask"].sum(1), plain["attention_mask"].sum(1))


def test_rows_keep_what_they_are_given(stock: Any) -> None:
    given = rows(stock, labels=[0, 1, 2])
    kept = Rows(given)
    assert len(kept) == 3
    assert [list(kept[number]["input_ids"]) for number in range(3)] == [row["input_ids"] for row in given]


@pytest.mark.parametrize(
    ("lengths", "tokens", "size", "expected"),
    (
        ([3, 9, 1, 8, 2], 18, None, [[1, 3], [0, 4], [2]]),  # 2 are more than half of 3, 1 is less
        ([3, 9, 5, 8, 5], 18, None, [[1, 3], [2, 4, 0]]),
        ([4, 4, 4, 4], 12, None, [[0, 1, 2], [3]]),
        ([4, 4, 4, 4], 100, 2, [[0, 1], [2, 3]]),
        ([30, 1], 10, None, [[0], [1]]),  # what does not fit is alone
        ([], 10, None, []),
    ),
)
def test_batches_hold_rows_of_similar_length(
    lengths: list[int], tokens: int, size: int | None, expected: list[list[int]]
) -> None:
    rows = [{"input_ids": [0] * length} for length in lengths]
    found = list(batch_by_length(rows, tokens, size))
    assert [sorted(batch) for batch in found] == [sorted(batch) for batch in expected]
    for batch in found:
        sizes = [lengths[number] for number in batch]
        assert len(batch) == 1 or (len(batch) * max(sizes) <= tokens and 2 * min(sizes) >= max(sizes))
