"""What people liked at about the user's time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories, TimeArray
from embeddings.scorers.base import Scorer
from embeddings.scorers.neighbours import most_alike, rows_of, user_similarity, weighted_likes
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray
from kg.progress import Report, silent

FAINT = 1e-3
"""A user who counts for less is left out, so that an user costs what the era holds and not all there is."""


@dataclass(frozen=True)
class TimePopularityConfig:
    """How wide an era is."""

    users: int = 30
    """A user this many places away in the order of time counts 1/e."""
    neighbours: int = 0
    """Of the users of the era, how many of the most similar speak, by similarity; 0: all, alike."""
    shrink: float = 10.0
    """Added to the denominator of the users' similarity."""


@dataclass(frozen=True, eq=False)
class TimePopularity(Scorer[TimePopularityConfig]):
    """Popularity among the users active at about the same time as the user.

    Users stand in the order of the middle time of their events; user v counts exp(-places between / width)
    for an user of a known time, and all users the same for one of none. Time is measured in users, not in
    days, so the same width fits a busy and a slow service.
    """

    name: ClassVar[str] = "time_popularity"
    grid: ClassVar[tuple[Any, ...]] = (
        TimePopularityConfig(),
        TimePopularityConfig(6),
        TimePopularityConfig(100),
    )

    liked: sp.csr_array
    """Users in the order of their times x items; those of no known time come last."""
    times: TimeArray
    """Epoch seconds, float64, ascending; of the users that have one."""
    width: int
    neighbours: int
    shrink: float

    @override
    @classmethod
    def fit(
        cls, dataset: Dataset, config: TimePopularityConfig, seed: int = 0, report: Report = silent
    ) -> Self:
        when = dataset.histories.when[:, 1]
        order = np.argsort(when, kind="stable")  # NaN last
        times = when[order]
        liked = sp.csr_array(dataset.liked[order])
        return cls(liked, times[~np.isnan(times)], config.users, config.neighbours, config.shrink)

    @override
    def score(self, histories: Histories) -> FloatArray:
        flat = np.isnan(histories.when[:, 1]) | (not len(self.times))
        place = np.searchsorted(self.times, np.nan_to_num(histories.when[:, 1]))
        if self.neighbours:
            alike = user_similarity(histories, self.liked, self._by_item, self.shrink)
            rows = rows_of(alike)
            alike.data *= np.where(flat[rows], self._even, self._closeness(place[rows], alike.indices))
            return weighted_likes(most_alike(alike, self.neighbours), self.liked)
        found = weighted_likes(self._era(place, flat), self.liked)
        found[flat] = self._even * self._popularity
        return found

    def _era(self, place: IntArray, flat: BoolArray) -> sp.csr_array:
        """How much each user counts for the users of a known time, users x users."""
        reach = int(-np.log(FAINT) * self.width) + 1
        first, last = np.maximum(place - reach, 0), np.minimum(place + reach, len(self.times))
        counts = np.where(flat, 0, last - first)
        rows = np.repeat(np.arange(len(place)), counts)
        users = np.arange(len(rows)) + (first - np.cumsum(counts) + counts)[rows]
        weight = self._closeness(place[rows], users)
        stays = weight > FAINT
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
    def _even(self) -> np.float32:
        """How much each user counts for an user of no known time."""
        return np.float32(min(1.0, 2 * self.width / self.liked.shape[0]))

    def _closeness(self, place: IntArray, users: IntArray | NodeArray) -> FloatArray:
        """How much a user counts for an user who stands at a place among them, float32, one each."""
        close = np.exp(-np.abs(users + 0.5 - place) / self.width)
        close[users >= len(self.times)] = 0.0
        return np.asarray(close, np.float32)
