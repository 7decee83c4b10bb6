"""The same for everybody: what most users liked."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from embeddings.dataset import Dataset, Histories
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class PopularityConfig:
    """Nothing to set."""


@dataclass(frozen=True, eq=False)
class Popularity(Scorer[PopularityConfig]):
    """log(1 + number of users who liked the item)."""

    name: ClassVar[str] = "popularity"
    grid: ClassVar[tuple[Any, ...]] = (PopularityConfig(),)

    counts: FloatArray

    @classmethod
    def fit(
        cls, dataset: Dataset, config: PopularityConfig, seed: int = 0, report: Report = silent
    ) -> Self:  # noqa: D102
        return cls(np.log1p(dataset.degrees).astype(np.float32))

    def score(self, histories: Histories) -> FloatArray:  # noqa: D102
        return np.tile(self.counts, (len(histories), 1))
