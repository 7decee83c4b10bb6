"""Co-occurrence of items within a window of each history."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class CooccurrenceConfig:
    """Window, shrinkage and size limit of the co-occurrence scorer."""

    window: int = 5
    """Two items of a history co-occur if their positions differ by at most this much."""
    shrink: float = 5.0
    """Shrinkage: added to the denominator, so that pairs with few co-occurrences have low similarity."""
    max_pairs: int = 30_000_000
    """If events times window exceeds this, the model is fitted on a random sample of users."""


@dataclass(frozen=True, eq=False)
class Cooccurrence(Scorer[CooccurrenceConfig]):
    """Sum over the history of the number of co-occurrences / (sqrt(product of degrees) + shrink).

    The order of two items within the window does not matter."""

    name: ClassVar[str] = "cooccurrence"
    explains_by_items: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (CooccurrenceConfig(), CooccurrenceConfig(1), CooccurrenceConfig(30))

    similarity: sp.csr_array
    """Items x items, symmetric."""

    @override
    @classmethod
    def fit(
        cls, dataset: Dataset, config: CooccurrenceConfig, seed: int = 0, report: Report = silent
    ) -> Self:
        histories = _sampled(dataset.histories, config.max_pairs // config.window, seed)
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

    @override
    def with_items(self, added: AddedItems, config: CooccurrenceConfig) -> Self:
        return replace(self, similarity=added.squared(self.similarity))


def _pairs(histories: Histories, window: int, n_items: int) -> IntArray:
    """The pairs of events at most `window` positions apart, as lower item * n_items + higher item, int64."""
    items, owner = histories.items, np.repeat(np.arange(len(histories)), histories.lengths)
    parts = [np.zeros(0, np.int64)]
    for apart in range(1, window + 1):
        same = owner[apart:] == owner[:-apart]
        left, right = items[:-apart][same], items[apart:][same]
        parts.append(np.minimum(left, right) * n_items + np.maximum(left, right))
    return np.concatenate(parts)


def _sampled(histories: Histories, most: int, seed: int) -> Histories:
    """All histories, or a random sample of them with at most `most` events in total."""
    if len(histories.items) <= most:
        return histories
    order = np.random.default_rng(seed).permutation(len(histories))
    enough = np.searchsorted(np.cumsum(histories.lengths[order]), most, side="right")
    return histories.select(np.sort(order[:enough]))
