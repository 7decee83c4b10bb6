"""Random walks over the graph of users and items."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from embeddings.scorers.neighbours import highest
from kg.graph import FloatArray
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
        by_item = dataset.liked.T.tocsr()
        lengths = np.maximum(np.diff(dataset.liked.indptr), 1).astype(np.float32)
        from_user = sp.csr_array(sp.diags_array(1 / lengths) @ dataset.liked)
        degree = np.maximum(dataset.degrees, 1).astype(np.float32)
        step = max(1, 20_000_000 // max(1, dataset.n_items))
        blocks: list[sp.csr_array] = []
        for start in range(0, dataset.n_items, step):
            reached = sp.csr_array(by_item[start : start + step] @ from_user)
            blocks.append(_nearest(reached, degree, start, config))
            report("rp3beta", min(start + step, dataset.n_items), dataset.n_items)
        return cls(sp.csr_array(sp.vstack(blocks).tocsr()))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return rows_times(histories.matrix, self.transitions)


def _nearest(reached: sp.csr_array, degree: FloatArray, start: int, config: Rp3BetaConfig) -> sp.csr_array:
    """Rows of probabilities with the penalty, without the item itself, cut to the highest."""
    penalty = degree**-config.beta
    kept, columns = [np.zeros(0, np.float32)], [reached.indices[:0]]
    for row, (first, last) in enumerate(pairwise(reached.indptr)):
        own = reached.indices[first:last]
        values = reached.data[first:last] * penalty[own] / degree[row + start]
        values[own == row + start] = -np.inf
        stays = highest(values, own, config.neighbours)
        kept.append(values[stays].astype(np.float32))
        columns.append(own[stays])
    starts = np.cumsum([len(part) for part in kept], dtype=np.int32)
    return sp.csr_array((np.concatenate(kept), np.concatenate(columns), starts), shape=reached.shape)
