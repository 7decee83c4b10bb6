"""Scorers over the knowledge graph: its embedding, and graph convolution. Only fitting them loads torch."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import unit_rows
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.scorers.base import Linear, Scorer
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True, eq=False)
class Kge(Linear[KgeConfig]):
    """Cosine of an item's knowledge-graph embedding with the history's mean: facts alone."""

    name: ClassVar[str] = "kge"
    of_content: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (KgeConfig(),)

    vectors: FloatArray
    """Unit vectors of items, then entities [n_nodes, d]."""
    n_items: int

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: KgeConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.graph.kge import with_knowledge

        knowledge = with_knowledge(dataset, config, seed, report).knowledge
        items = np.arange(dataset.n_nodes) < dataset.n_items
        centred = np.where(items[:, None], knowledge - knowledge[items].mean(axis=0), knowledge)
        return cls(unit_rows(centred), dataset.n_items)

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return unit_rows(histories.matrix @ self.item_vectors)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.vectors[: self.n_items]


@dataclass(frozen=True, eq=False)
class Gnn(Scorer[GnnConfig]):
    """Graph convolution over items, entities and interactions; see `embeddings.graph.gnn`."""

    name: ClassVar[str] = "gnn"
    grid: ClassVar[tuple[Any, ...]] = (GnnConfig(),)

    vectors: FloatArray
    """Items, then entities [n_nodes, d]."""
    asking: FloatArray
    """From an item's vector to its place in a history's [d, d]."""
    bias: FloatArray
    """[n_items]"""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.graph.gnn import train_gnn
        from embeddings.graph.kge import with_knowledge

        return cls(*train_gnn(with_knowledge(dataset, config.kge, seed, report), config, seed, report))

    @override
    def score(self, histories: Histories) -> FloatArray:
        items = self.vectors[: len(self.bias)]
        pooled = (histories.matrix @ items) / _pool(histories.lengths)
        return np.asarray((pooled @ self.asking) @ items.T + self.bias, np.float32)


def _pool(lengths: IntArray) -> FloatArray:
    return np.sqrt(np.maximum(lengths, 1)).astype(np.float32)[:, None]
