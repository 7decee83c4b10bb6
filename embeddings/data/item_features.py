"""Content features of items: vectors of their text and facts, and nearest neighbours by these vectors."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp

from embeddings.data.spectral import truncated_svd
from embeddings.data.vectors import unit_rows
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray

_BLOCK = 1024
"""Items per block that are compared with all other items."""


@dataclass(frozen=True)
class ContentConfig:
    """Dimensions of the content vectors, and settings of the content neighbours."""

    fact_components: int = 128
    """Singular vectors of the fact matrix that are kept for `ContentFeatures.facts`."""
    extrapolation_text_components: int = 256
    """Principal components of the text vectors that are kept to extrapolate scores to new items. Many
    components are needed to distinguish a new item from similar ones."""
    extrapolation_fact_components: int = 400
    """Singular vectors of the fact matrix that are kept to extrapolate scores to new items."""
    fact_count_scale: float = 0.3
    """Weight of the feature log(1 + number of facts) in `extrapolation_features`."""
    neighbours: int = 160
    """Number of nearest items kept for each item."""
    max_neighbour_items: int = 20_000
    """Neighbours are searched among this many items, the most liked; the cost is linear in it."""
    exact_svd_up_to: int = 256
    """A matrix with at most this many rows or columns is decomposed exactly instead of iteratively."""


class ContentFeatures:
    """Vectors of the text and facts of items, computed at first use; float32, zero without text or facts."""

    def __init__(self, text: FloatArray, links: sp.csr_array, config: ContentConfig) -> None:
        """`text` is [n_items, dim] or empty; `links` is nodes x items, 1 if the two have a fact."""
        self._text, self._links, self.config = text, links, config

    @cached_property
    def has_text(self) -> BoolArray:
        """Whether an item has text, bool [n_items]."""
        n_items = self._links.shape[1]
        return np.asarray(self._text.any(axis=1)) if self._text.size else np.zeros(n_items, np.bool_)

    @cached_property
    def text(self) -> FloatArray:
        """Centred text vectors, unit rows [n_items, dim]."""
        if not self._text.size:
            return np.zeros((self._links.shape[1], 1), np.float32)
        return unit_rows(_centred(self._text))

    @cached_property
    def facts(self) -> FloatArray:
        """Facts projected onto leading singular vectors [n_items, <= fact_components]; not of unit length."""
        return self._fact_components(self.config.fact_components)

    @cached_property
    def fact_vectors(self) -> FloatArray:
        """`facts` as unit rows; a row is zero if the item has no facts."""
        return unit_rows(self.facts)

    @cached_property
    def fact_matrix(self) -> sp.csr_array:
        """Facts weighted by inverse document frequency, unit rows, float32 CSR items x nodes."""
        return self.weighted_facts(sp.csr_array(self._links.T))

    def weighted_facts(self, facts: sp.csr_array) -> sp.csr_array:
        """Facts of any items, ones, CSR m x nodes, weighted as `fact_matrix` is."""
        n_items = self._links.shape[1]
        count = np.diff(self._links.indptr)
        idf = np.where(count > 1, np.log(n_items / np.maximum(count, 1)), 0.0).astype(np.float32)
        weighted = sp.csr_array((idf[facts.indices], facts.indices, facts.indptr), shape=facts.shape)
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return sp.csr_array(sp.diags_array((1 / np.maximum(length, 1e-9)).astype(np.float32)) @ weighted)

    @property
    def text_and_facts(self) -> FloatArray:
        """`text` and `facts`, concatenated by columns."""
        return np.concatenate([self.text, self.facts], axis=1)

    @cached_property
    def extrapolation_features(self) -> FloatArray:
        """Text and facts in more components, the log number of facts, and a constant, [n_items, d]."""
        config = self.config
        components = np.linalg.eigh(self.text.T @ self.text)[1][:, ::-1]
        text = self.text @ components[:, : config.extrapolation_text_components]
        facts = self._fact_components(config.extrapolation_fact_components)
        count = config.fact_count_scale * np.log1p(self.fact_counts)[:, None]
        return np.concatenate([text, facts, count, np.ones_like(count)], axis=1, dtype=np.float32)

    @cached_property
    def fact_counts(self) -> IntArray:
        """Number of facts of each item, int64 [n_items]."""
        return np.diff(self._links.tocsc().indptr).astype(np.int64)

    def similarity(self, some: IntArray, others: IntArray) -> FloatArray:
        """Cosine of text plus cosine of all facts, float32 [some, others]."""
        return np.asarray(
            self.text[some] @ self.text[others].T
            + (self.fact_matrix[some] @ self.fact_matrix[others].T).toarray(),
            np.float32,
        )

    def _fact_components(self, count: int) -> FloatArray:
        _, vectors = truncated_svd(self.fact_matrix, count, exact_up_to=self.config.exact_svd_up_to)
        return np.asarray(self.fact_matrix @ vectors, np.float32)


@dataclass(frozen=True, eq=False)
class ContentNeighbours:
    """The items most similar in content to each item, most similar first, never the item itself."""

    items: NodeArray
    """int32 [n_items, k]; k is `ContentConfig.neighbours`, or less if there are fewer items."""
    similarity: FloatArray
    """`ContentFeatures.similarity` to these items, float32 [n_items, k]; -inf at padding."""

    @classmethod
    def of(cls, content: ContentFeatures, degrees: IntArray) -> Self:
        """Search neighbours among the items of the highest degree; `degrees` is int64 [n_items]."""
        config = content.config
        among = np.sort(np.argsort(-degrees, kind="stable")[: config.max_neighbour_items])
        k = min(config.neighbours, len(among))
        items, similarity = np.empty((len(degrees), k), np.int32), np.empty((len(degrees), k), np.float32)
        for start in range(0, len(degrees), _BLOCK):
            some = np.arange(start, min(start + _BLOCK, len(degrees)))
            near = content.similarity(some, among)
            near[among[None, :] == some[:, None]] = -np.inf
            best = np.argpartition(-near, k - 1, axis=1)[:, :k]
            order = np.argsort(-np.take_along_axis(near, best, 1), axis=1, kind="stable")
            best = np.take_along_axis(best, order, 1)
            items[some], similarity[some] = among[best], np.take_along_axis(near, best, 1)
        return cls(items, similarity)


def _centred(vectors: FloatArray) -> FloatArray:
    """Rows minus the mean of the non-zero rows; zero rows stay zero."""
    present = np.asarray(vectors.any(axis=1))
    centre = vectors[present].mean(axis=0) if present.any() else 0.0
    return np.asarray((vectors - centre) * present[:, None], np.float32)
