"""Extrapolation of scores to cold items: from items that users liked to all items, by their content."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import scipy.sparse as sp

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset
from embeddings.data.files import Array
from embeddings.data.item_features import ContentNeighbours
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray

METHODS = ("ridge", "knn")
"""Ridge regression of scores on content, and the weighted mean of the nearest neighbours by content."""

_MIN_SIMILARITY = np.float32(1e-3)
"""The weight of a neighbour that content says nothing of, so that weights can be normalized."""


@dataclass(frozen=True)
class ColdItemConfig:
    """How scores are extrapolated to items without interactions."""

    regularisation: float = 3.0
    """The penalty of the ridge regression."""
    max_train_items: int = 3_000
    """The ridge regression uses at most this many items, the most liked; the cost of a request is linear in
    it."""
    neighbours: int = 100
    """How many content neighbours, among the items that have likes, an item's score is the mean of."""


@dataclass(frozen=True, eq=False)
class ColdItemExtrapolator:
    """Two estimates of an item's score from the scores of other items: `METHODS`.

    The ridge regression is w = (C'D C + l I)^-1 C'D s of the scores s of the training items, with their
    content features C and their numbers of likes D; the estimate is C_all w.
    """

    train_items: NodeArray
    """The items that the ridge regression is fitted on, int32 [m]."""
    solver: FloatArray
    """From scores of those items to content weights, D C (C'D C + l I)^-1 [m, d]."""
    content: FloatArray
    """As `ContentFeatures.extrapolation_features`, float32 [n_items, d]."""
    neighbours: NodeArray
    """The nearest liked items of each item, int32 [n_items, k]."""
    neighbour_weights: FloatArray
    """Their weights, rows sum to one, float32 [n_items, k]; 0 where there are fewer."""

    @classmethod
    def fit(cls, dataset: Dataset, neighbours: ContentNeighbours, config: ColdItemConfig) -> Self:
        """Fit on the items that users of the dataset liked."""
        content = dataset.content.extrapolation_features
        most = np.argsort(-dataset.degrees, kind="stable")[: config.max_train_items]
        train = np.sort(most[dataset.degrees[most] > 0]).astype(np.int32)
        weighted = content[train] * np.sqrt(dataset.degrees[train]).astype(np.float32)[:, None]
        gram = weighted.T @ content[train]
        gram[np.diag_indices_from(gram)] += config.regularisation
        solver = np.linalg.solve(gram, weighted.T).T.astype(np.float32)
        nearest = _nearest_liked(neighbours, dataset.degrees > 0, config.neighbours)
        return cls(train, np.ascontiguousarray(solver), content, *nearest)

    def content_weights(self, scores: FloatArray) -> FloatArray:
        """The regression's weights w, [v, b, d], of scores [v, b, n_items]."""
        v, b, _ = scores.shape
        some = scores[:, :, self.train_items].reshape(v * b, len(self.train_items))
        return (some @ self.solver).reshape(v, b, self.solver.shape[1])

    def score_items(self, scores: FloatArray, content_weights: FloatArray, items: IntArray) -> FloatArray:
        """Scores [v, b, n_items] extrapolated to some items [m], the same for every user: [v * 2, b, m]."""
        v, b, n = scores.shape
        ridge = content_weights @ self.content[items].T
        columns = self.neighbours[items]
        starts = np.arange(len(items) + 1) * columns.shape[1]
        parts = (self.neighbour_weights[items].ravel(), columns.ravel(), starts)
        mean = sp.csr_array(parts, shape=(len(items), n))
        knn = np.asarray(mean @ scores.reshape(v * b, n).T).T.reshape(v, b, len(items))
        return _interleaved(ridge, knn)

    def score_candidates(
        self, scores: FloatArray, content_weights: FloatArray, candidates: IntArray
    ) -> FloatArray:
        """Scores [v, b, n_items] extrapolated to each user's own candidates [b, c]: [v * 2, b, c]."""
        ridge, knn = np.empty((2, len(scores), *candidates.shape), np.float32)
        for row, own in enumerate(candidates):
            ridge[:, row] = content_weights[:, row] @ self.content[own].T
            near = scores[:, row][:, self.neighbours[own]]
            knn[:, row] = np.einsum("vcn,cn->vc", near, self.neighbour_weights[own])
        return _interleaved(ridge, knn)

    def with_items(self, added: AddedItems, neighbours: NodeArray, weights: FloatArray) -> Self:
        """The extrapolator with items that came after training; their rows of neighbours are [m, k]."""
        return replace(
            self,
            content=added.with_rows(self.content, added.content),
            neighbours=added.with_rows(self.neighbours, neighbours),
            neighbour_weights=added.with_rows(self.neighbour_weights, weights),
        )

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The extrapolator whose `arrays()` these are."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def _interleaved(ridge: FloatArray, knn: FloatArray) -> FloatArray:
    """[v, b, m] twice as [v * 2, b, m]: both methods of the first scorer, then of the second, ..."""
    return np.stack([ridge, knn], axis=1).reshape(2 * len(ridge), *ridge.shape[1:]).astype(np.float32)


def _nearest_liked(
    neighbours: ContentNeighbours, liked: BoolArray, count: int
) -> tuple[NodeArray, FloatArray]:
    """The first `count` neighbours of each item that have likes, and their weights; 0 for missing ones."""
    valid = liked[neighbours.items] & np.isfinite(neighbours.similarity)
    first = np.argsort(~valid, axis=1, kind="stable")[:, :count]
    similarity = np.take_along_axis(neighbours.similarity, first, 1)
    weights = neighbour_weights(similarity, np.take_along_axis(valid, first, 1))
    return np.take_along_axis(neighbours.items, first, 1), weights


def neighbour_weights(similarity: FloatArray, valid: BoolArray) -> FloatArray:
    """Weights of neighbours, rows sum to one, float32 [m, k]; 0 where a neighbour is not valid."""
    weights = np.where(valid, np.maximum(similarity, _MIN_SIMILARITY), np.float32(0))
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), _MIN_SIMILARITY), np.float32)
