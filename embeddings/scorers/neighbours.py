"""Nearest neighbours by interactions: similar items (ItemKNN) and similar users (UserKNN)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from kg.compiled import compiled
from kg.graph import BoolArray, Float64Array, FloatArray, NodeArray
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

    @override
    def with_items(self, added: AddedItems, config: ItemKnnConfig) -> Self:
        return replace(self, similarity=added.squared(self.similarity))


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
        return self._users.likes_of_similar(histories, self.neighbours, self.shrink)

    @cached_property
    def _users(self) -> "TrainingUsers":
        return TrainingUsers(self.liked)

    @override
    def with_items(self, added: AddedItems, config: UserKnnConfig) -> Self:
        return replace(self, liked=added.with_columns(self.liked))


@dataclass(frozen=True)
class TimeWeights:
    """Weights of training users by their distance from a place in the order of time."""

    width: float
    """A user this many positions away has the weight 1/e."""
    n_timed: int
    """How many users have a time; they stand first, the others have the weight 0."""
    timeless: float
    """The weight of every user where the place is unknown."""


EQUAL_WEIGHTS = TimeWeights(1.0, 0, 1.0)
"""All users count the same."""


class TrainingUsers:
    """The likes of the training users, by user and by item."""

    def __init__(self, liked: sp.csr_array) -> None:
        """`liked` is users x items, ones."""
        self._liked, self._by_item = liked, liked.T.tocsr()
        self._root_of_length = np.sqrt(np.diff(liked.indptr))

    def likes_of_similar(
        self,
        histories: Histories,
        count: int,
        shrink: float,
        times: TimeWeights = EQUAL_WEIGHTS,
        places: Float64Array | None = None,
    ) -> FloatArray:
        """The summed weights of the `count` most similar users who liked each item, float32 [b, n_items].

        A weight is the shrunk cosine with the history times the weight by time; ties with the last count too.
        `places` in the order of time are float64 [b], NaN where unknown (None: all are).
        """
        matrix, by_item, liked = histories.matrix, self._by_item, self._liked
        found = np.zeros((len(histories), liked.shape[1]), np.float32)
        _add_likes_of_similar(
            *(matrix.indptr, matrix.indices, by_item.indptr, by_item.indices, liked.indptr, liked.indices),
            *(self._root_of_length, shrink, count, times.width, times.n_timed, times.timeless),
            np.full(len(histories), np.nan) if places is None else places,
            found,
        )
        return found


@compiled
def _add_likes_of_similar(
    starts: NodeArray,
    items: NodeArray,
    by_item_starts: NodeArray,
    by_item_users: NodeArray,
    by_user_starts: NodeArray,
    by_user_items: NodeArray,
    root_of_length: Float64Array,
    shrink: float,
    count: int,
    width: float,
    n_timed: int,
    timeless: float,
    places: Float64Array,
    found: FloatArray,
) -> None:
    for row in range(len(found)):
        common = np.zeros(len(root_of_length), np.int32)
        for item in items[starts[row] : starts[row + 1]]:
            for user in by_item_users[by_item_starts[item] : by_item_starts[item + 1]]:
                common[user] += 1
        users, own_root = np.flatnonzero(common), np.sqrt(starts[row + 1] - starts[row])
        weights = np.empty(len(users), np.float32)
        for n, user in enumerate(users):
            weights[n] = common[user] / (root_of_length[user] * own_root + shrink)
            weights[n] *= weight_at(user, places[row], width, n_timed, timeless)
        lowest = np.float32(0)
        if len(users) > count:
            lowest = np.partition(weights, len(users) - count)[len(users) - count]
        for n, user in enumerate(users):
            if weights[n] > 0 and weights[n] >= lowest:
                for item in by_user_items[by_user_starts[user] : by_user_starts[user + 1]]:
                    found[row, item] += weights[n]


@compiled
def weight_at(user: Any, place: float, width: float, n_timed: int, timeless: float) -> float:
    """The weight of one training user, see `TimeWeights`."""
    if np.isnan(place):
        return timeless
    return float(np.exp(-abs(user + 0.5 - place) / width)) if user < n_timed else 0.0


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
