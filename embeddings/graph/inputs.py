"""Inputs of the graph network: what the neighbours of each node in a graph say of it, computed in advance.

The propagation has no weights of its own. It is computed once for each graph, so training costs as much as
that of a linear model (Wu et al. 2019, SGC; Rossi et al. 2020, SIGN). Loads no torch.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from embeddings.data.cold_items import ColdItemConfig, ColdItemExtrapolator
from embeddings.data.dataset import Dataset
from embeddings.data.spectral import SpectralConfig, SpectralVectors
from kg.graph import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class FactAdjacencies:
    """Means over the neighbours that facts give, targets x sources; nodes are items, then entities."""

    to_items: tuple[sp.csr_array, ...]
    """From nodes to items, one matrix for each relation that has an item at an end."""
    to_entities: sp.csr_array
    """From items to entities."""

    @classmethod
    def of(cls, dataset: Dataset) -> "FactAdjacencies":
        """Those of a dataset; the direction of a fact does not count."""
        facts, n_items, n_nodes = dataset.triples, dataset.n_items, dataset.n_nodes
        target, source = np.concatenate([facts.head, facts.tail]), np.concatenate([facts.tail, facts.head])
        relation = np.concatenate([facts.relation, facts.relation])
        to_item = target < n_items
        to_items = (
            _means(target[of], source[of], (n_items, n_nodes))
            for of in ((relation == kind) & to_item for kind in np.unique(relation[to_item]))
        )
        of = ~to_item & (source < n_items)
        return cls(tuple(to_items), _means(target[of] - n_items, source[of], (n_nodes - n_items, n_items)))


@dataclass(frozen=True, eq=False)
class ContentInputs:
    """What does not depend on likes."""

    dataset: Dataset
    knowledge: FloatArray
    """Unit vectors of the knowledge-graph embedding, float32 [n_nodes, k]."""

    @cached_property
    def adjacencies(self) -> FactAdjacencies:
        """Of the facts."""
        return FactAdjacencies.of(self.dataset)

    @property
    def text(self) -> FloatArray:
        """Centred text vectors, float32 [n_items, t]."""
        return self.dataset.content.text


@dataclass(frozen=True, eq=False)
class GraphInputs:
    """A graph with the vectors of the items that have likes in it, and what they say of the other nodes."""

    content: ContentInputs
    dataset: Dataset
    """Whose likes are in the graph."""
    history: FloatArray
    """Vectors that are added up over a history, float32 [n_items, d]; 0 without likes."""
    items: FloatArray
    """Vectors of the items that have likes, float32 [n_items, d]; 0 for the others."""

    @classmethod
    def of(
        cls, content: ContentInputs, dataset: Dataset, config: SpectralConfig, reference: FloatArray | None
    ) -> "GraphInputs":
        """The graph with the likes of a dataset; `reference` as for `_rotation`, None: left as they are."""
        vectors = SpectralVectors.of(dataset.liked, config)
        liked = (dataset.degrees > 0)[:, None]
        history, items = _padded(vectors.history * liked, config), _padded(vectors.items * liked, config)
        items /= max(float(np.sqrt(np.square(items).sum() / max(liked.sum(), 1))), 1e-9)
        if reference is not None:
            rotation = _rotation(items, reference)
            history, items = history @ rotation, items @ rotation
        return cls(content, dataset, history, items)

    @property
    def has_likes(self) -> BoolArray:
        """Bool [n_items]."""
        return self.dataset.degrees > 0

    @cached_property
    def entities(self) -> FloatArray:
        """The mean vector of the items of each entity that have likes, float32 [entities, d]."""
        liked = self.has_likes.astype(np.float32)
        share = self.content.adjacencies.to_entities @ liked
        mean = self.content.adjacencies.to_entities @ self.items
        return np.asarray(mean / np.maximum(share, 1e-9)[:, None], np.float32)

    def of_items(self, items: IntArray) -> "ItemInputs":
        """The inputs of some items, by content and neighbours alone."""
        columns = np.ascontiguousarray(self.items.T)[None]
        near = self.content.dataset.content_neighbours
        extrapolator = ColdItemExtrapolator.fit(self.dataset, near, ColdItemConfig())
        ridge, neighbours = extrapolator.score_items(columns, extrapolator.content_weights(columns), items)
        nodes = np.concatenate([self.items, self.entities])
        content = self.content
        related = [np.asarray(matrix[items] @ nodes, np.float32) for matrix in content.adjacencies.to_items]
        empty = np.zeros((0, len(items), nodes.shape[1]), np.float32)
        return ItemInputs(
            np.ascontiguousarray(ridge.T),
            np.ascontiguousarray(neighbours.T),
            np.stack(related) if related else empty,
            content.text[items],
            content.knowledge[items],
        )


@dataclass(frozen=True, eq=False)
class ItemInputs:
    """The inputs of m items: NumPy arrays, or torch tensors in training."""

    ridge: Any
    """The vectors of liked items, extrapolated by ridge regression on content, float32 [m, d]."""
    neighbours: Any
    """The same by the nearest items in content [m, d]."""
    related: Any
    """The mean vector of the neighbours by each relation [relations, m, d]."""
    text: Any
    """[m, t]"""
    knowledge: Any
    """[m, k]"""


def _means(target: IntArray, source: IntArray, shape: tuple[int, int]) -> sp.csr_array:
    """Ones at the distinct pairs, divided by the number of their row."""
    matrix = sp.csr_array((np.ones(len(target), np.float32), (target, source)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    counts = np.maximum(np.diff(matrix.indptr), 1).astype(np.float32)
    return sp.csr_array(sp.diags_array(1 / counts) @ matrix)


def _padded(vectors: FloatArray, config: SpectralConfig) -> FloatArray:
    """Vectors with columns of 0 up to `config.factors`: a small graph has fewer."""
    return np.pad(vectors, ((0, 0), (0, config.factors - vectors.shape[1])))


def _rotation(vectors: FloatArray, reference: FloatArray) -> FloatArray:
    """The rotation that brings vectors [n, d] nearest to those of another graph (Schönemann 1966).

    Singular vectors are unique up to sign, and nearly equal singular values mix; scores do not change.
    """
    left, _, right = np.linalg.svd(vectors.T @ reference)
    return np.asarray(left @ right, np.float32)
