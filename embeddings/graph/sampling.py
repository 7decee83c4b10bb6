"""Neighbourhoods drawn for a step, for graphs that do not fit a device (GraphSAGE, Hamilton et al. 2017).

From the items a step asks about, edges are followed against the flow for as many hops as there are layers; of
each node, once, at most `fan_out` edges of each kind are drawn, without replacement. What is reached becomes
a small graph with numbers of its own, on which all layers run: an item at the start of it has its whole
neighbourhood, one at the rim has none, which bears on nobody asked about. A sum over drawn edges is scaled to
what it would be over all, so that it is right on average; with a fan-out no less than the highest degree it
is the whole graph's. Time and memory grow with what is drawn, not with the graph.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from kg.graph import IntArray, NodeArray


@dataclass(frozen=True, eq=False)
class Flows:
    """All weighted sums of a layer over neighbours, targets x sources; nodes are items, then entities."""

    to_items: Sequence[sp.csr_array]
    """From nodes to items, one a relation."""
    to_entities: sp.csr_array
    """From items to entities."""
    to_users: sp.csr_array
    """From items to users."""
    from_users: sp.csr_array
    """From users to items."""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Of a dataset: by facts the mean of neighbours, one matrix a relation that has any item."""
        facts, n_items, n_nodes = dataset.triples, dataset.n_items, dataset.n_nodes
        target, source = np.concatenate([facts.head, facts.tail]), np.concatenate([facts.tail, facts.head])
        relation = np.concatenate([facts.relation, facts.relation])
        to_items = []
        for kind in np.unique(relation[target < n_items]):
            of = (relation == kind) & (target < n_items)
            to_items.append(_mean(_ones(target[of], source[of], (n_items, n_nodes))))
        of = (target >= n_items) & (source < n_items)
        entities = _ones(target[of] - n_items, source[of], (n_nodes - n_items, n_items))
        return cls(to_items, _mean(entities), *through_likes(dataset.liked))

    def liking(self, liked: sp.csr_array) -> "Flows":
        """The same facts, other likes: users x items."""
        to_users, from_users = through_likes(liked)
        return replace(self, to_users=to_users, from_users=from_users)

    @property
    def edges(self) -> int:
        """How many there are of all kinds."""
        return sum(x.nnz for x in (*self.to_items, self.to_entities, self.to_users, self.from_users))


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A part of a graph: its items and entities, ascending, as numbered in the whole; flows among them."""

    items: IntArray
    entities: IntArray
    """Counted from 0 after the items."""
    flows: Flows


def through_likes(liked: sp.csr_array) -> tuple[sp.csr_array, sp.csr_array]:
    """From items to users and back, divided by the roots of both degrees (He et al. 2020, equation 3)."""
    users = np.maximum(np.diff(liked.indptr), 1) ** -0.5
    items = np.maximum(np.bincount(liked.indices, minlength=liked.shape[1]), 1) ** -0.5
    matrix = sp.csr_array(sp.diags_array(users) @ liked @ sp.diags_array(items))
    return matrix, matrix.T.tocsr()


class _Drawn:
    """The rows drawn so far of one flow: each row once."""

    def __init__(self, matrix: sp.csr_array) -> None:
        self.matrix = matrix
        self.rows: list[IntArray] = []
        self.parts: list[sp.csr_array] = []

    def draw(self, rows: IntArray, fan_out: int, rng: np.random.Generator) -> IntArray:
        """Draw edges of further rows; which columns they reach, ascending."""
        part = draw_edges(self.matrix, rows, fan_out, rng)
        self.rows.append(rows)
        self.parts.append(part)
        return np.unique(part.indices).astype(np.int64)

    def among(self, targets: IntArray, sources: IntArray) -> sp.csr_array:
        """All that was drawn, with the numbers of a part: `targets` and `sources`, both ascending."""
        rows = [np.repeat(r, np.diff(p.indptr)) for r, p in zip(self.rows, self.parts, strict=True)]
        row = np.searchsorted(targets, np.concatenate(rows))
        column = np.searchsorted(sources, np.concatenate([p.indices for p in self.parts]))
        data = np.concatenate([p.data for p in self.parts])
        return sp.csr_array((data, (row, column)), shape=(len(targets), len(sources)))


def neighbourhood(
    flows: Flows, items: IntArray, layers: int, fan_out: int, rng: np.random.Generator
) -> Neighbourhood:
    """What `items` (int64, ascending) take in over `layers`, by at most `fan_out` edges a node and kind."""
    n_items = flows.to_users.shape[1]
    to_items = [_Drawn(matrix) for matrix in flows.to_items]
    to_entities, to_users, from_users = map(_Drawn, (flows.to_entities, flows.to_users, flows.from_users))
    none = np.zeros(0, np.int64)
    reached, entities, users, fresh = items, none, none, items
    for _ in range(layers):
        nodes = [drawn.draw(fresh, fan_out, rng) for drawn in to_items]
        found = np.unique(np.concatenate([none, *nodes]))
        more_entities = np.setdiff1d(found[found >= n_items] - n_items, entities)
        more_users = np.setdiff1d(from_users.draw(fresh, fan_out, rng), users)
        sources = [d.draw(x, fan_out, rng) for d, x in ((to_entities, more_entities), (to_users, more_users))]
        entities, users = np.union1d(entities, more_entities), np.union1d(users, more_users)
        fresh = np.setdiff1d(np.concatenate([found[found < n_items], *sources]), reached)
        reached = np.union1d(reached, fresh)
    nodes_there = np.concatenate([reached, entities + n_items])
    part = Flows(
        [drawn.among(reached, nodes_there) for drawn in to_items],
        to_entities.among(entities, reached),
        to_users.among(users, reached),
        from_users.among(reached, users),
    )
    return Neighbourhood(reached, entities, part)


def draw_edges(matrix: sp.csr_array, rows: IntArray, fan_out: int, rng: np.random.Generator) -> sp.csr_array:
    """Some rows, at most `fan_out` entries of each, drawn evenly, times entries there are / entries drawn."""
    degrees = (matrix.indptr[rows + 1] - matrix.indptr[rows]).astype(np.int64)
    taken = np.minimum(degrees, fan_out)
    starts = np.concatenate([[0], np.cumsum(taken)])
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], taken)
    many = degrees > fan_out
    place[np.repeat(many, taken)] = draw_places(degrees[many], fan_out, rng).ravel()
    entry = place + np.repeat(matrix.indptr[rows].astype(np.int64), taken)
    data = matrix.data[entry] * np.repeat(degrees / np.maximum(taken, 1), taken).astype(np.float32)
    shape = (len(rows), matrix.shape[1])
    return sp.csr_array((data.astype(np.float32), matrix.indices[entry], starts), shape=shape)


def draw_places(degrees: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """For each degree d > count, `count` different numbers below d, evenly drawn, int64 [n, count].

    Floyd's algorithm (Bentley and Floyd 1987), all rows at once: time and memory do not depend on d.
    """
    drawn = np.full((len(degrees), count), -1, np.int64)
    for step in range(count):
        last = degrees - count + step
        place = (rng.random(len(degrees)) * (last + 1)).astype(np.int64)
        repeated = (drawn[:, :step] == place[:, None]).any(axis=1)
        drawn[:, step] = np.where(repeated, last, place)
    return drawn


def _mean(matrix: sp.csr_array) -> sp.csr_array:
    """Rows divided by their length."""
    return sp.csr_array(sp.diags_array(1 / np.maximum(np.diff(matrix.indptr), 1)) @ matrix)


def _ones(rows: NodeArray, columns: NodeArray, shape: tuple[int, int]) -> sp.csr_array:
    matrix = sp.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
