"""Graph convolution over the collaborative knowledge graph: items, entities and likes.

The input vector of an item is the sum of its id embedding, its projected text and its projected knowledge-
graph embedding. Each layer adds the item's entities (the mean for each relation, times a weight vector of
that relation) and, through the users who liked it, other items (as LightGCN, He et al. 2020). Users have no
parameters: a user is the pooled history. The network is trained as a denoising autoencoder (Liang et al.
2018): part of each history is masked, and a softmax over the items must find it. Id embeddings with their
likes, texts and facts of some items are masked as well, so that the network learns to do without them
(DropoutNet, Volkovs et al. 2017). A graph with more than `GnnConfig.whole_graph_edges` edges is never
propagated over whole: each step samples a neighbourhood (`embeddings.graph.sampling`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional

from embeddings.data.dataset import Dataset
from embeddings.data.vectors import unit_rows
from embeddings.graph.configs import GnnConfig
from embeddings.graph.device import put, sparse_device
from embeddings.graph.kge import node_embedding
from embeddings.graph.propagation import Propagation, through_users
from embeddings.graph.sampling import Adjacencies, Neighbourhood, sample_edges, sample_neighbourhood
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

STAGE = "graph convolution"

BLOCK = 100_000
"""Items per block when all nodes are embedded on the CPU; bounds the memory."""


@dataclass(frozen=True, eq=False)
class AvailabilityMasks:
    """Masks of the inputs of items, float32 [n_items, 1] each: 1 is available, 0 is masked."""

    id_embedding: Tensor
    text: Tensor
    facts: Tensor


@dataclass(frozen=True, eq=False)
class Subgraph:
    """The tensors of a forward pass, on the device: the whole graph, or the neighbourhood of some items."""

    items: Tensor | None
    """Indices of its items, int64; None: all items."""
    text: Tensor
    """[items, dim]"""
    knowledge: Tensor
    """[items + entities, k]"""
    to_items: Sequence[Propagation]
    to_entities: Propagation
    to_users: Propagation
    from_users: Propagation


class Graph:
    """Text, knowledge-graph embedding and adjacency of a dataset, in memory; subgraphs are on the device."""

    def __init__(self, dataset: Dataset, embedding: FloatArray) -> None:
        self.adjacencies = Adjacencies.of(dataset)
        self.text, self.knowledge = np.array(dataset.text, np.float32), unit_rows(embedding)

    @cached_property
    def _whole(self) -> Subgraph:
        text, knowledge = (put(x, sparse_device()) for x in (self.text, self.knowledge))
        return Subgraph(None, text, knowledge, *_propagations(self.adjacencies))

    def whole(self, liked: sp.csr_array) -> Subgraph:
        """The whole graph with these likes, CSR users x items."""
        to_users, from_users = through_users(liked)
        return replace(self._whole, to_users=to_users, from_users=from_users)

    def subgraph(self, near: Neighbourhood) -> Subgraph:
        """The subgraph of a sampled neighbourhood."""
        nodes = np.concatenate([near.items, near.entities + len(self.text)])
        arrays = (near.items, self.text[near.items], self.knowledge[nodes])
        items, text, knowledge = (put(x, sparse_device()) for x in arrays)
        return Subgraph(items, text, knowledge, *_propagations(near.adjacencies))


class Network(nn.Module):
    """The parameters and the forward pass."""

    def __init__(self, graph: Graph, config: GnnConfig, generator: torch.Generator) -> None:
        super().__init__()
        d, self.layers, n_items = config.embedding_dim, config.layers, len(graph.text)
        n_relations = len(graph.adjacencies.to_items)

        def weights(*shape: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * scale)

        self.id_embedding = weights(n_items, d, scale=0.1 * d**-0.5)
        self.text_projection = weights(graph.text.shape[1], d, scale=d**-0.5)
        self.knowledge_projection = weights(graph.knowledge.shape[1], d, scale=d**-0.5)
        self.relation_weight = nn.Parameter(torch.full((self.layers, n_relations, d), 0.3))
        self.collaborative_weight = nn.Parameter(torch.full((self.layers, d), 0.3))
        self.query_projection = nn.Parameter(torch.eye(d))
        self.bias = nn.Parameter(torch.zeros(n_items))

    def forward(self, graph: Subgraph, available: AvailabilityMasks) -> tuple[Tensor, Tensor]:
        """The vectors of a subgraph's items, then entities [nodes, d], and the bias of its items [items]."""
        n_items = len(graph.text)
        ids: Tensor = self.id_embedding
        bias: Tensor = self.bias
        if graph.items is not None:
            ids, bias = functional.embedding(graph.items, ids), bias[graph.items]
        knowledge = graph.knowledge @ self.knowledge_projection
        items = ids * available.id_embedding + (graph.text @ self.text_projection) * available.text
        items = items + knowledge[:n_items] * available.facts
        entities = knowledge[n_items:]
        for layer in range(self.layers):
            entities = entities + graph.to_entities(items * available.facts)
            nodes = torch.cat([items, entities])
            weights = zip(self.relation_weight[layer], graph.to_items, strict=True)
            facts = sum(weight * neighbours(nodes) for weight, neighbours in weights)
            liked = graph.from_users(graph.to_users(items))
            items = items + facts * available.facts + self.collaborative_weight[layer] * liked
        return torch.cat([items, entities]), bias * available.id_embedding[:, 0]


def train_gnn(
    dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns node vectors, items first [n_nodes, d], the query projection [d, d] and item biases [n_items].

    Item i's score is `(sum of history vectors / sqrt(their number)) @ query_projection @ vector_i + bias_i`.
    """
    rng, graph = np.random.default_rng(seed), Graph(dataset, _input_embedding(dataset, config, seed, report))
    network = Network(graph, config, torch.Generator().manual_seed(seed)).to(sparse_device())
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    users = np.flatnonzero(np.diff(dataset.liked.indptr) > 1)
    whole = graph.adjacencies.edges <= config.whole_graph_edges
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        order = rng.permutation(users)
        for loss in (_full_losses if whole else _sampled_losses)(network, graph, dataset, order, config, rng):
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    vectors, bias = (embed_nodes if whole else embed_nodes_in_blocks)(network, graph, dataset)
    return vectors, _numpy(network.query_projection), bias


def _input_embedding(dataset: Dataset, config: GnnConfig, seed: int, report: Report) -> FloatArray:
    if config.kge is None:
        return np.zeros((dataset.n_nodes, 1), np.float32)
    return node_embedding(dataset, config.kge, seed, report)


@dataclass(frozen=True, eq=False)
class DropoutMasks:
    """The masks of a training step."""

    visible: sp.csr_array
    """The likes that are not masked, CSR users x items."""
    id_embedding: BoolArray
    """Items whose id embedding and bias are masked, as are all their likes [n_items]."""
    text: BoolArray
    facts: BoolArray


@dataclass(frozen=True, eq=False)
class Queries:
    """The histories of a batch of users, the target items, and the candidates of the softmax."""

    histories: sp.csr_array
    """[b, n_items]"""
    targets: sp.csr_array
    """[b, n_items]"""
    candidates: IntArray

    @classmethod
    def of(cls, liked: sp.csr_array, visible: sp.csr_array, most: int, rng: np.random.Generator) -> Self:
        """Queries from all likes of users and their visible likes, both CSR [b, n_items]."""
        targets = liked - visible
        return cls(visible, targets, _candidates(targets, most, rng))


def _full_losses(
    network: Network,
    graph: Graph,
    dataset: Dataset,
    order: IntArray,
    config: GnnConfig,
    rng: np.random.Generator,
) -> Iterator[Tensor]:
    """The loss of each step over the whole graph; each step draws its own masks."""
    for start in range(0, len(order), config.batch_size):
        users, liked = order[start : start + config.batch_size], dataset.liked
        new = rng.random(dataset.n_items) < config.hide_items
        visible = visible_events(liked, new, config, rng)
        queries = Queries.of(liked[users], visible[users], config.sampled_items, rng)
        masks = DropoutMasks(visible, new, *_content_dropout(dataset.n_items, config, rng))
        yield full_loss(network, graph, masks, queries)


def _sampled_losses(
    network: Network,
    graph: Graph,
    dataset: Dataset,
    order: IntArray,
    config: GnnConfig,
    rng: np.random.Generator,
) -> Iterator[Tensor]:
    """The loss of each step over a sampled neighbourhood; all steps share one draw of masks."""
    new = rng.random(dataset.n_items) < config.hide_items
    visible = visible_events(dataset.liked, new, config, rng)
    masks = DropoutMasks(visible, new, *_content_dropout(dataset.n_items, config, rng))
    adjacencies = graph.adjacencies.with_likes(visible)
    for start in range(0, len(order), config.batch_size):
        users = order[start : start + config.batch_size]
        queries = Queries.of(dataset.liked[users], visible[users], config.sampled_items, rng)
        yield sampled_loss(network, graph, adjacencies, masks, queries, config.fan_out, rng)


def full_loss(network: Network, graph: Graph, masks: DropoutMasks, queries: Queries) -> Tensor:
    """The loss by propagation over the whole graph, except what is masked."""
    vectors, bias = network(graph.whole(masks.visible), _availability(masks))
    items = vectors[: len(bias)]
    pooled = Propagation(_pooling(queries.histories))(items)
    return _loss(
        pooled @ network.query_projection, items[queries.candidates], bias[queries.candidates], queries
    )


def sampled_loss(
    network: Network,
    graph: Graph,
    adjacencies: Adjacencies,
    masks: DropoutMasks,
    queries: Queries,
    fan_out: int,
    rng: np.random.Generator,
) -> Tensor:
    """The loss by propagation over a sampled neighbourhood of the candidates and the histories.

    `adjacencies` must be built from the visible likes.
    """
    sampled = sample_edges(_pooling(queries.histories), np.arange(queries.histories.shape[0]), fan_out, rng)
    seeds = np.union1d(queries.candidates, sampled.indices).astype(np.int64)
    near = sample_neighbourhood(adjacencies, seeds, network.layers, fan_out, rng)
    vectors, bias = network(graph.subgraph(near), _availability(masks, near.items))
    items = vectors[: len(bias)]
    columns = np.searchsorted(near.items, sampled.indices)
    local = sp.csr_array((sampled.data, columns, sampled.indptr), shape=(sampled.shape[0], len(near.items)))
    candidates = np.searchsorted(near.items, queries.candidates)
    return _loss(
        Propagation(local)(items) @ network.query_projection, items[candidates], bias[candidates], queries
    )


def _loss(users: Tensor, items: Tensor, bias: Tensor, queries: Queries) -> Tensor:
    """Mean over users of -log softmax of the targets; candidates in the history are excluded."""
    logits = users @ items.T + bias
    seen = put(queries.histories[:, queries.candidates].toarray() > 0, logits.device)
    targets = put(queries.targets[:, queries.candidates].toarray(), logits.device)
    losses = -(targets * logits.masked_fill(seen, -1e9).log_softmax(1)).sum(1)
    loss: Tensor = (losses / targets.sum(1).clamp_min(1)).mean()
    return loss


def embed_nodes(network: Network, graph: Graph, dataset: Dataset) -> tuple[FloatArray, FloatArray]:
    """The vectors of all nodes [n_nodes, d] and the item biases [n_items].

    Only the id embeddings of items without likes are masked, because they were not trained.
    """
    nothing = np.zeros(dataset.n_items, np.bool_)
    with torch.no_grad():
        masks = DropoutMasks(dataset.liked, dataset.degrees == 0, nothing, nothing)
        vectors, bias = network(graph.whole(dataset.liked), _availability(masks))
    return _numpy(vectors), _numpy(bias)


def embed_nodes_in_blocks(
    network: Network, graph: Graph, dataset: Dataset, block: int = BLOCK
) -> tuple[FloatArray, FloatArray]:
    """As `embed_nodes`, layer by layer on the CPU; no array has more than one vector per node or user."""
    p = {name: _numpy(x) for name, x in network.named_parameters()}
    n_items, has_interactions = dataset.n_items, (dataset.degrees > 0)[:, None].astype(np.float32)
    knowledge = graph.knowledge @ p["knowledge_projection"]
    items = p["id_embedding"] * has_interactions + graph.text @ p["text_projection"] + knowledge[:n_items]
    entities, adjacencies = knowledge[n_items:], graph.adjacencies
    for layer in range(network.layers):
        entities = entities + adjacencies.to_entities @ items
        nodes, users, updated = np.concatenate([items, entities]), adjacencies.to_users @ items, items.copy()
        for start in range(0, n_items, block):
            rows = slice(start, start + block)
            for weight, neighbours in zip(p["relation_weight"][layer], adjacencies.to_items, strict=True):
                updated[rows] += weight * (neighbours[rows] @ nodes)
            updated[rows] += p["collaborative_weight"][layer] * (adjacencies.from_users[rows] @ users)
        items = updated
    return np.concatenate([items, entities]), p["bias"] * has_interactions[:, 0]


def visible_events(
    liked: sp.csr_array, new: BoolArray, config: GnnConfig, rng: np.random.Generator
) -> sp.csr_array:
    """The likes that are not masked: a random part of each row (see `GnnConfig`), without `new` items."""
    lengths = np.diff(liked.indptr)
    keep = np.ceil(lengths * (1 - config.hide_events))
    short = rng.random(len(lengths)) < config.short
    keep = np.where(short, np.minimum(keep, rng.integers(1, 6, len(lengths))), keep)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((rng.random(liked.nnz), rows))
    place = np.empty(liked.nnz, np.int64)
    place[order] = np.arange(liked.nnz) - liked.indptr[rows]
    kept = (place < keep[rows]) & ~new[liked.indices]
    ones = np.ones(int(kept.sum()), np.float32)
    return sp.csr_array((ones, (rows[kept], liked.indices[kept])), shape=liked.shape)


def _candidates(targets: sp.csr_array, most: int, rng: np.random.Generator) -> IntArray:
    n_items = targets.shape[1]
    if n_items <= most:
        return np.arange(n_items)
    return np.union1d(targets.indices, rng.choice(n_items, most, replace=False)).astype(np.int64)


def _content_dropout(
    n_items: int, config: GnnConfig, rng: np.random.Generator
) -> tuple[BoolArray, BoolArray]:
    """Masks of the items without text and of the items without facts, both bool [n_items]."""
    return rng.random(n_items) < config.hide_text, rng.random(n_items) < config.hide_facts


def _availability(masks: DropoutMasks, items: IntArray | None = None) -> AvailabilityMasks:
    """The availability masks of some items (None: all items)."""
    flags = (masks.id_embedding, masks.text, masks.facts)
    return AvailabilityMasks(*(_column(~(x if items is None else x[items])) for x in flags))


def _column(flags: BoolArray) -> Tensor:
    return put(flags.astype(np.float32)[:, None], sparse_device())


def _numpy(x: Tensor) -> FloatArray:
    found: FloatArray = x.detach().cpu().numpy()
    return found


def _propagations(
    adjacencies: Adjacencies,
) -> tuple[list[Propagation], Propagation, Propagation, Propagation]:
    """Propagations to items (one per relation), to entities, to users and from users."""
    others = (adjacencies.to_entities, adjacencies.to_users, adjacencies.from_users)
    to_entities, to_users, from_users = map(Propagation, others)
    return [Propagation(x) for x in adjacencies.to_items], to_entities, to_users, from_users


def _pooling(histories: sp.csr_array) -> sp.csr_array:
    """The histories with each row divided by the square root of its number of items."""
    scale = np.maximum(np.diff(histories.indptr), 1) ** -0.5
    return sp.csr_array(sp.diags_array(scale) @ histories)
