"""The order in which equal scores stand: the same where models are measured and where they serve."""

from functools import lru_cache

import numpy as np

from kg.graph import IntArray


@lru_cache(maxsize=4)
def tie_order(n_items: int) -> IntArray:
    """The fixed random order in which equal scores stand, int64 [n_items], read-only: items by rank."""
    order = np.random.default_rng(0).permutation(n_items)
    order.flags.writeable = False
    return order
