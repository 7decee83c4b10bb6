"""Threads: how many work at a time, and that results depend neither on their number nor on other work.

A product of matrices that several threads compute is summed in another order than one thread sums it, so its
last digits depend on how many threads there are. Training therefore computes every array in one thread and
computes several arrays at a time, which also needs less time than to share each product.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Given = TypeVar("Given")
Found = TypeVar("Found")


def n_workers() -> int:
    """How many threads can work at a time: the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(
    function: Callable[[Given], Found], values: Iterable[Given], workers: int | None = None
) -> Iterator[Found]:
    """The function's results in the order of the values, by several threads (None: `n_workers()`).

    The values are read in the calling thread, as many as there are threads ahead of the result that is waited
    for, so that memory does not grow with the number of values.
    """
    workers = workers or n_workers()
    pending: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for value in values:
            pending.append(pool.submit(function, value))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """A context in which BLAS uses one thread in the whole process.

    Blocks may be nested, also in threads that are started within one: BLAS has its threads again when the
    thread that limited it leaves its outermost block.
    """
    with _blas().limit(limits=1, user_api="blas"):
        yield
