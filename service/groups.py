"""Groups of near-duplicate items: a list has one item of a group, and an item stands for its whole group."""

import numpy as np

from embeddings.data.ties import tie_order
from kg.graph import BoolArray, FloatArray, IntArray


class ItemGroups:
    """The groups of two items or more; without any, nothing is computed for a request."""

    def __init__(self, item_group: IntArray) -> None:
        """`item_group`, int64 [n_items], has the same number for all items of a group."""
        _, inverse, sizes = np.unique(item_group, return_inverse=True, return_counts=True)
        self._items = np.flatnonzero(sizes[inverse] > 1)
        self._group = inverse[self._items]
        self._place = np.empty(len(item_group), np.int64)
        self._place[tie_order(len(item_group))] = np.arange(len(item_group))

    def spread(self, items: BoolArray) -> None:
        """Add to the items, bool [n_items], all others of their groups, in place."""
        if len(self._items):
            hit = np.isin(self._group, self._group[items[self._items]])
            items[self._items[hit]] = True

    def best_only(self, scores: FloatArray, allowed: BoolArray) -> BoolArray:
        """The allowed items less all but the best allowed one of each group; ties go by `tie_order`."""
        own = allowed[self._items]
        if not own.any():
            return allowed
        items, group = self._items[own], self._group[own]
        order = np.lexsort((self._place[items], -scores[items], group))
        again = order[1:][np.diff(group[order]) == 0]
        found = allowed.copy()
        found[items[again]] = False
        return found
