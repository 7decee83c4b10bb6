"""Nearest neighbours of items by the cosine of their texts."""

from collections.abc import Iterator

import numpy as np

from kg.graph import BoolArray, FloatArray, IntArray

BLOCK = 1_024


def nearest(
    vectors: FloatArray, k: int, threshold: float, group: IntArray | None = None
) -> Iterator[tuple[int, int, float]]:
    """Up to k nearest other rows of each row, of cosine >= `threshold`, as (row, other, cosine).

    `vectors` are unit rows, float32 [n, dim]; a zero row has no neighbours. Sorted by descending cosine; ties
    by the lower index. The search is exact and compares a block of rows at a time. `group`, int64 [n], says
    which rows are one: a row has no neighbour of its own group, and one of another.
    """
    n = len(vectors)
    empty: BoolArray = np.abs(vectors).max(axis=1, initial=0.0) == 0.0
    for start in range(0, n, BLOCK):
        scores = vectors[start : start + BLOCK] @ vectors.T
        rows = np.arange(len(scores))
        scores[rows, rows + start] = -np.inf
        scores[empty[start : start + BLOCK]] = -np.inf
        scores[:, empty] = -np.inf
        for row, values in enumerate(scores):
            if group is not None:
                values[group == group[start + row]] = -np.inf
            others = _best(values, k, threshold, group)
            yield from ((start + row, int(other), float(values[other])) for other in others)


def _best(values: FloatArray, k: int, threshold: float, group: IntArray | None) -> IntArray:
    found = np.flatnonzero(values >= threshold)
    if group is None and len(found) > k:
        # keep all ties with the k-th, so that the sort below decides between them
        least = np.partition(values[found], len(found) - k)[len(found) - k]
        found = found[values[found] >= least]
    found = found[np.lexsort((found, -values[found]))]
    if group is not None:
        found = found[np.sort(np.unique(group[found], return_index=True)[1])]
    return found[:k]
