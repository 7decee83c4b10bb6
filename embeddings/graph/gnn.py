"""Graph convolution over the collaborative knowledge graph: items, entities and who liked what.

An item starts as what was learnt for it + its projected text + its projected knowledge-graph embedding, and
takes in, layer by layer, its entities (a mean a relation, each relation with weights of its own) and, through
the users who liked it, other items. Users are no parameters: a user is the pooled history. Trained as a
denoising autoencoder (Liang et al. 2018): part of each history is hidden and must be found among all items by
a softmax; and, so that absence is met in training, learnt vectors and interactions, text and facts of some
items are hidden as well (DropoutNet, Volkovs et al. 2017). A graph with very many edges is never propagated
over whole: each step draws a neighbourhood (`embeddings.graph.sampling`).
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
from embeddings.graph.propagation import Propagation, through_users
from embeddings.graph.sampling import Flows, Neighbourhood, draw_edges, neighbourhood
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

STAGE = "graph convolution"

BLOCK = 100_000
"""Items at once, where all relations are summed."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What is there: float32 ones, and zeros where it is hidden, one an item, [n_items, 1] each."""

    learnt: Tensor
    text: Tensor
    facts: Tensor


@dataclass(frozen=True, eq=False)
class Part:
    """What a pass runs over, on the device: the whole graph, or the neighbourhood of some items."""

    items: Tensor | None
    """Their numbers; None: all."""
    text: Tensor
    """[items, dim]"""
    knowledge: Tensor
    """[items + entities, k]"""
    to_items: Sequence[Propagation]
    to_entities: Propagation
    to_users: Propagation
    from_users: Propagation


class Graph:
    """Text, knowledge-graph embedding and flows of a dataset, of which parts are put on the device."""

    def __init__(self, dataset: Dataset) -> None:
        self.flows = Flows.of(dataset)
        self.text, self.knowledge = np.array(dataset.text, np.float32), unit_rows(dataset.knowledge)

    @cached_property
    def _whole(self) -> Part:
        flows = self.flows
        liked = Propagation(flows.to_users), Propagation(flows.from_users)
        text, knowledge = (put(x, sparse_device()) for x in (self.text, self.knowledge))
        return Part(None, text, knowledge, *_facts(flows), *liked)

    def whole(self, liked: sp.csr_array) -> Part:
        """All of it, with these likes: users x items."""
        to_users, from_users = through_users(liked)
        return replace(self._whole, to_users=to_users, from_users=from_users)

    def part(self, of: Neighbourhood) -> Part:
        """A neighbourhood."""
        nodes = np.concatenate([of.items, of.entities + len(self.text)])
        arrays = (of.items, self.text[of.items], self.knowledge[nodes])
        items, text, knowledge = (put(x, sparse_device()) for x in arrays)
        liked = Propagation(of.flows.to_users), Propagation(of.flows.from_users)
        return Part(items, text, knowledge, *_facts(of.flows), *liked)


class Network(nn.Module):
    """The learnt part."""

    def __init__(self, graph: Graph, config: GnnConfig, generator: torch.Generator) -> None:
        super().__init__()
        d, self.layers, n_items = config.embedding_dim, config.layers, len(graph.text)

        def weights(*shape: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * scale)

        self.learnt = weights(n_items, d, scale=0.1 * d**-0.5)
        self.from_text = weights(graph.text.shape[1], d, scale=d**-0.5)
        self.from_knowledge = weights(graph.knowledge.shape[1], d, scale=d**-0.5)
        self.relation = nn.Parameter(torch.full((self.layers, len(graph.flows.to_items), d), 0.3))
        self.together = nn.Parameter(torch.full((self.layers, d), 0.3))
        self.asking = nn.Parameter(torch.eye(d))
        self.bias = nn.Parameter(torch.zeros(n_items))

    def forward(self, part: Part, kept: Kept) -> tuple[Tensor, Tensor]:
        """Vectors of a part's items, then entities [nodes, d], and the items' bias."""
        n_items = len(part.text)
        learnt: Tensor = self.learnt
        bias: Tensor = self.bias
        if part.items is not None:
            learnt, bias = functional.embedding(part.items, learnt), bias[part.items]
        known = part.knowledge @ self.from_knowledge
        items = learnt * kept.learnt + (part.text @ self.from_text) * kept.text
        items = items + known[:n_items] * kept.facts
        entities = known[n_items:]
        for layer in range(self.layers):
            entities = entities + part.to_entities(items * kept.facts)
            nodes = torch.cat([items, entities])
            facts = sum(w * take(nodes) for w, take in zip(self.relation[layer], part.to_items, strict=True))
            liked = part.from_users(part.to_users(items))
            items = items + facts * kept.facts + self.together[layer] * liked
        return torch.cat([items, entities]), bias * kept.learnt[:, 0]


def train_gnn(
    dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Vectors of items, then entities [n_nodes, d], the matrix of asking [d, d], and the items' bias.

    Item i's score is `(sum of history vectors / sqrt(their number)) @ asking @ vector_i + bias_i`.
    """
    rng, graph = np.random.default_rng(seed), Graph(dataset)
    network = Network(graph, config, torch.Generator().manual_seed(seed)).to(sparse_device())
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    users = np.flatnonzero(np.diff(dataset.liked.indptr) > 1)
    whole = graph.flows.edges <= config.whole_graph_edges
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        order = rng.permutation(users)
        for loss in (_whole_losses if whole else _drawn_losses)(network, graph, dataset, order, config, rng):
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    vectors, bias = _everything(network, graph, dataset) if whole else by_blocks(network, graph, dataset)
    return vectors, _numpy(network.asking), bias


@dataclass(frozen=True, eq=False)
class Hidden:
    """What a step hides and asks."""

    visible: sp.csr_array
    """Users x items."""
    learnt: BoolArray
    """Whose learnt vector is hidden, as are all likes of them [n_items]."""
    text: BoolArray
    facts: BoolArray


@dataclass(frozen=True, eq=False)
class Asked:
    """Some users, what they show, what they are to find, and among which items."""

    shown: sp.csr_array
    """[b, n_items]"""
    wanted: sp.csr_array
    """[b, n_items]"""
    candidates: IntArray

    @classmethod
    def of(cls, liked: sp.csr_array, visible: sp.csr_array, most: int, rng: np.random.Generator) -> Self:
        """From what users like and what of that is visible, [b, n_items] both."""
        wanted = liked - visible
        return cls(visible, wanted, _candidates(wanted, most, rng))


def _whole_losses(
    network: Network,
    graph: Graph,
    dataset: Dataset,
    order: IntArray,
    config: GnnConfig,
    rng: np.random.Generator,
) -> Iterator[Tensor]:
    """One a step, each of which hides anew and propagates over all that is left."""
    for start in range(0, len(order), config.batch_size):
        users, liked = order[start : start + config.batch_size], dataset.liked
        new = rng.random(dataset.n_items) < config.hide_items
        visible = visible_part(liked, new, config, rng)
        asked = Asked.of(liked[users], visible[users], config.sampled_items, rng)
        yield whole_loss(network, graph, Hidden(visible, new, *_drops(dataset.n_items, config, rng)), asked)


def _drawn_losses(
    network: Network,
    graph: Graph,
    dataset: Dataset,
    order: IntArray,
    config: GnnConfig,
    rng: np.random.Generator,
) -> Iterator[Tensor]:
    """One a step over a drawn neighbourhood; what is hidden is drawn once for all of them."""
    new = rng.random(dataset.n_items) < config.hide_items
    visible = visible_part(dataset.liked, new, config, rng)
    hidden = Hidden(visible, new, *_drops(dataset.n_items, config, rng))
    flows = graph.flows.liking(visible)
    for start in range(0, len(order), config.batch_size):
        users = order[start : start + config.batch_size]
        asked = Asked.of(dataset.liked[users], visible[users], config.sampled_items, rng)
        yield drawn_loss(network, graph, flows, hidden, asked, config.fan_out, rng)


def whole_loss(network: Network, graph: Graph, hidden: Hidden, asked: Asked) -> Tensor:
    """Propagate over all that is left."""
    vectors, bias = network(graph.whole(hidden.visible), _kept(hidden))
    items = vectors[: len(bias)]
    pooled = Propagation(_pooling(asked.shown))(items)
    return _loss(pooled @ network.asking, items[asked.candidates], bias[asked.candidates], asked)


def drawn_loss(
    network: Network,
    graph: Graph,
    flows: Flows,
    hidden: Hidden,
    asked: Asked,
    fan_out: int,
    rng: np.random.Generator,
) -> Tensor:
    """Propagate over a neighbourhood of the candidates and of what users show; `flows`: of what is left."""
    shown = draw_edges(_pooling(asked.shown), np.arange(asked.shown.shape[0]), fan_out, rng)
    seeds = np.union1d(asked.candidates, shown.indices).astype(np.int64)
    near = neighbourhood(flows, seeds, network.layers, fan_out, rng)
    vectors, bias = network(graph.part(near), _kept(hidden, near.items))
    items = vectors[: len(bias)]
    places = np.searchsorted(near.items, shown.indices)
    local = sp.csr_array((shown.data, places, shown.indptr), shape=(shown.shape[0], len(near.items)))
    candidates = np.searchsorted(near.items, asked.candidates)
    return _loss(Propagation(local)(items) @ network.asking, items[candidates], bias[candidates], asked)


def _loss(users: Tensor, items: Tensor, bias: Tensor, asked: Asked) -> Tensor:
    """Mean over users of -log softmax of what they are to find, among what they do not show."""
    logits = users @ items.T + bias
    mine = put(asked.shown[:, asked.candidates].toarray() > 0, logits.device)
    targets = put(asked.wanted[:, asked.candidates].toarray(), logits.device)
    losses = -(targets * logits.masked_fill(mine, -1e9).log_softmax(1)).sum(1)
    loss: Tensor = (losses / targets.sum(1).clamp_min(1)).mean()
    return loss


def _everything(network: Network, graph: Graph, dataset: Dataset) -> tuple[FloatArray, FloatArray]:
    """Vectors of all nodes, and the items' bias, when nothing is hidden."""
    nothing = np.zeros(dataset.n_items, np.bool_)
    with torch.no_grad():
        hidden = Hidden(dataset.liked, dataset.degrees == 0, nothing, nothing)
        vectors, bias = network(graph.whole(dataset.liked), _kept(hidden))
    return _numpy(vectors), _numpy(bias)


def by_blocks(
    network: Network, graph: Graph, dataset: Dataset, block: int = BLOCK
) -> tuple[FloatArray, FloatArray]:
    """The same, layer by layer on the processor, with nothing larger than a vector a node or user."""
    p = {name: _numpy(x) for name, x in network.named_parameters()}
    n_items, has_interactions = dataset.n_items, (dataset.degrees > 0)[:, None].astype(np.float32)
    known = graph.knowledge @ p["from_knowledge"]
    items, entities = (
        p["learnt"] * has_interactions + graph.text @ p["from_text"] + known[:n_items],
        known[n_items:],
    )
    flows = graph.flows
    for relation, together in zip(p["relation"], p["together"], strict=True):
        entities = entities + flows.to_entities @ items
        nodes, of_users, following = np.concatenate([items, entities]), flows.to_users @ items, items.copy()
        for start in range(0, n_items, block):
            rows = slice(start, start + block)
            for weight, take in zip(relation, flows.to_items, strict=True):
                following[rows] += weight * (take[rows] @ nodes)
            following[rows] += together * (flows.from_users[rows] @ of_users)
        items = following
    return np.concatenate([items, entities]), p["bias"] * has_interactions[:, 0]


def visible_part(
    liked: sp.csr_array, new: BoolArray, config: GnnConfig, rng: np.random.Generator
) -> sp.csr_array:
    """What is not hidden of users x items: a random part of each row, sometimes very short, no new items."""
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


def _drops(n_items: int, config: GnnConfig, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    """Whose text and whose facts are hidden."""
    return rng.random(n_items) < config.hide_text, rng.random(n_items) < config.hide_facts


def _kept(hidden: Hidden, items: IntArray | None = None) -> Kept:
    """Of some items; None: of all."""
    flags = (hidden.learnt, hidden.text, hidden.facts)
    return Kept(*(_column(~(x if items is None else x[items])) for x in flags))


def _column(flags: BoolArray) -> Tensor:
    return put(flags.astype(np.float32)[:, None], sparse_device())


def _numpy(x: Tensor) -> FloatArray:
    found: FloatArray = x.detach().cpu().numpy()
    return found


def _facts(flows: Flows) -> tuple[list[Propagation], Propagation]:
    return [Propagation(x) for x in flows.to_items], Propagation(flows.to_entities)


def _pooling(histories: sp.csr_array) -> sp.csr_array:
    """Rows divided by the root of their length."""
    scale = np.maximum(np.diff(histories.indptr), 1) ** -0.5
    return sp.csr_array(sp.diags_array(scale) @ histories)
