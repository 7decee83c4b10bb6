"""Graph convolution over the collaborative knowledge graph: items, entities and who liked what.

An item starts as what was learnt for it + its projected text + its projected knowledge-graph embedding, and
takes in, layer by layer, its entities (a mean a relation, each relation with weights of its own) and, through
the users who liked it, other items. Users are no parameters: a user is the pooled history. Trained as a
denoising autoencoder (Liang et al. 2018): part of each history is hidden and must be found among all items by
a softmax; and, so that absence is met in training, learnt vectors and interactions, text and facts of some
items are hidden as well (DropoutNet, Volkovs et al. 2017).
"""

import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from embeddings.configs import GnnConfig
from embeddings.dataset import Dataset
from embeddings.device import put, sparse_device
from embeddings.vectors import unit_rows
from kg.graph import BoolArray, FloatArray, IntArray, NodeArray
from kg.progress import Report, silent

with warnings.catch_warnings():  # the library still calls torch.jit.script
    warnings.simplefilter("ignore", FutureWarning)
    from torch_geometric.nn import MessagePassing

STAGE = "graph convolution"


class _Product(torch.autograd.Function):
    """matrix @ x with the transpose at hand: the built-in gradient makes it anew, at 4 x the time."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, transposed: Tensor, x: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.transposed @ gradients[0].contiguous()


class Propagation(MessagePassing):  # type: ignore[misc]
    """Sum over weighted neighbours as one CSR product; `matrix` is targets x sources."""

    def __init__(self, matrix: sp.csr_array) -> None:
        super().__init__(aggr="sum")
        self.matrix = _tensor(matrix)
        self.transposed = _tensor(matrix.T.tocsr())

    def forward(self, x: Tensor) -> Tensor:
        """[sources, d] to [targets, d]."""
        result: Tensor = self.propagate(self.matrix, x=x, size=tuple(self.matrix.shape[::-1]))
        return result

    def message_and_aggregate(self, edge_index: Tensor, x: Tensor) -> Tensor:
        """The fused product, which `propagate` calls for a sparse adjacency."""
        return cast("Tensor", _Product.apply(edge_index, self.transposed, x))


@dataclass(frozen=True, eq=False)
class Kept:
    """What is there: float32 ones, and zeros where it is hidden, one an item, [n_items, 1] each."""

    learnt: Tensor
    text: Tensor
    facts: Tensor


class Network(nn.Module):
    """The learnt part, and the propagations over the facts."""

    def __init__(self, dataset: Dataset, config: GnnConfig, generator: torch.Generator) -> None:
        super().__init__()
        d, self.layers = config.embedding_dim, config.layers
        self.text = put(np.array(dataset.text, np.float32), sparse_device())
        self.knowledge = put(unit_rows(dataset.knowledge), sparse_device())
        self.to_items, self.to_entities = _fact_propagations(dataset)

        def weights(*shape: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * scale)

        self.learnt = weights(dataset.n_items, d, scale=0.1 * d**-0.5)
        self.from_text = weights(self.text.shape[1], d, scale=d**-0.5)
        self.from_knowledge = weights(self.knowledge.shape[1], d, scale=d**-0.5)
        self.relation = nn.Parameter(torch.full((self.layers, len(self.to_items), d), 0.3))
        self.together = nn.Parameter(torch.full((self.layers, d), 0.3))
        self.asking = nn.Parameter(torch.eye(d))
        self.bias = nn.Parameter(torch.zeros(dataset.n_items))

    def forward(self, liked: sp.csr_array, kept: Kept) -> tuple[Tensor, Tensor]:
        """Vectors of items, then entities [n_nodes, d], and the items' bias; `liked` is users x items."""
        n_items = len(self.learnt)
        known = self.knowledge @ self.from_knowledge
        items = self.learnt * kept.learnt + (self.text @ self.from_text) * kept.text
        items = items + known[:n_items] * kept.facts
        entities = known[n_items:]
        to_users, to_items = through_users(liked)
        for layer in range(self.layers):
            entities = entities + self.to_entities(items * kept.facts)
            nodes = torch.cat([items, entities])
            facts = sum(w * take(nodes) for w, take in zip(self.relation[layer], self.to_items, strict=True))
            items = items + facts * kept.facts + self.together[layer] * to_items(to_users(items))
        return torch.cat([items, entities]), self.bias * kept.learnt[:, 0]


def train_gnn(
    dataset: Dataset, config: GnnConfig, seed: int = 0, report: Report = silent
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Vectors of items, then entities [n_nodes, d], the matrix of asking [d, d], and the items' bias.

    Item i's score is `(sum of history vectors / sqrt(their number)) @ asking @ vector_i + bias_i`.
    """
    rng = np.random.default_rng(seed)
    network = Network(dataset, config, torch.Generator().manual_seed(seed)).to(sparse_device())
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    users = np.flatnonzero(np.diff(dataset.liked.indptr) > 1)
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        order = rng.permutation(users)
        for start in range(0, len(order), config.batch_size):
            loss = _step_loss(network, dataset, order[start : start + config.batch_size], config, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    with torch.no_grad():
        every = _column(np.ones(dataset.n_items, np.bool_))
        vectors, bias = network(dataset.liked, Kept(_column(dataset.degrees > 0), every, every))
    vectors, asking, bias = (x.detach().cpu().numpy() for x in (vectors, network.asking, bias))
    return vectors, asking, bias


def _step_loss(
    network: Network, dataset: Dataset, users: IntArray, config: GnnConfig, rng: np.random.Generator
) -> Tensor:
    """Hide, propagate what is left, and rank what was hidden: mean over users of -log softmax."""
    new = rng.random(dataset.n_items) < config.hide_items
    visible = visible_part(dataset.liked, new, config, rng)
    hidden = (dataset.liked - visible)[users]
    candidates = _candidates(hidden, config.sampled_items, rng)
    kept = Kept(*(_column(~drop) for drop in (new, *_drops(dataset.n_items, config, rng))))
    vectors, bias = network(visible, kept)
    pooled = Propagation(_pooling(visible[users]))(vectors[: dataset.n_items])
    items = vectors[: dataset.n_items][candidates]
    logits = (pooled @ network.asking) @ items.T + bias[candidates]
    mine = put(visible[users][:, candidates].toarray() > 0, logits.device)
    targets = put(hidden[:, candidates].toarray(), logits.device)
    losses = -(targets * logits.masked_fill(mine, -1e9).log_softmax(1)).sum(1)
    loss: Tensor = (losses / targets.sum(1).clamp_min(1)).mean()
    return loss


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


def _column(flags: BoolArray) -> Tensor:
    return put(flags.astype(np.float32)[:, None], sparse_device())


def _fact_propagations(dataset: Dataset) -> tuple[nn.ModuleList, Propagation]:
    """From nodes to items, one a relation that has facts about items; and from items to entities."""
    facts, n_items, n_nodes = dataset.triples, dataset.n_items, dataset.n_nodes
    target, source = np.concatenate([facts.head, facts.tail]), np.concatenate([facts.tail, facts.head])
    relation = np.concatenate([facts.relation, facts.relation])
    to_items = nn.ModuleList()
    for kind in np.unique(relation[target < n_items]):
        of = (relation == kind) & (target < n_items)
        to_items.append(Propagation(_mean(_ones(target[of], source[of], (n_items, n_nodes)))))
    of = (target >= n_items) & (source < n_items)
    entities = _ones(target[of] - n_items, source[of], (n_nodes - n_items, n_items))
    return to_items, Propagation(_mean(entities))


def through_users(liked: sp.csr_array) -> tuple[Propagation, Propagation]:
    """From items to users and back, divided by the roots of both degrees (He et al. 2020, equation 3)."""
    users = np.maximum(np.diff(liked.indptr), 1) ** -0.5
    items = np.maximum(np.bincount(liked.indices, minlength=liked.shape[1]), 1) ** -0.5
    matrix = sp.csr_array(sp.diags_array(users) @ liked @ sp.diags_array(items))
    return Propagation(matrix), Propagation(matrix.T.tocsr())


def _pooling(histories: sp.csr_array) -> sp.csr_array:
    """Rows divided by the root of their length."""
    scale = np.maximum(np.diff(histories.indptr), 1) ** -0.5
    return sp.csr_array(sp.diags_array(scale) @ histories)


def _mean(matrix: sp.csr_array) -> sp.csr_array:
    """Rows divided by their length."""
    return sp.csr_array(sp.diags_array(1 / np.maximum(np.diff(matrix.indptr), 1)) @ matrix)


def _ones(rows: NodeArray, columns: NodeArray, shape: tuple[int, int]) -> sp.csr_array:
    matrix = sp.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def _tensor(matrix: sp.csr_array) -> Tensor:
    rows, columns, values = (
        put(part.astype(kind), sparse_device())
        for part, kind in ((matrix.indptr, np.int64), (matrix.indices, np.int64), (matrix.data, np.float32))
    )
    with warnings.catch_warnings():  # sparse CSR is called beta there
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(rows, columns, values, size=matrix.shape)
