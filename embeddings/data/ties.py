"""Tie-breaking order of equal scores; evaluation and serving use the same order."""

from functools import lru_cache

import numpy as np

from kg.graph import IntArray


@lru_cache(maxsize=4)
def tie_order(n_items: int) -> IntArray:
    """Items in a fixed random order, by which equal scores are ranked; int64 [n_items], read-only."""
    order = np.random.default_rng(0).permutation(n_items)
    order.flags.writeable = False
    return order
