"""Popularity among the users who were active at about the same time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories, TimeArray
from embeddings.scorers.base import Scorer
from embeddings.scorers.neighbours import most_similar, rows_of, user_similarity, weighted_likes
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class TimePopularityConfig:
    """Width of the time window and choice of the users to sum over."""

    width: int = 30
    """A training user this many positions away in the order of time has the weight 1/e."""
    neighbours: int = 0
    """Number of most similar users, weighted by similarity and time; 0: all users, weighted by time alone."""
    shrink: float = 10.0
    """Added to the denominator of the users' similarity."""
    min_weight: float = 1e-3
    """Users with a lower weight are ignored, so that the cost of a request does not grow with the data."""


@dataclass(frozen=True, eq=False)
class TimePopularity(Scorer[TimePopularityConfig]):
    """Popularity among the training users who were active at about the user's time.

    Training users are sorted by the median time of their events. A training user has the weight
    exp(-positions between / width) for a user whose time is known; all have the same weight for a user whose
    time is unknown. Time is measured in users, not in days, so the same width fits a busy and a slow service.
    """

    name: ClassVar[str] = "time_popularity"
    grid: ClassVar[tuple[Any, ...]] = (
        TimePopularityConfig(),
        TimePopularityConfig(6),
        TimePopularityConfig(100),
    )

    liked: sp.csr_array
    """Training users x items; rows are sorted by time, users without a known time are last."""
    times: TimeArray
    """Median times of the users with a known time, epoch seconds, float64, ascending."""
    width: int
    neighbours: int
    shrink: float
    min_weight: float

    @override
    @classmethod
    def fit(
        cls, dataset: Dataset, config: TimePopularityConfig, seed: int = 0, report: Report = silent
    ) -> Self:
        when = dataset.histories.times[:, 1]
        order = np.argsort(when, kind="stable")  # NaN last
        times = when[order]
        liked = sp.csr_array(dataset.liked[order])
        settings = config.width, config.neighbours, config.shrink, config.min_weight
        return cls(liked, times[~np.isnan(times)], *settings)

    @override
    def score(self, histories: Histories) -> FloatArray:
        timeless = np.isnan(histories.times[:, 1]) | (not len(self.times))
        place = np.searchsorted(self.times, np.nan_to_num(histories.times[:, 1]))
        if self.neighbours:
            similarity = user_similarity(histories, self.liked, self._by_item, self.shrink)
            rows = rows_of(similarity)
            similarity.data *= np.where(
                timeless[rows], self._timeless_weight, self._time_weight(place[rows], similarity.indices)
            )
            return weighted_likes(most_similar(similarity, self.neighbours), self.liked)
        found = weighted_likes(self._time_weights(place, timeless), self.liked)
        found[timeless] = self._timeless_weight * self._popularity
        return found

    def _time_weights(self, place: IntArray, timeless: BoolArray) -> sp.csr_array:
        """Weights of the training users for each user with a known time, CSR users x training users."""
        reach = int(-np.log(self.min_weight) * self.width) + 1
        first, last = np.maximum(place - reach, 0), np.minimum(place + reach, len(self.times))
        counts = np.where(timeless, 0, last - first)
        rows = np.repeat(np.arange(len(place)), counts)
        users = np.arange(len(rows)) + (first - np.cumsum(counts) + counts)[rows]
        weight = self._time_weight(place[rows], users)
        stays = weight > self.min_weight
        shape = (len(place), self.liked.shape[0])
        parts = (weight[stays], (rows[stays].astype(np.int32), users[stays].astype(np.int32)))
        return sp.csr_array(parts, shape=shape)

    @cached_property
    def _by_item(self) -> sp.csr_array:
        return self.liked.T.tocsr()

    @cached_property
    def _popularity(self) -> FloatArray:
        return np.bincount(self.liked.indices, minlength=self.liked.shape[1]).astype(np.float32)

    @property
    def _timeless_weight(self) -> np.float32:
        """The weight of each training user for a user without a known time."""
        return np.float32(min(1.0, 2 * self.width / self.liked.shape[0]))

    def _time_weight(self, place: IntArray, users: IntArray | NodeArray) -> FloatArray:
        """Weights of training users for a user at `place` in the order of time, float32, one per entry."""
        close = np.exp(-np.abs(users + 0.5 - place) / self.width)
        close[users >= len(self.times)] = 0.0
        return np.asarray(close, np.float32)
