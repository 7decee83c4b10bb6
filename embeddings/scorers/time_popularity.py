"""Popularity among the users who were active at about the same time."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories, TimeArray
from embeddings.scorers.base import Scorer
from embeddings.scorers.neighbours import TimeWeights, TrainingUsers, weight_at
from kg.compiled import compiled
from kg.graph import Float64Array, FloatArray, NodeArray
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
        time = histories.times[:, 1]
        places = np.searchsorted(self.times, np.nan_to_num(time)).astype(np.float64)
        places[np.isnan(time) | (not len(self.times))] = np.nan
        weights = TimeWeights(self.width, len(self.times), self._timeless_weight)
        if self.neighbours:
            return self._users.likes_of_similar(histories, self.neighbours, self.shrink, weights, places)
        found = np.zeros((len(histories), self.liked.shape[1]), np.float32)
        timeless = np.isnan(places)
        found[timeless] = np.float32(self._timeless_weight) * self._popularity
        liked = self.liked
        _add_likes_at(
            places, liked.indptr, liked.indices, self.width, weights.n_timed, self.min_weight, found
        )
        return found

    @cached_property
    def _users(self) -> TrainingUsers:
        return TrainingUsers(self.liked)

    @cached_property
    def _popularity(self) -> FloatArray:
        return np.bincount(self.liked.indices, minlength=self.liked.shape[1]).astype(np.float32)

    @property
    def _timeless_weight(self) -> float:
        """The weight of each training user for a user without a known time."""
        return min(1.0, 2 * self.width / self.liked.shape[0])

    @override
    def with_items(self, added: AddedItems, config: TimePopularityConfig) -> Self:
        return replace(self, liked=added.with_columns(self.liked))


@compiled
def _add_likes_at(
    places: Float64Array,
    starts: NodeArray,
    items: NodeArray,
    width: float,
    n_timed: int,
    min_weight: float,
    found: FloatArray,
) -> None:
    """Add the likes of the users around each place to a row of `found`; none where the place is NaN."""
    reach = int(-np.log(min_weight) * width) + 1
    for row, place in enumerate(places):
        if np.isnan(place):
            continue
        for user in range(max(int(place) - reach, 0), min(int(place) + reach, n_timed)):
            weight = np.float32(weight_at(user, place, width, n_timed, 0.0))
            if weight > min_weight:
                for item in items[starts[user] : starts[user + 1]]:
                    found[row, item] += weight
