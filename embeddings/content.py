"""What is known of items besides who liked them, as dense vectors: text and facts."""

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from embeddings.vectors import unit_rows
from kg.graph import BoolArray, FloatArray, IntArray

DENSE = 256
"""Up to that many rows or columns an exact decomposition is as fast, and the same every time."""

FACTS_DIM = 128
"""Directions kept of the facts."""


class Content:
    """Text and facts of items as vectors, each made when first asked for; float32, zeros for nothing."""

    def __init__(self, text: FloatArray, links: sp.csr_array) -> None:
        """`text` [n_items, dim], maybe empty; `links` nodes x items, ones where a fact joins them."""
        self._text, self._links = text, links

    @cached_property
    def has_text(self) -> BoolArray:
        """Whether an item has text, bool [n_items]."""
        n_items = self._links.shape[1]
        return np.asarray(self._text.any(axis=1)) if self._text.size else np.zeros(n_items, np.bool_)

    @cached_property
    def text(self) -> FloatArray:
        """Text less its mean [n_items, dim], unit rows."""
        if not self._text.size:
            return np.zeros((self._links.shape[1], 1), np.float32)
        return unit_rows(_centred(self._text))

    @cached_property
    def facts(self) -> FloatArray:
        """Facts in their leading directions [n_items, <= FACTS_DIM]; short where these tell little."""
        return np.asarray(self.fact_matrix @ leading(self.fact_matrix, FACTS_DIM), np.float32)

    @cached_property
    def fact_directions(self) -> FloatArray:
        """The same as unit rows, zeros for no facts."""
        return unit_rows(self.facts)

    @cached_property
    def fact_matrix(self) -> sp.csr_array:
        """Facts by inverse document frequency, unit rows, float32 CSR items x nodes."""
        have = sp.csr_array(self._links.T)
        n_items, n_nodes = have.shape
        count = np.bincount(have.indices, minlength=n_nodes)
        idf = np.where(count > 1, np.log(n_items / np.maximum(count, 1)), 0.0).astype(np.float32)
        have.data = idf[have.indices]
        length = np.sqrt(np.asarray(have.multiply(have).sum(axis=1)).ravel())
        return sp.csr_array(sp.diags_array((1 / np.maximum(length, 1e-9)).astype(np.float32)) @ have)

    @property
    def both(self) -> FloatArray:
        """Text and facts side by side."""
        return np.concatenate([self.text, self.facts], axis=1)

    def alike(self, some: IntArray, others: IntArray) -> FloatArray:
        """Cosine of text plus cosine of all facts, float32 [some, others]."""
        return np.asarray(
            self.text[some] @ self.text[others].T
            + (self.fact_matrix[some] @ self.fact_matrix[others].T).toarray(),
            np.float32,
        )


def leading(matrix: sp.csr_array, factors: int, seed: int = 0) -> FloatArray:
    """The right singular vectors of the largest singular values, float32 [columns, <= factors]."""
    count = min(factors, min(matrix.shape) - 1)
    if count < 1 or not matrix.nnz:
        return np.zeros((matrix.shape[1], 1), np.float32)
    if min(matrix.shape) <= DENSE:
        _, _, vectors = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
        return np.ascontiguousarray(vectors[:count].T, np.float32)
    start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
    _, _, vectors = svds(matrix.astype(np.float64), count, v0=start)
    return np.ascontiguousarray(vectors[::-1].T, np.float32)


def _centred(vectors: FloatArray) -> FloatArray:
    """Rows less the mean of those that are not zeros; zeros stay."""
    present = np.asarray(vectors.any(axis=1))
    centre = vectors[present].mean(axis=0) if present.any() else 0.0
    return np.asarray((vectors - centre) * present[:, None], np.float32)
