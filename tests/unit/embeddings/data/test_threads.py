from threading import Barrier, get_ident

import numpy as np
import pytest
import scipy.linalg  # loads its BLAS
from threadpoolctl import threadpool_info, threadpool_limits

from embeddings.data.threads import in_parallel, n_workers, single_blas_thread


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        yield


def test_results_stand_in_the_order_of_the_values() -> None:
    """Two calls run at the same time: each waits for the other."""
    both = Barrier(2, timeout=30)

    def squared(value: int) -> tuple[int, int]:
        both.wait()
        return value**2, get_ident()

    found = list(in_parallel(squared, range(4), workers=2))
    assert [square for square, _ in found] == [0, 1, 4, 9]
    assert len({thread for _, thread in found}) == 2


def test_values_are_read_a_few_ahead() -> None:
    read = []
    found = in_parallel(str, (read.append(n) or n for n in range(100)), workers=3)
    assert next(found) == "0"
    assert read == [0, 1, 2, 3]
    assert list(found) == [str(n) for n in range(1, 100)]
    assert n_workers() >= 1


def test_an_error_of_a_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda n: 1 // n, [1, 0, 2], workers=2))


def test_blas_has_one_thread_until_the_outer_block_is_left(two_threads) -> None:
    """Blocks within it, in the same thread and in another one, change nothing when they are left."""
    assert scipy.linalg.norm(np.ones(4)) == 2

    def inner() -> None:
        with single_blas_thread():
            pass

    assert blas_threads() == {2}
    with single_blas_thread():
        inner()
        assert blas_threads() == {1}
        list(in_parallel(lambda _: inner(), range(4), workers=2))
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_a_decorated_function_has_one_thread_at_each_call(two_threads) -> None:
    found = single_blas_thread()(blas_threads)
    assert (found(), blas_threads(), found(), blas_threads()) == ({1}, {2}, {1}, {2})
