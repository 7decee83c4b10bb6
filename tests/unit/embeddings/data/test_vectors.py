"""Products of sparse rows."""

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.vectors import rows_times, unit_rows


def test_a_single_row_is_the_sum_of_what_it_names() -> None:
    matrix = sp.csr_array(np.array([[0, 1, 0], [4, 0, 2], [0, 0, 8]], np.float32))
    row = sp.csr_array(np.array([[3.0, 0.5, 0.0]], np.float32))
    assert rows_times(row, matrix).tolist() == [[0.5 * 4, 3 * 1, 0.5 * 2]]


@pytest.mark.parametrize("filled", [0.0, 0.02, 0.6])
def test_a_single_row_gives_what_the_general_product_gives(filled: float) -> None:
    rng = np.random.default_rng(0)
    matrix = sp.random_array((50, 40), density=0.2, format="csr", dtype=np.float32, rng=rng)
    rows = sp.random_array((7, 50), density=filled, format="csr", dtype=np.float32, rng=rng)
    alone = np.concatenate([rows_times(rows[[n]], matrix) for n in range(7)])
    assert alone.dtype == np.float32
    np.testing.assert_allclose(alone, rows_times(rows, matrix), rtol=1e-5)


def test_rows_of_zeros_have_no_direction() -> None:
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [
        [0.6000000238418579, 0.800000011920929],
        [0, 0],
    ]
