"""Explains a recommendation: the best paths in a snapshot from a user's sources to an item.

`path_types` defines the path types and their scores.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise, product

import numpy as np

from kg.explanation.adjacency import FactAdjacency, SourceEdges
from kg.explanation.base import Candidates, PathConfig, PathQuery, PathType
from kg.explanation.path_types import PATH_TYPES
from kg.explanation.paths import ExplanationPath, Sources
from kg.graph import FloatArray, GraphSnapshot, IntArray

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
    ) -> None:
        self._n_items, self._config = snapshot.n_items, config
        self._facts = FactAdjacency(snapshot)
        self._vectors = None if item_vectors is None else _unit_rows(item_vectors)
        self._types = [
            path_type(snapshot, self._facts, config)
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
            [self._tell(query, pool, row, score) for row, score in pool.diverse(rows, limit, self._config)]
            for rows in pool.by_item(len(items))
        ]

    def _query(self, sources: Sources, items: IntArray) -> PathQuery:
        relevance = self._closeness(sources.nodes, items) * sources.weights
        relevance[sources.nodes == items[:, None]] = 0
        return PathQuery(sources, items, relevance, SourceEdges(self._facts, sources))

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
        """The inner nodes at one step; a path without one gets a unique number that is not a node."""
        column = -1 - np.arange(len(self._score))
        for (start, end), candidates in zip(pairwise(self._starts), self.found, strict=True):
            if step < len(candidates.inner):
                column[start:end] = candidates.inner[step]
        return column

    def locate(self, row: int) -> tuple[int, int]:
        """The index of a row's path type, and the row's position within that type's candidates."""
        number = bisect_right(self._starts, row) - 1
        return number, row - self._starts[number]

    def by_item(self, n_items: int) -> list[IntArray]:
        """The rows of each item, in ascending order."""
        order = np.argsort(self._item, kind="stable")
        bounds = np.searchsorted(self._item[order], np.arange(n_items + 1))
        return [order[a:b] for a, b in pairwise(bounds)]

    def diverse(self, rows: IntArray, limit: int, config: PathConfig) -> list[tuple[int, float]]:
        """The best rows of an item with their scores, selected greedily by the rules of `PathFinder.find`."""
        score = self._score[rows]
        floor = config.min_relative_score * score.max(initial=0)
        rows = rows[(score >= floor) & (score > 0)]
        rows = rows[np.lexsort((-self._source[rows], -self._score[rows]))]
        left, source, inner = self._score[rows], self._source[rows], [column[rows] for column in self._inner]
        chosen: list[tuple[int, float]] = []
        while len(chosen) < limit and len(left):
            best = int(left.argmax())
            if left[best] <= 0 or left[best] < floor:
                break
            chosen.append((int(rows[best]), float(left[best])))
            left[source == source[best]] *= config.repeated_source_factor
            for nodes, node in product(inner, [column[best] for column in inner]):
                left[nodes == node] = 0
            left[best] = 0
        return chosen


def _unit_rows(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return unit
