"""Popularity: the same scores for every user."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class PopularityConfig:
    """The popularity scorer has no settings."""


@dataclass(frozen=True, eq=False)
class Popularity(Scorer[PopularityConfig]):
    """log(1 + number of users who liked the item)."""

    name: ClassVar[str] = "popularity"
    grid: ClassVar[tuple[Any, ...]] = (PopularityConfig(),)

    counts: FloatArray

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: PopularityConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls(np.log1p(dataset.degrees).astype(np.float32))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.tile(self.counts, (len(histories), 1))

    @override
    def with_items(self, added: AddedItems, config: PopularityConfig) -> Self:
        return replace(self, counts=added.with_zeros(self.counts))
