import numpy as np
import pytest

from charbert.randomness import derive_keys, permute, uniform


def test_a_key_depends_on_both_its_numbers() -> None:
    keys = {int(derive_keys(key, number)[0]) for key in range(100) for number in range(100)}
    assert len(keys) == 10_000


def test_a_draw_is_the_same_alone_and_among_others() -> None:
    keys = derive_keys(7, np.arange(50))
    assert [float(uniform(keys[[index]], 2)[0]) for index in range(50)] == uniform(keys, 2).tolist()


def test_draws_are_even_and_independent() -> None:
    keys = derive_keys(3, np.arange(100_000))
    draws = np.stack([uniform(keys, purpose) for purpose in range(4)] + [np.roll(uniform(keys, 0), 1)])
    assert draws.min() >= 0
    assert draws.max() < 1
    shares = np.stack([np.histogram(row, 10, (0, 1))[0] for row in draws]) / draws.shape[1]
    assert np.abs(shares - 0.1).max() < 0.005
    assert np.abs(np.corrcoef(draws) - np.eye(len(draws))).max() < 0.015


@pytest.mark.parametrize("size", (1, 2, 3, 10, 97, 1000, 4097))
def test_an_order_has_each_number_once(size: int) -> None:
    assert sorted(permute(np.arange(size), size, 5).tolist()) == list(range(size))


def test_a_place_of_an_order_needs_no_others() -> None:
    whole = permute(np.arange(1000), 1000, 5)
    assert permute(np.array([999, 3]), 1000, 5).tolist() == [whole[999], whole[3]]


def test_each_key_gives_its_own_order() -> None:
    orders = {tuple(permute(np.arange(4), 4, derive_keys(key, 0))) for key in range(500)}
    assert len(orders) == 24


def test_an_order_of_billions_takes_no_memory() -> None:
    size = 3 * 10**12
    numbers = permute(np.arange(size - 1000, size), size, 5)
    assert len(set(numbers.tolist())) == 1000
    assert 0.4 < numbers.mean() / size < 0.6
