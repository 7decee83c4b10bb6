"""The items nearest to each item by their texts."""

from collections.abc import Iterator

import numpy as np

from kg.graph import BoolArray, FloatArray, IntArray

BLOCK = 1_024


def nearest(vectors: FloatArray, k: int, threshold: float) -> Iterator[tuple[int, int, float]]:
    """For each row its up to k nearest others by cosine, from `threshold` on: (row, other, cosine).

    `vectors` are of length 1, float32 [n, dim]; rows of zeros are near to nothing. Best first, equals by the
    lower number. Exact; a block of rows is compared at a time.
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
            others = _best(values, k, threshold)
            yield from ((start + row, int(other), float(values[other])) for other in others)


def _best(values: FloatArray, k: int, threshold: float) -> IntArray:
    found = np.flatnonzero(values >= threshold)
    if len(found) > k:
        # all that equal the k-th stay, so that the order below decides between them
        least = np.partition(values[found], len(found) - k)[len(found) - k]
        found = found[values[found] >= least]
    return found[np.lexsort((found, -values[found]))][:k]
