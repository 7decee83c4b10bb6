"""Items that are added to, or changed in, fitted models: what each model needs to know of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import scipy.sparse as sp

from kg.graph import BoolArray, Float64Array, FloatArray, IntArray, NodeArray

Rows = TypeVar("Rows", FloatArray, NodeArray)

_RIDGE = 1e-3
"""The penalty of the regression on content, as a share of the mean variance of a feature."""

_ROUNDING = 1e-6
"""A column of components whose squared length is below this share of the longest one's says nothing."""


@dataclass(frozen=True, eq=False)
class AddedItems:
    """Items whose content came after training. Old items keep their numbers, new ones follow them."""

    n_old: int
    """How many items the fitted models have."""
    n_items: int
    """How many there are now."""
    node_numbers: IntArray
    """The number now of each node (items, then entities) of the fitted models, int64."""
    n_nodes: int
    """How many nodes there are now."""
    items: IntArray
    """The new items, and the old ones whose content is another now, int64 [m], ascending."""
    text: FloatArray
    """Their centred text vectors, unit rows or zeros, float32 [m, dim]."""
    facts: FloatArray
    """Their facts by the components of `ContentFeatures.facts`, float32 [m, d]."""
    content: FloatArray
    """As `ContentFeatures.extrapolation_features`, float32 [m, d]."""
    content_before: FloatArray
    """The same of all old items as they were, float32 [n_old, d]."""

    @cached_property
    def is_new(self) -> BoolArray:
        """Which of `items` are new, bool [m]."""
        return self.items >= self.n_old

    def with_zeros(self, rows: Rows) -> Rows:
        """Rows [n_old, ...] of the old items, and zeros for the new ones, [n_items, ...]."""
        added = np.zeros((self.n_items - self.n_old, *rows.shape[1:]), rows.dtype)
        found: Rows = np.concatenate([rows, added])
        return found

    def with_rows(self, rows: Rows, own: Rows) -> Rows:
        """Rows [n_old, ...] of the old items, with the rows `own` [m, ...] for `items`, [n_items, ...]."""
        found = self.with_zeros(rows)
        found[self.items] = own
        return found

    def with_new_rows(self, rows: FloatArray, own: FloatArray) -> FloatArray:
        """The same; only new items take theirs of `own` [m, ...]."""
        found = self.with_zeros(rows)
        found[self.items[self.is_new]] = own[self.is_new]
        return found

    def with_columns(self, matrix: sp.csr_array) -> sp.csr_array:
        """A matrix users x items with empty columns for the new items."""
        return _resized(matrix, (matrix.shape[0], self.n_items))

    def squared(self, matrix: sp.csr_array) -> sp.csr_array:
        """A matrix items x items with empty rows and columns for the new items."""
        return _resized(matrix, (self.n_items, self.n_items))

    def of_nodes(self, vectors: FloatArray) -> FloatArray:
        """Vectors of the old nodes at the numbers that they have now, zeros for new ones, [n_nodes, d]."""
        found = np.zeros((self.n_nodes, vectors.shape[1]), vectors.dtype)
        found[self.node_numbers] = vectors
        return found

    def estimated(self, rows: FloatArray) -> FloatArray:
        """What the content of `items` says that their rows would be, by ridge regression on the rows of the
        old items [n_old, d]; float32 [m, d]. Zero rows count for nothing.
        """
        known = rows.any(axis=1)
        content = self.content_before[known]
        if not len(content):
            return np.zeros((len(self.items), rows.shape[1]), np.float32)
        gram = content.T @ content
        gram[np.diag_indices_from(gram)] += max(_RIDGE * float(np.trace(gram)) / len(gram), 1e-6)
        weights = np.linalg.solve(gram, content.T @ rows[known])
        return np.asarray(self.content @ weights, np.float32)


def folded_in(similarity: sp.csr_array, components: FloatArray) -> FloatArray:
    """Rows of a matrix X projected onto its singular vectors V, by their products with the rows of X.

    `similarity` is x X' [m, n], `components` is X V [n, d]; x V = x X' X V S^-2 with S^2 the squared lengths
    of the columns of X V. So neither X nor V need be kept. Float32 [m, d].
    """
    return np.asarray((similarity @ components) * _inverse_squares(components), np.float32)


def rotated(vectors: FloatArray, before: FloatArray, components: FloatArray) -> FloatArray:
    """Vectors [m, dim] by the orthonormal components C of `components` = `before` C, float32 [m, d].

    The components must be eigenvectors of `before`' `before`, or C cannot be told from the products.
    """
    return np.asarray(vectors @ (before.T @ components * _inverse_squares(components)), np.float32)


def _inverse_squares(components: FloatArray) -> Float64Array:
    """One over the squared length of each column [d]; 0 for a column that is only rounding."""
    squares = np.square(components.astype(np.float64)).sum(axis=0)
    counts = squares > _ROUNDING * squares.max(initial=0.0)
    return np.where(counts, 1 / np.maximum(squares, 1e-30), 0.0)


def _resized(matrix: sp.csr_array, shape: tuple[int, int]) -> sp.csr_array:
    rows = shape[0] - matrix.shape[0]
    starts = np.concatenate([matrix.indptr, np.full(rows, matrix.indptr[-1], matrix.indptr.dtype)])
    return sp.csr_array((matrix.data, matrix.indices, starts), shape=shape)
