"""Items like those liked before, by who liked them; and what users alike liked."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.dataset import Dataset, Histories
from embeddings.scorers.base import Scorer
from kg.graph import BoolArray, FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class ItemKnnConfig:
    """How alike and how many."""

    neighbours: int = 100
    """How many of the most similar items each item keeps."""
    shrink: float = 10.0
    """Added to the cosine's denominator, so that few common users count for little."""


@dataclass(frozen=True, eq=False)
class ItemKnn(Scorer[ItemKnnConfig]):
    """Sum over the history of the shrunk cosine between items (Sarwar et al. 2001, section 3).

    similarity(i, j) = |users of both| / (sqrt(|users of i| |users of j|) + shrink)
    """

    name: ClassVar[str] = "item_knn"
    grid: ClassVar[tuple[Any, ...]] = (ItemKnnConfig(), ItemKnnConfig(20), ItemKnnConfig(300, 100.0))

    similarity: sp.csr_array
    """From history item (row) to scored item (column); each column keeps its nearest."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: ItemKnnConfig, seed: int = 0, report: Report = silent) -> Self:
        users = dataset.liked.T.tocsr()
        root = np.sqrt(dataset.degrees.astype(np.float32))
        blocks: list[sp.csr_array] = []
        step = max(1, 20_000_000 // max(1, dataset.n_items))
        for start in range(0, dataset.n_items, step):
            common = (users[start : start + step] @ dataset.liked).tocsr()
            blocks.append(_nearest(common, root, start, config))
            report("item_knn", min(start + step, dataset.n_items), dataset.n_items)
        return cls(sp.csr_array(sp.vstack(blocks).T.tocsr()))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.asarray((histories.matrix @ self.similarity).toarray(), np.float32)


@dataclass(frozen=True)
class UserKnnConfig:
    """How many are asked."""

    neighbours: int = 80
    """How many of the most similar users speak."""
    shrink: float = 10.0
    """Added to the cosine's denominator."""


@dataclass(frozen=True, eq=False)
class UserKnn(Scorer[UserKnnConfig]):
    """Sum over the nearest users who liked the item of their similarity (Herlocker et al. 1999).

    similarity(u, v) = |items of both| / (sqrt(|items of u| |items of v|) + shrink)
    """

    name: ClassVar[str] = "user_knn"
    grid: ClassVar[tuple[Any, ...]] = (UserKnnConfig(), UserKnnConfig(30), UserKnnConfig(200))

    liked: sp.csr_array
    """Users x items."""
    neighbours: int
    shrink: float

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: UserKnnConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls(dataset.liked, config.neighbours, config.shrink)

    @override
    def score(self, histories: Histories) -> FloatArray:
        alike = user_similarity(histories, self.liked, self._by_item, self.shrink)
        return weighted_likes(most_alike(alike, self.neighbours), self.liked)

    @cached_property
    def _by_item(self) -> sp.csr_array:
        return self.liked.T.tocsr()


def weighted_likes(weight: FloatArray, liked: sp.csr_array) -> FloatArray:
    """weight @ liked, float32 [askers, n_items], where most of the weight [askers, users] is zero."""
    return np.asarray((sp.csr_array(weight) @ liked).toarray(), np.float32)


def user_similarity(
    histories: Histories, liked: sp.csr_array, by_item: sp.csr_array, shrink: float
) -> FloatArray:
    """The shrunk cosine of each asker with each user, float32 [askers, users]; `by_item` is liked.T."""
    common = (histories.matrix @ by_item).toarray()
    roots = np.sqrt(histories.lengths.astype(np.float32))[:, None] * np.sqrt(np.diff(liked.indptr))
    return np.asarray(common / (roots + np.float32(shrink)), np.float32)


def most_alike(similarity: FloatArray, neighbours: int) -> FloatArray:
    """The same with zeros but for the `neighbours` highest of each row; who ties with the last stays."""
    if similarity.shape[1] <= neighbours:
        return similarity
    last = -np.partition(-similarity, neighbours - 1, axis=1)[:, neighbours - 1]
    return np.where(similarity >= last[:, None], similarity, np.float32(0))


def _nearest(common: sp.csr_array, root: FloatArray, start: int, config: ItemKnnConfig) -> sp.csr_array:
    """Rows of common counts to rows of similarity, cut to the nearest; ties go to the lower item number."""
    common.sort_indices()
    lengths, columns = np.diff(common.indptr), common.indices
    rows = np.repeat(np.arange(common.shape[0]), lengths)
    similar = common.data / (root[rows + start] * root[columns] + np.float32(config.shrink))
    keep = rows + start != columns
    similar[~keep] = -np.inf
    for row in np.flatnonzero(lengths > config.neighbours):
        own = slice(common.indptr[row], common.indptr[row + 1])
        keep[own] &= _highest(similar[own], config.neighbours)
    matrix = sp.csr_array((similar[keep], (rows[keep], columns[keep])), shape=common.shape)
    return matrix.astype(np.float32)


def _highest(values: FloatArray, count: int) -> BoolArray:
    """Which are the `count` highest; of those alike with the last, the first."""
    last = np.partition(values, len(values) - count)[len(values) - count]
    above = np.asarray(values > last)
    above[np.flatnonzero(values == last)[: count - np.count_nonzero(above)]] = True
    return above
