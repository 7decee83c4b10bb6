"""Equal scores stand in one order, which is not the order of the items."""

import numpy as np
import pytest

from embeddings.data.ties import tie_order


def test_the_order_is_a_fixed_permutation() -> None:
    order = tie_order(50)
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))
    tie_order.cache_clear()
    assert tie_order(50).tolist() == order.tolist()


def test_nobody_can_change_the_order() -> None:
    with pytest.raises(ValueError, match="read-only"):
        tie_order(5)[0] = np.int64(1)
