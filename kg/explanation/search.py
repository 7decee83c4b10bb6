"""Why this item: the best paths of all types over a snapshot, from what a user liked or stated to an item.

`path_types` says which types there are and how a path is scored.
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
    """Finds and tells paths; built once for a snapshot, safe to share between threads.

    `item_vectors` (float32 [n_items, d], of any length) say how close two items are; without them all are.
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
        """For each item its paths, best first, at most `limit`.

        No two paths of an item share a node between source and item, and each further path from one source
        counts less. Ties go to the path type that is registered first, and within it to the source that
        comes last.
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
    """The candidates of all path types, one type's rows after another's."""

    def __init__(self, found: Sequence[Candidates]) -> None:
        self.found = found
        self._starts = [0, *accumulate(map(len, found))]
        self._item = np.concatenate([x.item for x in found])
        self._source = np.concatenate([x.source for x in found])
        self._score = np.concatenate([x.score for x in found], dtype=np.float64)
        self._inner = [self._column(step) for step in range(max(len(x.inner) for x in found))]

    def _column(self, step: int) -> IntArray:
        """The inner nodes at one step; where a path has none, a number of its own, which is no node's."""
        column = -1 - np.arange(len(self._score))
        for (start, end), candidates in zip(pairwise(self._starts), self.found, strict=True):
            if step < len(candidates.inner):
                column[start:end] = candidates.inner[step]
        return column

    def locate(self, row: int) -> tuple[int, int]:
        """The number of the path type that a row is of, and the row's position among that type's."""
        number = bisect_right(self._starts, row) - 1
        return number, row - self._starts[number]

    def by_item(self, n_items: int) -> list[IntArray]:
        """The rows of each item, in the order that they have here."""
        order = np.argsort(self._item, kind="stable")
        bounds = np.searchsorted(self._item[order], np.arange(n_items + 1))
        return [order[a:b] for a, b in pairwise(bounds)]

    def diverse(self, rows: IntArray, limit: int, config: PathConfig) -> list[tuple[int, float]]:
        """The best of an item's rows with their scores, chosen greedily as `PathFinder.find` says."""
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
