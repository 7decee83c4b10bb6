"""Tie-breaking order of equal scores; evaluation and serving use the same order."""

from functools import lru_cache

import numpy as np

from kg.graph import BoolArray, FloatArray, IntArray


@lru_cache(maxsize=4)
def tie_order(n_items: int) -> IntArray:
    """Items in a fixed random order, by which equal scores are ranked; int64 [n_items], read-only."""
    order = np.random.default_rng(0).permutation(n_items)
    order.flags.writeable = False
    return order


def top_k(scores: FloatArray, allowed: BoolArray, k: int) -> list[int]:
    """The `k` allowed positions with the highest scores, best first; ties are ordered by `tie_order`."""
    order = tie_order(len(scores))
    order = order[allowed[order]]
    if k < len(order):  # sort only the best
        least = -np.partition(-scores[order], k - 1)[k - 1]
        order = order[scores[order] >= least]
    found = order[np.argsort(-scores[order], kind="stable")[:k]]
    return [int(n) for n in found]
