"""Scorers over the knowledge graph: an embedding and a graph network. Only fitting imports torch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import sums_of_rows, unit_rows
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.scorers.base import Linear
from kg.graph import FloatArray
from kg.progress import Report, silent

if TYPE_CHECKING:
    from embeddings.graph.gnn import GraphNetwork


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
        return unit_rows(sums_of_rows(histories.matrix, self.item_vectors))

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

    @override
    def with_items(self, added: AddedItems, config: KgeConfig) -> Self:
        """A new item has the vector that its content says; a new entity has none."""
        vectors = added.of_nodes(self.vectors)
        new = added.items[added.is_new]
        vectors[new] = unit_rows(added.estimated(self.item_vectors)[added.is_new])
        return replace(self, vectors=vectors, n_items=added.n_items)


@dataclass(frozen=True, eq=False)
class Gnn(Linear[GnnConfig]):
    """Products of vectors of items and histories in the graph; see `embeddings.graph.gnn`."""

    name: ClassVar[str] = "gnn"
    grid: ClassVar[tuple[Any, ...]] = (GnnConfig(),)

    vectors: FloatArray
    """Vectors of items, then entities [n_nodes, d]."""
    history_vectors: FloatArray
    """Added up over a history [n_items, d]."""
    bias: FloatArray
    """Item biases [n_items]."""
    likes_bias: FloatArray
    """The same where liked entities are all that is known [n_items]."""
    without_likes: FloatArray
    """Vector and bias that the networks give each item without its likes [n_items, d + 1]."""

    @override
    @classmethod
    def pretrain(
        cls, dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent
    ) -> Callable[[Dataset], Self]:
        from embeddings.graph.gnn import train_gnn

        return partial(cls._placed, train_gnn(dataset, config, seed, report))

    @classmethod
    def _placed(cls, network: "GraphNetwork", dataset: Dataset) -> Self:
        found = network.vectors(dataset)
        return cls(found.nodes, found.history, found.bias, found.likes_bias, found.without_likes)

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls.pretrain(dataset, config, seed, report)(dataset)

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        users = sums_of_rows(histories.matrix, self.history_vectors)
        return np.concatenate([users, np.ones((len(users), 1), np.float32)], axis=1)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self._item_vectors

    @cached_property
    def _any_likes(self) -> bool:
        """Without likes there are no vectors of items, and none of entities."""
        return bool(self.vectors.any())

    @cached_property
    def _item_vectors(self) -> FloatArray:
        return np.concatenate([self.vectors[: len(self.bias)], self.bias[:, None]], axis=1)

    @property
    @override
    def node_vectors(self) -> FloatArray | None:
        return self.vectors if self._any_likes else None

    @override
    def score_likes(self, likes: sp.csr_array) -> FloatArray | None:
        if not self._any_likes:
            return None
        shares = 1 / np.maximum(np.diff(likes.indptr), 1)
        users = (likes @ self.vectors) * shares[:, None]
        return np.asarray(users @ self.vectors[: len(self.bias)].T + self.likes_bias, np.float32)

    @override
    def with_items(self, added: AddedItems, config: GnnConfig) -> Self:
        """A new item has the vector and the bias that its content says the network would give it."""
        vectors, without_likes = added.of_nodes(self.vectors), added.estimated(self.without_likes)
        new, own = added.items[added.is_new], without_likes[added.is_new]
        vectors[new] = own[:, :-1]
        return replace(
            self,
            vectors=vectors,
            history_vectors=added.with_zeros(self.history_vectors),
            bias=added.with_new_rows(self.bias, without_likes[:, -1]),
            likes_bias=added.with_zeros(self.likes_bias),
            without_likes=added.with_new_rows(self.without_likes, without_likes),
        )


def cosines_of_likes(likes: sp.csr_array, vectors: FloatArray, n_items: int) -> FloatArray:
    """Mean cosine of each item with a user's liked nodes, float32 [users, n_items].

    `likes` is users x nodes, ones; `vectors` are unit vectors of items, then entities [n_nodes, d].
    """
    shares = 1 / np.maximum(np.diff(likes.indptr), 1)
    return np.asarray(((likes @ vectors) * shares[:, None]) @ vectors[:n_items].T, np.float32)
