"""Scorers over the knowledge graph: an embedding and a graph network. Only fitting imports torch."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import unit_rows
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.scorers.base import Linear, Scorer
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True, eq=False)
class Kge(Linear[KgeConfig]):
    """Cosine of an item's knowledge-graph embedding and the mean embedding of the history; facts only."""

    name: ClassVar[str] = "kge"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (KgeConfig(),)

    vectors: FloatArray
    """Unit vectors of items, then entities [n_nodes, d]."""
    n_items: int

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: KgeConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.graph.kge import node_embedding

        vectors = node_embedding(dataset, config, seed, report)
        items = np.arange(dataset.n_nodes) < dataset.n_items
        centred = np.where(items[:, None], vectors - vectors[items].mean(axis=0), vectors)
        return cls(unit_rows(centred), dataset.n_items)

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return unit_rows(histories.matrix @ self.item_vectors)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.vectors[: self.n_items]

    @property
    @override
    def node_vectors(self) -> FloatArray:
        return self.vectors

    @override
    def score_likes(self, likes: sp.csr_array) -> FloatArray:
        return cosines_of_likes(likes, self.vectors, self.n_items)


@dataclass(frozen=True, eq=False)
class Gnn(Scorer[GnnConfig]):
    """Graph convolution over items, entities and interactions; see `embeddings.graph.gnn`."""

    name: ClassVar[str] = "gnn"
    grid: ClassVar[tuple[Any, ...]] = (GnnConfig(),)

    vectors: FloatArray
    """Vectors of items, then entities [n_nodes, d]."""
    query_projection: FloatArray
    """Projects the pooled vectors of a history to the query vector [d, d]."""
    bias: FloatArray
    """Item biases [n_items]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.graph.gnn import train_gnn

        return cls(*train_gnn(dataset, config, seed, report))

    @property
    @override
    def node_vectors(self) -> FloatArray:
        return self.vectors

    @override
    def score_likes(self, likes: sp.csr_array) -> FloatArray:
        return cosines_of_likes(likes, self._unit_vectors, len(self.bias))

    @cached_property
    def _unit_vectors(self) -> FloatArray:
        return unit_rows(self.vectors)

    @override
    def score(self, histories: Histories) -> FloatArray:
        items = self.vectors[: len(self.bias)]
        pooled = (histories.matrix @ items) / _pool(histories.lengths)
        return np.asarray((pooled @ self.query_projection) @ items.T + self.bias, np.float32)


def cosines_of_likes(likes: sp.csr_array, vectors: FloatArray, n_items: int) -> FloatArray:
    """Mean cosine of each item with a user's liked nodes, float32 [users, n_items].

    `likes` is users x nodes, ones; `vectors` are unit vectors of items, then entities [n_nodes, d].
    """
    shares = 1 / np.maximum(np.diff(likes.indptr), 1)
    return np.asarray(((likes @ vectors) * shares[:, None]) @ vectors[:n_items].T, np.float32)


def _pool(lengths: IntArray) -> FloatArray:
    return np.sqrt(np.maximum(lengths, 1)).astype(np.float32)[:, None]
