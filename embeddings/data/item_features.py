"""What is known of items besides who liked them, as dense vectors: text and facts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from embeddings.data.vectors import unit_rows
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray

DENSE = 256
"""Up to that many rows or columns an exact decomposition is as fast, and the same every time."""

FACTS_DIM = 128
"""Directions kept of the facts."""

TEXT_WIDE, FACTS_WIDE = 256, 400
"""The same where scores are extrapolated by content: many directions tell a new item from its like."""
COUNT = 0.3
"""How long the number of facts is beside them."""

NEIGHBOURS = 160
"""How many of an item's nearest are kept."""
AMONG = 20_000
"""Neighbours are looked for among that many items; keeps the cost linear."""
BLOCK = 1024


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

    @cached_property
    def wide(self) -> FloatArray:
        """Text and facts in more directions, the log of how many facts, and a constant, [n_items, d]."""
        text = self.text @ np.linalg.eigh(self.text.T @ self.text)[1][:, ::-1][:, :TEXT_WIDE]
        facts = self.fact_matrix @ leading(self.fact_matrix, FACTS_WIDE)
        count = COUNT * np.log1p(np.diff(self._links.tocsc().indptr))[:, None]
        return np.concatenate([text, facts, count, np.ones_like(count)], axis=1, dtype=np.float32)

    def alike(self, some: IntArray, others: IntArray) -> FloatArray:
        """Cosine of text plus cosine of all facts, float32 [some, others]."""
        return np.asarray(
            self.text[some] @ self.text[others].T
            + (self.fact_matrix[some] @ self.fact_matrix[others].T).toarray(),
            np.float32,
        )


@dataclass(frozen=True, eq=False)
class Nearest:
    """The items nearest in content to each item, nearest first, never the item itself."""

    items: NodeArray
    """int32 [n_items, k]; k is NEIGHBOURS, or less where there are not so many items."""
    alike: FloatArray
    """As `Content.alike`, float32 [n_items, k]; -inf for none."""

    @classmethod
    def of(cls, content: Content, degrees: IntArray) -> Self:
        """Among the AMONG items of the highest degree [n_items]."""
        among = np.sort(np.argsort(-degrees, kind="stable")[:AMONG])
        k = min(NEIGHBOURS, len(among))
        items, alike = np.empty((len(degrees), k), np.int32), np.empty((len(degrees), k), np.float32)
        for start in range(0, len(degrees), BLOCK):
            some = np.arange(start, min(start + BLOCK, len(degrees)))
            near = content.alike(some, among)
            near[among[None, :] == some[:, None]] = -np.inf
            best = np.argpartition(-near, k - 1, axis=1)[:, :k]
            order = np.argsort(-np.take_along_axis(near, best, 1), axis=1, kind="stable")
            best = np.take_along_axis(best, order, 1)
            items[some], alike[some] = among[best], np.take_along_axis(near, best, 1)
        return cls(items, alike)


def leading(matrix: sp.csr_array, factors: int, seed: int = 0) -> FloatArray:
    """The right singular vectors of the largest singular values, float32 [columns, <= factors]."""
    count = min(factors, min(matrix.shape) - 1)
    if count < 1 or not matrix.nnz:
        return np.zeros((matrix.shape[1], 1), np.float32)
    if min(matrix.shape) <= DENSE:
        _, _, vectors = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
        return np.ascontiguousarray(vectors[:count].T, np.float32)
    start = np.random.default_rng(seed).standard_normal(min(matrix.shape)).astype(np.float32)
    _, _, vectors = svds(matrix.astype(np.float32), count, v0=start)
    return np.ascontiguousarray(vectors[::-1].T, np.float32)


def _centred(vectors: FloatArray) -> FloatArray:
    """Rows less the mean of those that are not zeros; zeros stay."""
    present = np.asarray(vectors.any(axis=1))
    centre = vectors[present].mean(axis=0) if present.any() else 0.0
    return np.asarray((vectors - centre) * present[:, None], np.float32)
