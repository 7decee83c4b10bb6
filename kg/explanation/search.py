"""Explains a recommendation: the best paths in a snapshot from a user's sources to an item.

`path_types` defines the path types and their scores.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from kg.compiled import compiled
from kg.explanation.adjacency import FactAdjacency, SourceEdges
from kg.explanation.base import Candidates, PathConfig, PathQuery, PathType
from kg.explanation.path_types import PATH_TYPES
from kg.explanation.paths import ExplanationPath, Sources
from kg.graph import Float64Array, FloatArray, GraphSnapshot, IntArray

DEFAULT_CONFIG = PathConfig()


class PathFinder:
    """Finds explanation paths; built once for a snapshot, safe to share between threads.

    The cosine of `item_vectors` (float32 [n_items, d], not necessarily normalized) gives the closeness of two
    items; without vectors the closeness is 1.
    """

    def __init__(
        self,
        snapshot: GraphSnapshot,
        item_vectors: FloatArray | None = None,
        *,
        config: PathConfig = DEFAULT_CONFIG,
        path_types: Sequence[type[PathType]] = PATH_TYPES,
        facts: FactAdjacency | None = None,
    ) -> None:
        """`facts` are those of the snapshot (None: they are computed)."""
        self._n_items, self.config = snapshot.n_items, config
        self.facts = facts or FactAdjacency(snapshot)
        """The facts that paths go along."""
        self._vectors = None if item_vectors is None else _unit_rows(item_vectors)
        self._types = [
            path_type(snapshot, self.facts, config)
            for path_type in path_types
            if config.through_users or not path_type.through_users
        ]

    def find(self, sources: Sources, items: Sequence[int], limit: int = 3) -> list[list[ExplanationPath]]:
        """At most `limit` paths for each item, best first.

        No two paths of an item share a node between source and item; the score of each further path from the
        same source is reduced. The path type that is registered first wins a tie, then the last source.
        """
        if not len(sources.nodes) or not len(items) or not self._types:
            return [[] for _ in items]
        query = self._query(sources, np.array(items, np.int64))
        pool = _Pool([path_type.candidates(query) for path_type in self._types])
        return [
            [self._tell(query, pool, row, score) for row, score in chosen]
            for chosen in pool.diverse(len(items), limit, self.config)
        ]

    def _query(self, sources: Sources, items: IntArray) -> PathQuery:
        relevance = self._closeness(sources.nodes, items) * sources.weights
        relevance[sources.nodes == items[:, None]] = 0
        return PathQuery(sources, items, relevance, SourceEdges(self.facts, sources))

    def _closeness(self, nodes: IntArray, items: IntArray) -> FloatArray:
        close = np.ones((len(items), len(nodes)), np.float32)
        if self._vectors is not None:
            is_item = nodes < self._n_items
            cosine = self._vectors[items] @ self._vectors[nodes[is_item]].T
            close[:, is_item] = (1 + np.clip(cosine, 0, 1)) / 2
        return close

    def _tell(self, query: PathQuery, pool: "_Pool", row: int, score: float) -> ExplanationPath:
        number, own_row = pool.locate(row)
        candidate = pool.found[number].candidate(own_row, score, query)
        return self._types[number].tell(query, candidate)


class _Pool:
    """The concatenated candidates of all path types."""

    def __init__(self, found: Sequence[Candidates]) -> None:
        self.found = found
        self._starts = [0, *accumulate(map(len, found))]
        self._item = np.concatenate([x.item for x in found])
        self._source = np.concatenate([x.source for x in found])
        self._score = np.concatenate([x.score for x in found], dtype=np.float64)
        self._inner = [self._column(step) for step in range(max(len(x.inner) for x in found))]

    def _column(self, step: int) -> IntArray:
        """The inner nodes at one step; -1 for a path without one."""
        column = np.full(len(self._score), -1)
        for (start, end), candidates in zip(pairwise(self._starts), self.found, strict=True):
            if step < len(candidates.inner):
                column[start:end] = candidates.inner[step]
        return column

    def locate(self, row: int) -> tuple[int, int]:
        """The index of a row's path type, and the row's position within that type's candidates."""
        number = bisect_right(self._starts, row) - 1
        return number, row - self._starts[number]

    def diverse(self, n_items: int, limit: int, config: PathConfig) -> list[list[tuple[int, float]]]:
        """The best rows of each item with their scores, chosen greedily by the rules of `PathFinder.find`."""
        order = np.argsort(self._item, kind="stable")
        bounds = np.searchsorted(self._item[order], np.arange(n_items + 1))
        inner = np.stack(self._inner) if self._inner else np.zeros((0, len(order)), np.int64)
        rows, scores = np.full((n_items, limit), -1), np.zeros((n_items, limit))
        _choose(
            *(order, bounds, self._score, self._source, inner),
            *(config.repeated_source_factor, config.min_relative_score, rows, scores),
        )
        return [
            [(int(row), float(score)) for row, score in zip(*own, strict=True) if row >= 0]
            for own in zip(rows, scores, strict=True)
        ]


@compiled
def _choose(
    order: IntArray,
    bounds: IntArray,
    score: Float64Array,
    source: IntArray,
    inner: IntArray,
    repeated_source_factor: float,
    min_relative_score: float,
    rows: IntArray,
    scores: Float64Array,
) -> None:
    """The rows chosen for each item among `order[bounds[item] : bounds[item + 1]]`, and their scores."""
    for item in range(len(rows)):
        own = order[bounds[item] : bounds[item + 1]]
        left = score[own]
        floor = min_relative_score * left.max() if len(own) else 0.0
        for n in range(rows.shape[1]):
            best = _best(left, score[own], source[own])
            if best < 0 or left[best] <= 0 or left[best] < floor:
                break
            rows[item, n], scores[item, n] = own[best], left[best]
            for m in range(len(own)):
                if source[own[m]] == source[own[best]]:
                    left[m] *= repeated_source_factor
                if m == best or _share_a_node(inner[:, own[m]], inner[:, own[best]]):
                    left[m] = 0


@compiled
def _best(left: Float64Array, score: Float64Array, source: IntArray) -> int:
    """Where the most is left; of several the highest score at first, then the last source; -1 for no row."""
    best = -1
    for m in range(len(left)):
        if best < 0 or (left[m], score[m], source[m]) > (left[best], score[best], source[best]):
            best = m
    return best


@compiled
def _share_a_node(some: IntArray, others: IntArray) -> bool:
    for one in some:
        for other in others:
            if one == other and one >= 0:
                return True
    return False


def _unit_rows(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return unit
