"""Carries scores from items that somebody liked to all items, by what is known of their content."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from embeddings.data.files import Array
from embeddings.data.item_features import Nearest
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray

NEIGHBOURS = 100
RIDGE = 3.0
SPEAKING = 3_000
"""So many items at most, those that most people liked, have a say in the ridge: each of its answers reads a
row for each of them, whatever else there is."""

WAYS = ("ridge", "knn")
"""By ridge regression on content, and by the mean of neighbours in content."""


@dataclass(frozen=True, eq=False)
class ColdItemExtrapolator:
    """Two ways to guess an item's score from those of others: ridge regression on content, and neighbours."""

    speaking: NodeArray
    """The items, among those liked, that have a say in the ridge, int32 [m]."""
    inward: FloatArray
    """Their scores to weights of content [m, d]."""
    outward: FloatArray
    """Content, as `Content.wide` [n_items, d]."""
    neighbours: NodeArray
    """The nearest known items of each item, int32 [n_items, k]."""
    weights: FloatArray
    """How much each of them counts, rows sum to one [n_items, k]."""

    @classmethod
    def fit(cls, dataset: Dataset, nearest: Nearest) -> Self:
        """From the items that somebody in the dataset liked."""
        outward = dataset.content.wide
        most = np.argsort(-dataset.degrees, kind="stable")[:SPEAKING]
        speaking = np.sort(most[dataset.degrees[most] > 0]).astype(np.int32)
        weighted = outward[speaking] * np.sqrt(dataset.degrees[speaking]).astype(np.float32)[:, None]
        gram = weighted.T @ outward[speaking]
        gram[np.diag_indices_from(gram)] += RIDGE
        inward = np.linalg.solve(gram, weighted.T).T.astype(np.float32)
        return cls(speaking, np.ascontiguousarray(inward), outward, *_known(nearest, dataset.degrees > 0))

    def content_weights(self, scores: FloatArray) -> FloatArray:
        """Scores [v, b, n_items] as weights of content [v, b, d]."""
        v, b, _ = scores.shape
        some = scores[:, :, self.speaking].reshape(v * b, len(self.speaking))
        return (some @ self.inward).reshape(v, b, self.inward.shape[1])

    def to_all(self, scores: FloatArray, content_weights: FloatArray, items: IntArray) -> FloatArray:
        """Scores [v, b, n_items] extrapolated to some items [m], the same for all: [v * ways, b, m]."""
        v, b, n = scores.shape
        ridge = content_weights @ self.outward[items].T
        columns = self.neighbours[items]
        starts = np.arange(len(items) + 1) * columns.shape[1]
        near = sp.csr_array((self.weights[items].ravel(), columns.ravel(), starts), shape=(len(items), n))
        nearest = np.asarray(near @ scores.reshape(v * b, n).T).T.reshape(v, b, len(items))
        return _by_source(ridge, nearest)

    def to_each(self, scores: FloatArray, content_weights: FloatArray, items: IntArray) -> FloatArray:
        """Scores [v, b, n_items] extrapolated to items of each user's own [b, c]: [v * ways, b, c]."""
        ridge, near = np.empty((2, len(scores), *items.shape), np.float32)
        for row, own in enumerate(items):
            ridge[:, row] = content_weights[:, row] @ self.outward[own].T
            near[:, row] = np.einsum("vcn,cn->vc", scores[:, row][:, self.neighbours[own]], self.weights[own])
        return _by_source(ridge, near)

    def arrays(self) -> dict[str, Array]:
        """All that was learnt."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The carrier whose `arrays()` these are."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def _by_source(ridge: FloatArray, near: FloatArray) -> FloatArray:
    """[v, b, m] twice as [v * ways, b, m]."""
    return np.stack([ridge, near], axis=1).reshape(2 * len(ridge), *ridge.shape[1:]).astype(np.float32)


def _known(nearest: Nearest, known: BoolArray) -> tuple[NodeArray, FloatArray]:
    """The first NEIGHBOURS that are known, and their weights; 0 for what is missing."""
    there = known[nearest.items] & np.isfinite(nearest.alike)
    first = np.argsort(~there, axis=1, kind="stable")[:, :NEIGHBOURS]
    alike = np.maximum(np.take_along_axis(nearest.alike, first, 1), np.float32(1e-3))
    weights = np.where(np.take_along_axis(there, first, 1), alike, np.float32(0))
    total = np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-3))
    return np.take_along_axis(nearest.items, first, 1), weights / total
