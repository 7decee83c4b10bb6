"""Nearest neighbours by interactions: similar items (ItemKNN) and similar users (UserKNN)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from kg.graph import BoolArray, FloatArray, NodeArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class ItemKnnConfig:
    """Neighbourhood size and shrinkage."""

    neighbours: int = 100
    """Number of most similar items kept for each item."""
    shrink: float = 10.0
    """Shrinkage: added to the denominator, so that pairs with few common users have low similarity."""


@dataclass(frozen=True, eq=False)
class ItemKnn(Scorer[ItemKnnConfig]):
    """Sum over the history of the shrunk cosine between items (Sarwar et al. 2001, section 3).

    similarity(i, j) = |users of both| / (sqrt(|users of i| |users of j|) + shrink)
    """

    name: ClassVar[str] = "item_knn"
    explains_by_items: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (ItemKnnConfig(), ItemKnnConfig(20), ItemKnnConfig(300, 100.0))

    similarity: sp.csr_array
    """History items x scored items; each column keeps its nearest neighbours."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: ItemKnnConfig, seed: int = 0, report: Report = silent) -> Self:
        root = np.sqrt(dataset.degrees.astype(np.float32))

        def similarity(item: int, others: NodeArray, common: FloatArray) -> FloatArray:
            return np.asarray(common / (root[item] * root[others] + np.float32(config.shrink)), np.float32)

        found = nearest_items(dataset, dataset.liked, similarity, config.neighbours, cls.name, report)
        return cls(sp.csr_array(found.T.tocsr()))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return rows_times(histories.matrix, self.similarity)


@dataclass(frozen=True)
class UserKnnConfig:
    """Neighbourhood size and shrinkage."""

    neighbours: int = 80
    """Number of most similar users to sum over."""
    shrink: float = 10.0
    """Shrinkage: added to the denominator of the cosine."""


@dataclass(frozen=True, eq=False)
class UserKnn(Scorer[UserKnnConfig]):
    """Sum of the similarities of the nearest users who liked the item (Herlocker et al. 1999).

    similarity(u, v) = |items of both| / (sqrt(|items of u| |items of v|) + shrink)
    """

    name: ClassVar[str] = "user_knn"
    grid: ClassVar[tuple[Any, ...]] = (UserKnnConfig(), UserKnnConfig(30), UserKnnConfig(200))

    liked: sp.csr_array
    """CSR matrix users x items."""
    neighbours: int
    shrink: float

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: UserKnnConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls(dataset.liked, config.neighbours, config.shrink)

    @override
    def score(self, histories: Histories) -> FloatArray:
        similarity = user_similarity(histories, self.liked, self._by_item, self.shrink)
        return weighted_likes(most_similar(similarity, self.neighbours), self.liked)

    @cached_property
    def _by_item(self) -> sp.csr_array:
        return self.liked.T.tocsr()


def weighted_likes(weight: sp.csr_array, liked: sp.csr_array) -> FloatArray:
    """weight @ liked, float32 [users, n_items]; `weight` is users x training users."""
    weight.sort_indices()
    return rows_times(weight, liked)


def user_similarity(
    histories: Histories, liked: sp.csr_array, by_item: sp.csr_array, shrink: float
) -> sp.csr_array:
    """Shrunk cosine with each training user, float32 users x training users; `by_item` is liked.T."""
    x = histories.matrix
    found = sp.csr_array(rows_times(x, by_item) if len(histories) == 1 else x @ by_item)
    roots = np.sqrt(histories.lengths.astype(np.float32))[rows_of(found)]
    roots = roots * np.sqrt(np.diff(liked.indptr))[found.indices]
    found.data = np.asarray(found.data / (roots + np.float32(shrink)), np.float32)
    return found


def most_similar(similarity: sp.csr_array, neighbours: int) -> sp.csr_array:
    """Keep the `neighbours` highest entries of each row and ties with the last; drop zeros."""
    stays = similarity.data > 0
    for first, last in pairwise(similarity.indptr):
        if last - first > neighbours:
            own = similarity.data[first:last]
            lowest = np.partition(own, last - first - neighbours)[last - first - neighbours]
            stays[first:last] &= own >= lowest
    rows, columns = rows_of(similarity)[stays], similarity.indices[stays]
    return sp.csr_array((similarity.data[stays], (rows, columns)), shape=similarity.shape)


def rows_of(matrix: sp.csr_array) -> NodeArray:
    """The row of each entry, int32."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))


RowSimilarity = Callable[[int, NodeArray, FloatArray], FloatArray]
"""From an item, other items and what joins them to it, float32, to their similarity to the item."""


def nearest_items(
    dataset: Dataset,
    by_user: sp.csr_array,
    similarity: RowSimilarity,
    neighbours: int,
    stage: str,
    report: Report,
) -> sp.csr_array:
    """The most similar items of each item, CSR items x items; ties go to the lower item index.

    Items are joined by `liked.T @ by_user`, users x items. It is computed in blocks of items.
    """
    by_item = dataset.liked.T.tocsr()
    blocks: list[sp.csr_array] = []
    step = max(1, 20_000_000 // max(1, dataset.n_items))
    for start in range(0, dataset.n_items, step):
        joined = sp.csr_array(by_item[start : start + step] @ by_user)
        blocks.append(_nearest(joined, start, similarity, neighbours))
        report(stage, min(start + step, dataset.n_items), dataset.n_items)
    return sp.csr_array(sp.vstack(blocks).tocsr())


def _nearest(joined: sp.csr_array, start: int, similarity: RowSimilarity, neighbours: int) -> sp.csr_array:
    """Rows of similarities, from item `start` on, without the item itself and cut to the nearest.

    The rows are processed one at a time to stay in the CPU cache, because most entries are dropped.
    """
    kept, columns = [np.zeros(0, np.float32)], [joined.indices[:0]]
    for item, (first, last) in enumerate(pairwise(joined.indptr), start):
        own = joined.indices[first:last]
        similar = similarity(item, own, joined.data[first:last])
        similar[own == item] = -np.inf
        stays = _highest(similar, own, neighbours)
        kept.append(similar[stays])
        columns.append(own[stays])
    starts = np.cumsum([len(part) for part in kept], dtype=np.int32)
    return sp.csr_array((np.concatenate(kept), np.concatenate(columns), starts), shape=joined.shape)


def _highest(values: FloatArray, names: NodeArray, count: int) -> BoolArray:
    """Positions of the `count` highest values, without -inf; ties with the last go to the lowest names."""
    if len(values) <= count:
        return np.asarray(values > -np.inf)
    last = np.partition(values, len(values) - count)[len(values) - count]
    above = np.asarray(values > last)
    alike = np.flatnonzero((values == last) & (values > -np.inf))
    above[alike[np.argsort(names[alike])[: count - np.count_nonzero(above)]]] = True
    return above
