import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from charbert.errors import CharBertError
from data.corpus.parallel import ordered_map

both = pytest.mark.parametrize("workers", (1, 2))


def later_first(number: int) -> int:
    time.sleep(0.02 * (3 - number % 4))
    return number


def killed(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@both
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(ordered_map(later_first, range(12), workers)) == list(range(12))


def test_few_items_are_read_ahead() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    results = ordered_map(abs, items(), 2)
    assert next(results) == 0
    assert len(read) < 10
    results.close()


@both
def test_an_error_of_the_items_comes_behind_the_results_before_it(workers: int) -> None:
    def items() -> Iterator[int]:
        yield from (0, 1, 2)
        raise CharBertError("cut")

    results = ordered_map(abs, items(), workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(CharBertError, match="cut"):
        next(results)


def test_a_killed_worker_is_told_in_one_line() -> None:
    with pytest.raises(CharBertError, match="one of 2 worker processes was killed"):
        list(ordered_map(killed, range(4), 2))


def test_workers_end_with_a_killed_parent() -> None:
    program = (
        "import os; from data.corpus.parallel import ordered_map; results = ordered_map(abs, range(99), 2); "
        "next(results); os.kill(os.getpid(), 9)"
    )
    # The pipe of the output is at its end when no process holds it any more.
    ended = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=20)
    assert ended.returncode == -signal.SIGKILL
