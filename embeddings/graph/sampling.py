"""Sampled neighbourhoods for graphs that do not fit a device (GraphSAGE, Hamilton et al. 2017).

From the items of a step, edges are followed from target to source for as many hops as the network has layers.
Each node is expanded once: at most `fan_out` of its edges of each kind are sampled, without replacement. The
reached nodes form a small graph with its own indices; every layer runs over it. The items of the step have
their complete sampled neighbourhoods. The nodes at the last hop have no sampled edges, which does not affect
the items of the step. A sum over sampled edges is scaled by degree / sampled edges, so that its expectation
is the sum over all edges; with a fan-out no less than the highest degree the two are equal. Time and memory
grow with the sample, not with the graph. PyG's `NeighborLoader` needs `pyg-lib` or `torch-sparse`, which have
no wheels on PyPI, and its sampled sums are not scaled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from kg.graph import IntArray, NodeArray


@dataclass(frozen=True, eq=False)
class Adjacencies:
    """The weighted adjacency matrices of a layer, targets x sources; nodes are items, then entities."""

    to_items: Sequence[sp.csr_array]
    """From nodes to items, one matrix per relation."""
    to_entities: sp.csr_array
    """From items to entities."""
    to_users: sp.csr_array
    """From items to users."""
    from_users: sp.csr_array
    """From users to items."""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Adjacencies of a dataset. Fact matrices average neighbours; each relation with an item has one."""
        facts, n_items, n_nodes = dataset.triples, dataset.n_items, dataset.n_nodes
        target, source = np.concatenate([facts.head, facts.tail]), np.concatenate([facts.tail, facts.head])
        relation = np.concatenate([facts.relation, facts.relation])
        to_items = []
        for kind in np.unique(relation[target < n_items]):
            of = (relation == kind) & (target < n_items)
            to_items.append(_mean(_ones(target[of], source[of], (n_items, n_nodes))))
        of = (target >= n_items) & (source < n_items)
        entities = _ones(target[of] - n_items, source[of], (n_nodes - n_items, n_items))
        return cls(to_items, _mean(entities), *collaborative_adjacency(dataset.liked))

    def with_likes(self, liked: sp.csr_array) -> "Adjacencies":
        """The same facts with other likes, CSR users x items."""
        to_users, from_users = collaborative_adjacency(liked)
        return replace(self, to_users=to_users, from_users=from_users)

    @property
    def edges(self) -> int:
        """The number of edges of all kinds."""
        return sum(x.nnz for x in (*self.to_items, self.to_entities, self.to_users, self.from_users))


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Items and entities of a graph, as ascending indices in it, and the adjacencies among them."""

    items: IntArray
    entities: IntArray
    """Entity indices count from 0, without the offset of the items."""
    adjacencies: Adjacencies


def collaborative_adjacency(liked: sp.csr_array) -> tuple[sp.csr_array, sp.csr_array]:
    """Adjacencies from items to users and from users to items, normalised by the roots of both degrees.

    He et al. 2020, equation 3."""
    users = np.maximum(np.diff(liked.indptr), 1) ** -0.5
    items = np.maximum(np.bincount(liked.indices, minlength=liked.shape[1]), 1) ** -0.5
    matrix = sp.csr_array(sp.diags_array(users) @ liked @ sp.diags_array(items))
    return matrix, matrix.T.tocsr()


class _SampledRows:
    """The rows sampled so far from one matrix; each row is sampled once."""

    def __init__(self, matrix: sp.csr_array) -> None:
        self.matrix = matrix
        self.rows: list[IntArray] = []
        self.edges: list[sp.csr_array] = []

    def sample(self, rows: IntArray, fan_out: int, rng: np.random.Generator) -> IntArray:
        """Sample edges of further rows; returns the columns of these edges, distinct and ascending."""
        edges = sample_edges(self.matrix, rows, fan_out, rng)
        self.rows.append(rows)
        self.edges.append(edges)
        return np.unique(edges.indices).astype(np.int64)

    def among(self, targets: IntArray, sources: IntArray) -> sp.csr_array:
        """All sampled edges, re-indexed by position in `targets` and `sources`, both ascending."""
        rows = [np.repeat(r, np.diff(p.indptr)) for r, p in zip(self.rows, self.edges, strict=True)]
        row = np.searchsorted(targets, np.concatenate(rows))
        column = np.searchsorted(sources, np.concatenate([p.indices for p in self.edges]))
        data = np.concatenate([p.data for p in self.edges])
        return sp.csr_array((data, (row, column)), shape=(len(targets), len(sources)))


def sample_neighbourhood(
    adjacencies: Adjacencies, items: IntArray, layers: int, fan_out: int, rng: np.random.Generator
) -> Neighbourhood:
    """Sample the neighbourhood of `items` (int64, ascending) within `layers` hops.

    At most `fan_out` edges of each kind are sampled per node."""
    n_items = adjacencies.to_users.shape[1]
    to_items = [_SampledRows(matrix) for matrix in adjacencies.to_items]
    to_entities, to_users, from_users = (
        _SampledRows(matrix)
        for matrix in (adjacencies.to_entities, adjacencies.to_users, adjacencies.from_users)
    )
    none = np.zeros(0, np.int64)
    reached, entities, users, fresh = items, none, none, items
    for _ in range(layers):
        nodes = [sampled.sample(fresh, fan_out, rng) for sampled in to_items]
        neighbours = np.unique(np.concatenate([none, *nodes]))
        more_entities = np.setdiff1d(neighbours[neighbours >= n_items] - n_items, entities)
        more_users = np.setdiff1d(from_users.sample(fresh, fan_out, rng), users)
        sources = [to_entities.sample(more_entities, fan_out, rng), to_users.sample(more_users, fan_out, rng)]
        entities, users = np.union1d(entities, more_entities), np.union1d(users, more_users)
        fresh = np.setdiff1d(np.concatenate([neighbours[neighbours < n_items], *sources]), reached)
        reached = np.union1d(reached, fresh)
    nodes_there = np.concatenate([reached, entities + n_items])
    subgraph = Adjacencies(
        [sampled.among(reached, nodes_there) for sampled in to_items],
        to_entities.among(entities, reached),
        to_users.among(users, reached),
        from_users.among(reached, users),
    )
    return Neighbourhood(reached, entities, subgraph)


def sample_edges(
    matrix: sp.csr_array, rows: IntArray, fan_out: int, rng: np.random.Generator
) -> sp.csr_array:
    """The given rows with at most `fan_out` entries each, sampled uniformly, scaled by degree / sampled."""
    degrees = (matrix.indptr[rows + 1] - matrix.indptr[rows]).astype(np.int64)
    taken = np.minimum(degrees, fan_out)
    starts = np.concatenate([[0], np.cumsum(taken)])
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], taken)
    many = degrees > fan_out
    place[np.repeat(many, taken)] = sample_without_replacement(degrees[many], fan_out, rng).ravel()
    entry = place + np.repeat(matrix.indptr[rows].astype(np.int64), taken)
    data = matrix.data[entry] * np.repeat(degrees / np.maximum(taken, 1), taken).astype(np.float32)
    shape = (len(rows), matrix.shape[1])
    return sp.csr_array((data.astype(np.float32), matrix.indices[entry], starts), shape=shape)


def sample_without_replacement(degrees: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """For each degree d > count, `count` different numbers below d, uniformly, int64 [n, count].

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
    """Rows divided by their number of entries."""
    return sp.csr_array(sp.diags_array(1 / np.maximum(np.diff(matrix.indptr), 1)) @ matrix)


def _ones(rows: NodeArray, columns: NodeArray, shape: tuple[int, int]) -> sp.csr_array:
    matrix = sp.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
