"""Parallel map over processes: results in order, memory bounded."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TypeVar

from charbert.errors import CharBertError

Item = TypeVar("Item")
Result = TypeVar("Result")
_WAITING_PER_WORKER = 3


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result]:
    """Yield `function(item)` for each item, in the order of the items.

    One worker is this process itself. Of several, each is a process; at most three items a worker are read
    ahead, so that any number of items takes a constant amount of memory.

    Args:
        function: a function at the top of a module.
        items: what `function` is called with; they must be picklable, and so must the results.
        workers: how many processes work.

    Raises:
        CharBertError: a worker was killed, or `items` raised one: that comes after the results of the items
            before it.
    """
    if workers == 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context(), _start_worker)
    pending: deque[Future[Result]] = deque()
    try:
        failure = None
        items = iter(items)
        while failure is None:
            try:
                pending.append(pool.submit(function, next(items)))
            except StopIteration:
                break
            except CharBertError as error:
                failure = error
            if len(pending) > _WAITING_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if failure is not None:
            raise failure
    except BrokenProcessPool as error:
        raise CharBertError(
            f"one of {workers} worker processes was killed (out of memory, perhaps): run the same command "
            "again to go on, with fewer workers if it happens again"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker waits for work on a pipe of which it holds both ends: alone, it would outlive a killed parent.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
