"""A relation-aware graph network that places new items and entities among the items that have likes.

The vectors of items with likes are closed-form (`SpectralVectors`). The network is trained to find the vector
of an item from what the graph says of it without its likes: vectors of its neighbours by each relation, of
the nearest items in content, and its own text and knowledge-graph embedding. In each step some items are
hidden with their likes; a softmax over the hidden items must find those that a user liked, by the sum of the
vectors of the visible history (DropoutNet, Volkovs et al. 2017, hides inputs for the same purpose). So must
the mean vector of entities that the user would state as liked, among all items.

There are two networks, by halves of the items: each one hides items of its own half alone. An item that has
likes is thus placed, where it is hidden from the scorers, by the network that never saw its likes; an item
without likes by the mean of both. This lets one training serve all holdouts that the ranker learns from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from embeddings.data.splits import places_of_users, sampled
from embeddings.data.threads import in_parallel
from embeddings.data.vectors import unit_rows
from embeddings.graph.configs import GnnConfig
from embeddings.graph.device import single_torch_thread
from embeddings.graph.inputs import ContentInputs, GraphInputs
from embeddings.graph.kge import node_embedding
from embeddings.graph.network import (
    EntityWeights,
    ItemWeights,
    StatedLikes,
    View,
    train_entities,
    train_items,
)
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

STAGE = "graph network"

_BLOCK = 20_000
"""Items that are placed at a time."""


@dataclass(frozen=True, eq=False)
class GraphVectors:
    """Vectors of the nodes of a graph, and biases."""

    nodes: FloatArray
    """Items, then entities, float32 [n_nodes, d]."""
    history: FloatArray
    """Vectors that are added up over a history, float32 [n_items, d]."""
    bias: FloatArray
    """Of items without likes, float32 [n_items]; 0 for the others."""
    likes_bias: FloatArray
    """Of items where liked entities are all that is known, float32 [n_items]."""
    without_likes: FloatArray
    """Vector and bias of each item as if it had no likes, float32 [n_items, d + 1]."""


@dataclass(frozen=True, eq=False)
class GraphNetwork:
    """Two trained networks, by halves of the items."""

    items: Sequence[ItemWeights]
    """Of the first half, then of the second."""
    entities: Sequence[EntityWeights]
    """Likewise."""
    half: IntArray
    """The half of each item, 0 or 1, int64 [n_items]."""
    has_likes: BoolArray
    """Whether an item has likes in the training data, bool [n_items]."""
    reference: FloatArray
    """Vectors of items that those of other graphs are rotated to [n_items, d]."""
    content: ContentInputs
    config: GnnConfig

    def vectors(self, dataset: Dataset) -> GraphVectors:
        """Vectors of all nodes in the graph of a dataset with the same items and facts."""
        graph = GraphInputs.of(self.content, dataset, self.config.vectors, self.reference)
        placed = self._without_likes(graph)
        new = ~graph.has_likes
        items = np.where(new[:, None], placed[:, :-1], graph.items)
        entities = [own.place(graph.entities, self._knowledge_of_entities) for own in self.entities]
        popularity = np.mean([own.popularity / np.exp(own.temperature) for own in self.entities])
        return GraphVectors(
            np.concatenate([items, np.mean(entities, axis=0)]).astype(np.float32),
            graph.history,
            np.where(new, placed[:, -1], np.float32(0)),
            np.asarray(popularity * np.log1p(dataset.degrees), np.float32),
            placed,
        )

    def _without_likes(self, graph: GraphInputs) -> FloatArray:
        """Vector and bias of each item by the networks that never saw its likes, float32 [n_items, d + 1]."""
        temperatures = [np.exp(own.temperature) for own in self.items]
        share = np.where(self.has_likes, self.half, 0.5).astype(np.float32)
        found = np.empty((len(share), graph.items.shape[1] + 1), np.float32)
        for start in range(0, len(share), _BLOCK):
            some = np.arange(start, min(start + _BLOCK, len(share)))
            inputs = graph.of_items(some)
            placed = [
                np.concatenate([vectors, biases[:, None] / temperature], axis=1)
                for (vectors, biases), temperature in zip(
                    (own.place(inputs) for own in self.items), temperatures, strict=True
                )
            ]
            # an item of half 1 is placed by network 0
            found[some] = share[some, None] * placed[0] + (1 - share[some, None]) * placed[1]
        return found

    @property
    def _knowledge_of_entities(self) -> FloatArray:
        return self.content.knowledge[len(self.half) :]


@single_torch_thread()
def train_gnn(dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent) -> GraphNetwork:
    """Train both networks on the likes of a dataset."""
    content = ContentInputs(dataset, _knowledge(dataset, config, seed, report))
    half = np.random.default_rng(seed).integers(0, 2, dataset.n_items)
    has_likes = dataset.degrees > 0
    reference = GraphInputs.of(content, dataset, config.vectors, None).items
    _ = content.adjacencies, dataset.liked, dataset.links  # both halves read what is computed here once

    def trained(own: int) -> tuple[ItemWeights, EntityWeights]:
        rng = np.random.default_rng([seed, own])
        hidden = np.flatnonzero((half == own) & has_likes)
        return _trained(_Views(content, dataset, hidden, reference, config, rng), config, rng)

    report(STAGE, 0, 2)
    placed = list(in_parallel(trained, (0, 1)))
    report(STAGE, 2, 2)
    items, entities = zip(*placed, strict=True)
    return GraphNetwork(items, entities, half, has_likes, reference, content, config)


def _trained(
    views: "_Views", config: GnnConfig, rng: np.random.Generator
) -> tuple[ItemWeights, EntityWeights]:
    content, d = views.content, config.vectors.factors
    text, knowledge = content.text.shape[1], content.knowledge.shape[1]
    items = ItemWeights.initial(d, len(content.adjacencies.to_items), text, knowledge)
    entities = EntityWeights.initial(d, knowledge)
    if len(views.items) < config.min_items:
        return items, entities
    drawn = views.draw()
    return train_items(items, drawn, config, rng), train_entities(entities, drawn, config, rng)


def _knowledge(dataset: Dataset, config: GnnConfig, seed: int, report: Report) -> FloatArray:
    if config.kge is None:
        return np.zeros((dataset.n_nodes, 1), np.float32)
    return unit_rows(node_embedding(dataset, config.kge, seed, report))


@dataclass(frozen=True, eq=False)
class _Views:
    """Draws graphs in which some of the items are hidden."""

    content: ContentInputs
    dataset: Dataset
    items: IntArray
    """The items that may be hidden."""
    reference: FloatArray
    config: GnnConfig
    rng: np.random.Generator

    def draw(self) -> list[View]:
        """As many views as configured."""
        # only a half of the items can be hidden: twice the share of them
        share = min(2 * self.config.hide_items, 0.9)
        return [
            self._view(self.items[self.rng.random(len(self.items)) < share]) for _ in range(self.config.views)
        ]

    def _view(self, hidden: IntArray) -> View:
        """The graph without the likes of `hidden` items; some histories are truncated."""
        visible = self.dataset.select_events(~np.isin(self.dataset.events.item, hidden))
        graph = GraphInputs.of(self.content, visible, self.config.vectors, self.reference)
        ranked = sampled(hidden, self.config.max_items, self.rng)
        relevant = sp.csr_array(self.dataset.liked[:, ranked])
        users = np.flatnonzero((np.diff(relevant.indptr) > 0) & (np.diff(visible.liked.indptr) > 0))
        users = sampled(users, self.config.max_users, self.rng)
        seen = sp.csr_array(visible.liked[users])
        histories = truncated(seen, self.config.short, self.rng)
        return View(
            graph.of_items(ranked),
            np.asarray(histories @ graph.history),
            relevant[users].toarray(),
            self._stated(graph, seen),
        )

    def _stated(self, graph: GraphInputs, seen: sp.csr_array) -> StatedLikes:
        """Entities that users with these histories would state, and what they like."""
        stated = stated_entities(seen, self.dataset.links, self.config.stated_entities, self.rng)
        some = np.flatnonzero(np.diff(stated.indptr))
        stated = sp.csr_array(stated[some])
        ranked = sampled(np.flatnonzero(graph.has_likes), self.config.max_items, self.rng)
        return StatedLikes(
            np.asarray(stated @ graph.entities),
            np.asarray(stated @ self.content.knowledge[self.dataset.n_items :]),
            graph.items[ranked],
            np.log1p(graph.dataset.degrees[ranked]),
            seen[some][:, ranked].toarray(),
        )


def stated_entities(
    histories: sp.csr_array, links: sp.csr_array, most: int, rng: np.random.Generator
) -> sp.csr_array:
    """Entities that users with some histories would state as liked, CSR [b, entities]; rows sum to 1.

    Facts join each to at least two items of the history; 1 to `most` of these are drawn, those with a high
    weight rather: the number of these items times the logarithm of the inverse share of all items that have
    the entity. `histories` is CSR [b, n_items], `links` nodes x items, items first.
    """
    of_entities = sp.csr_array(links[histories.shape[1] :])
    counts = sp.csr_array(histories @ of_entities.T)
    rarity = np.log(histories.shape[1] / np.maximum(np.diff(of_entities.indptr), 1)) + 1e-3
    weights = np.where(counts.data >= 2, counts.data * rarity[counts.indices], 0.0)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    keys = np.where(weights > 0, rng.random(len(weights)) ** (1 / np.maximum(weights, 1e-9)), -1.0)
    place, _ = places_of_users(rows, np.lexsort((-keys, rows)))
    kept = (place < rng.integers(1, most + 1, counts.shape[0])[rows]) & (weights > 0)
    sizes = np.maximum(np.bincount(rows[kept], minlength=counts.shape[0]), 1)
    parts = (1 / sizes[rows[kept]]).astype(np.float32), (rows[kept], counts.indices[kept])
    return sp.csr_array(parts, shape=counts.shape)


def truncated(histories: sp.csr_array, share: float, rng: np.random.Generator) -> sp.csr_array:
    """The histories, CSR [b, n_items]; a share of them is truncated to 1 to 5 random events."""
    lengths = np.diff(histories.indptr)
    keep = np.where(rng.random(len(lengths)) < share, rng.integers(1, 6, len(lengths)), lengths)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    place, _ = places_of_users(rows, np.lexsort((rng.random(histories.nnz), rows)))
    kept = place < keep[rows]
    parts = histories.data[kept], (rows[kept], histories.indices[kept])
    return sp.csr_array(parts, shape=histories.shape)
