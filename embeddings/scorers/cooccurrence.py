"""What is liked next to what, in the order of each history."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

MOST_PAIRS = 30_000_000
"""With more events times window than this, only some users, drawn by seed, are learnt from."""


@dataclass(frozen=True)
class CooccurrenceConfig:
    """How near is next to."""

    window: int = 5
    """Two events of a history are adjacent when at most so many places apart."""
    shrink: float = 5.0
    """Added to the denominator, so that few meetings count for little."""


@dataclass(frozen=True, eq=False)
class Cooccurrence(Scorer[CooccurrenceConfig]):
    """Sum over the history of times adjacent / (sqrt(product of degrees) + shrink), either way round."""

    name: ClassVar[str] = "cooccurrence"
    grid: ClassVar[tuple[Any, ...]] = (CooccurrenceConfig(), CooccurrenceConfig(1), CooccurrenceConfig(30))

    similarity: sp.csr_array
    """Items x items, symmetric."""

    @override
    @classmethod
    def fit(
        cls, dataset: Dataset, config: CooccurrenceConfig, seed: int = 0, report: Report = silent
    ) -> Self:
        histories = _some(dataset.histories, MOST_PAIRS // config.window, seed)
        items, n = histories.items, dataset.n_items
        pairs = _pairs(histories, config.window, n)
        report("cooccurrence", 1, 2)
        pairs.sort()
        first = np.flatnonzero(np.diff(pairs, prepend=-1))
        rows, columns = np.divmod(pairs[first], n)
        counts = np.diff(first, append=len(pairs)).astype(np.float32)
        root = np.sqrt(np.bincount(items, minlength=n).astype(np.float32))
        similar = counts / (root[rows] * root[columns] + np.float32(config.shrink))
        upper = sp.csr_array((similar, (rows.astype(np.int32), columns.astype(np.int32))), shape=(n, n))
        report("cooccurrence", 2, 2)
        return cls(sp.csr_array(upper + upper.T))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return rows_times(histories.matrix, self.similarity)


def _pairs(histories: Histories, window: int, n_items: int) -> IntArray:
    """Lower item number * n_items + higher, int64, one for each two events no more than `window` apart."""
    items, owner = histories.items, np.repeat(np.arange(len(histories)), histories.lengths)
    parts = [np.zeros(0, np.int64)]
    for apart in range(1, window + 1):
        same = owner[apart:] == owner[:-apart]
        left, right = items[:-apart][same], items[apart:][same]
        parts.append(np.minimum(left, right) * n_items + np.maximum(left, right))
    return np.concatenate(parts)


def _some(histories: Histories, most: int, seed: int) -> Histories:
    """All histories, or as many whole ones, drawn by seed, as have no more than `most` events."""
    if len(histories.items) <= most:
        return histories
    order = np.random.default_rng(seed).permutation(len(histories))
    enough = np.searchsorted(np.cumsum(histories.lengths[order]), most, side="right")
    return histories.select(np.sort(order[:enough]))
