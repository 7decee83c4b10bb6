"""Random walks over the graph of users and items."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from embeddings.scorers.neighbours import nearest_items
from kg.graph import FloatArray, NodeArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class Rp3BetaConfig:
    """Popularity penalty and neighbourhood size."""

    beta: float = 0.6
    """The probability of reaching an item is divided by the number of its users to this power."""
    neighbours: int = 200
    """Number of items kept for each item where a walk begins."""


@dataclass(frozen=True, eq=False)
class Rp3Beta(Scorer[Rp3BetaConfig]):
    """RP3beta (Paudel et al. 2017): walks of three steps, from the user over an item and another user.

    score(j) = sum over the history's items i of sum over users u of i and j of 1 / (d_i d_u d_j^beta), where
    d is the number of likes.
    """

    name: ClassVar[str] = "rp3beta"
    explains_by_items: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (Rp3BetaConfig(), Rp3BetaConfig(0.3), Rp3BetaConfig(0.8))

    transitions: sp.csr_array
    """History items x scored items; each row keeps its highest entries."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: Rp3BetaConfig, seed: int = 0, report: Report = silent) -> Self:
        lengths = np.maximum(np.diff(dataset.liked.indptr), 1).astype(np.float32)
        from_user = sp.csr_array(sp.diags_array(1 / lengths) @ dataset.liked)
        degree = np.maximum(dataset.degrees, 1).astype(np.float32)
        penalty = degree**-config.beta

        def probability(item: int, others: NodeArray, reached: FloatArray) -> FloatArray:
            return np.asarray(reached * penalty[others] / degree[item], np.float32)

        return cls(nearest_items(dataset, from_user, probability, config.neighbours, cls.name, report))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return rows_times(histories.matrix, self.transitions)

    @override
    def with_items(self, added: AddedItems, config: Rp3BetaConfig) -> Self:
        return replace(self, transitions=added.squared(self.transitions))
