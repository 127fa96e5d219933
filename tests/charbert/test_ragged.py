import numpy as np

from charbert.ragged import Ragged, cumulative_offsets, span_indices

ROWS = Ragged.from_rows([[5, 6], [], [7], [8, 9, 10]], np.int32)


def rows(ragged: Ragged) -> list[list[int]]:
    return [part.tolist() for part in np.split(ragged.values, ragged.offsets[1:-1])]


def test_rows_come_back() -> None:
    assert rows(ROWS) == [[5, 6], [], [7], [8, 9, 10]]
    assert ROWS.lengths.tolist() == [2, 0, 1, 3]


def test_rows_are_taken_in_any_order_and_more_than_once() -> None:
    assert rows(ROWS.take(np.array([3, 1, 0, 3]))) == [[8, 9, 10], [], [5, 6], [8, 9, 10]]


def test_no_rows_can_be_taken() -> None:
    taken = ROWS.take(np.array([], int))
    assert (len(taken.values), taken.offsets.tolist()) == (0, [0])


def test_spans_are_counted_one_after_the_other() -> None:
    assert span_indices(np.array([4, 9, 0]), np.array([2, 0, 3])).tolist() == [4, 5, 0, 1, 2]


def test_offsets_end_with_the_total() -> None:
    assert cumulative_offsets([2, 0, 3]).tolist() == [0, 2, 2, 5]
