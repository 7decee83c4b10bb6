"""Knowledge-graph embedding: four scoring functions, one trainer; `evaluation.link_prediction` measures them.

Every fact is trained in both directions; the inverse direction has a separate relation (reciprocal
relations, Lacroix et al. 2018), so that head prediction is tail prediction under the inverse relation. A
scoring function is two stateless steps: `query` transforms the head by the relation, `compare` scores the
result against tails.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from embeddings.data.dataset import Dataset
from embeddings.graph.configs import KgeConfig, KgeModel
from embeddings.graph.device import single_torch_thread, sparse_device
from kg.graph import FloatArray, IntArray, Triples
from kg.progress import Report, silent

STAGE = "knowledge-graph embedding"


def _same_width(entity_dim: int) -> int:
    return entity_dim


def _normal(rows: int, width: int, generator: torch.Generator) -> Tensor:
    """Normal initialisation with standard deviation 1 / sqrt(width)."""
    drawn: Tensor = torch.randn(rows, width, generator=generator) / width**0.5
    return drawn


def _any_phase(rows: int, width: int, generator: torch.Generator) -> Tensor:
    """Uniform phases: with phases near 0 every relation starts as the identity, and training stays there."""
    drawn: Tensor = (torch.rand(rows, width, generator=generator) * 2 - 1) * torch.pi
    return drawn


@dataclass(frozen=True)
class ScoringFunction:
    """A KGE model: its interaction function and the initialisation of its relations."""

    query: Callable[[Tensor, Tensor], Tensor]
    """Maps heads [b, d] and relations [b, r] to queries [b, d]."""
    compare: Callable[[Tensor, Tensor], Tensor]
    """Maps queries [..., b, d] and tails [..., n, d] to scores [..., b, n]."""
    compare_pairs: Callable[[Tensor, Tensor], Tensor]
    """Maps queries [b, d] and tails [b, d] to the scores of the pairs, [b]."""
    squares: Callable[[Tensor], Tensor] | None = None
    """Squared absolute values of a vector's components, for the nuclear 3-norm (N3, Lacroix et al. 2018);
    None: no regularisation, for distance-based models."""
    relation_dim: Callable[[int], int] = _same_width
    """Maps the width of an entity vector to that of a relation vector."""
    initial_relations: Callable[[int, int, torch.Generator], Tensor] = _normal
    """Initialises the relations from rows, width and generator."""


def _dot(query: Tensor, tails: Tensor) -> Tensor:
    return query @ tails.transpose(-1, -2)


def _dot_pairs(query: Tensor, tails: Tensor) -> Tensor:
    return (query * tails).sum(1)


def _nearness_pairs(query: Tensor, tails: Tensor) -> Tensor:
    return -((query - tails) ** 2).sum(1).clamp_min(1e-9).sqrt()


def _complex_squares(table: Tensor) -> Tensor:
    return torch.stack(table.chunk(2, -1)).square().sum(0)


def _nearness(query: Tensor, tails: Tensor) -> Tensor:
    products = query @ tails.transpose(-1, -2)
    squares = (query**2).sum(-1)[..., :, None] + (tails**2).sum(-1)[..., None, :] - 2 * products
    return -squares.clamp_min(1e-9).sqrt()


def _complex_product(left: Tensor, right: Tensor) -> Tensor:
    (a, b), (c, d) = left.chunk(2, -1), right.chunk(2, -1)
    return torch.cat([a * c - b * d, a * d + b * c], -1)


def _rotate(head: Tensor, phase: Tensor) -> Tensor:
    return _complex_product(head, torch.cat([phase.cos(), phase.sin()], -1))


SCORING: dict[KgeModel, ScoringFunction] = {
    # Bordes et al. 2013: -|h + r - t|
    "transe": ScoringFunction(lambda h, r: h + r, _nearness, _nearness_pairs),
    # Yang et al. 2015: <h, r, t>
    "distmult": ScoringFunction(lambda h, r: h * r, _dot, _dot_pairs, torch.square),
    # Trouillon et al. 2016: Re <h, r, conj t>
    "complex": ScoringFunction(_complex_product, _dot, _dot_pairs, _complex_squares),
    # Sun et al. 2019: -|h * e^(i r) - t|
    "rotate": ScoringFunction(
        _rotate, _nearness, _nearness_pairs, relation_dim=lambda d: d // 2, initial_relations=_any_phase
    ),
}
"""A new model is one entry here and its name in `KgeModel`."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """Entities float32 [n, d]; relations float32 [2 * relations, r], the inverse relations last."""

    model: KgeModel
    entities: FloatArray
    relations: FloatArray

    def tails(self, heads: IntArray, relations: IntArray) -> FloatArray:
        """Scores of all entities as tails, float32 [b, n]."""
        scoring = SCORING[self.model]
        entities = torch.from_numpy(self.entities)
        query = scoring.query(entities[heads], torch.from_numpy(self.relations)[relations])
        scores: FloatArray = scoring.compare(query, entities).numpy()
        return scores


@dataclass(frozen=True, eq=False)
class Negatives:
    """Sampled tails of some facts of a batch: neighbouring facts, the same number each, share a row."""

    facts: slice
    entities: Tensor
    """int64 [groups, negatives]"""


@single_torch_thread()
def train_kge(
    triples: Triples,
    n_entities: int,
    n_relations: int,
    config: KgeConfig,
    seed: int = 0,
    report: Report = silent,
) -> Embedding:
    """Train by Adam on softmax cross-entropy of the true tail against negatives (Ruffinelli et al. 2020).

    A step reads and changes only the entities that it draws (`SparseAdam`: the moments of the others stay as
    they are), so its cost does not grow with the number of entities.
    """
    generator = torch.Generator().manual_seed(seed)
    scoring, where = SCORING[config.model], sparse_device()
    width = scoring.relation_dim(config.embedding_dim)
    entities = _normal(n_entities, config.embedding_dim, generator).to(where)
    relations = scoring.initial_relations(2 * n_relations, width, generator).to(where).requires_grad_()
    facts = torch.from_numpy(both_directions(triples, n_relations))
    of_entities = torch.optim.SparseAdam([entities], lr=config.learning_rate)
    of_relations = torch.optim.Adam([relations], lr=config.learning_rate)
    report(STAGE, 0, config.epochs)
    for epoch in range(config.epochs):
        order = torch.randperm(len(facts), generator=generator)
        for start in range(0, len(facts), config.batch_size):
            batch = facts[order[start : start + config.batch_size]]
            negatives = draw_negatives(len(batch), n_entities, config, generator)
            of_relations.zero_grad()
            entities.grad = _gradient(scoring, entities, relations, batch, negatives, config)
            of_entities.step()  # type: ignore[no-untyped-call]
            of_relations.step()
        report(STAGE, epoch + 1, config.epochs)
    return Embedding(config.model, entities.cpu().numpy(), relations.detach().cpu().numpy())


def draw_negatives(
    batch: int, n_entities: int, config: KgeConfig, generator: torch.Generator
) -> list[Negatives]:
    """Negatives of a batch of so many facts; if there are few entities, all of them for every fact."""
    if config.negatives >= n_entities:
        return [Negatives(slice(0, batch), torch.arange(n_entities)[None])]
    groups = max(1, batch // config.facts_sharing_negatives)
    even = batch // groups * groups
    parts = ((slice(0, even), groups), (slice(even, batch), 1))
    return [
        Negatives(some, torch.randint(n_entities, (rows, config.negatives), generator=generator))
        for some, rows in parts
        if some.stop > some.start
    ]


def _gradient(
    scoring: ScoringFunction,
    entities: Tensor,
    relations: Tensor,
    batch: Tensor,
    negatives: Sequence[Negatives],
    config: KgeConfig,
) -> Tensor:
    """The gradient of a batch [b, 3], sparse [n, d]; that of the relations is added to theirs."""
    head, relation, tail = batch.T
    wanted = torch.cat([head, tail, *(x.entities.ravel() for x in negatives)]).to(entities.device)
    rows, places = torch.unique(wanted, return_inverse=True)
    table = entities[rows].requires_grad_()
    sizes = [len(head), len(tail), *(x.entities.numel() for x in negatives)]
    heads, tails, *drawn = torch.split(functional.embedding(places, table), sizes)
    kinds = functional.embedding(relation.to(entities.device), relations)
    loss = softmax_loss(scoring, scoring.query(heads, kinds), tail, tails, negatives, drawn)
    if scoring.squares is not None:
        norms = [_nuclear_norm(scoring.squares(x)) for x in (heads, tails, kinds)]
        loss = loss + config.regularisation * torch.stack(norms).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert table.grad is not None
    return torch.sparse_coo_tensor(
        rows[None], table.grad, entities.shape, is_coalesced=True, check_invariants=False
    )


def softmax_loss(
    scoring: ScoringFunction,
    query: Tensor,
    tail: Tensor,
    tails: Tensor,
    negatives: Sequence[Negatives],
    drawn: Sequence[Tensor],
) -> Tensor:
    """Mean cross-entropy of the true tails: `tail` [b] are their indices, `tails` [b, d] their vectors.

    `drawn` are the vectors of the negatives, one row after the other. A negative that is the true tail does
    not count.
    """
    logits = []
    for own, vectors in zip(negatives, drawn, strict=True):
        groups, count = own.entities.shape
        grouped = query[own.facts].reshape(groups, -1, query.shape[1])
        wrong = scoring.compare(grouped, vectors.reshape(groups, count, -1))
        true = own.entities[:, None, :] == tail[own.facts].reshape(groups, -1, 1)
        logits.append(wrong.masked_fill(true.to(wrong.device), -torch.inf).reshape(-1, count))
    right = scoring.compare_pairs(query, tails)
    targets = torch.zeros(len(tail), dtype=torch.int64, device=query.device)
    return functional.cross_entropy(torch.cat([right[:, None], torch.cat(logits)], 1), targets)


def _nuclear_norm(squares: Tensor) -> Tensor:
    """Sum of the cubed absolute values, divided by the number of rows."""
    return (squares + 1e-12).pow(1.5).sum() / len(squares)


def both_directions(triples: Triples, n_relations: int) -> IntArray:
    """Facts and their inverses, int64 [2 n, 3]: head, relation, tail."""
    head, relation, tail = (x.astype(np.int64) for x in (triples.head, triples.relation, triples.tail))
    forth, back = (head, relation, tail), (tail, relation + n_relations, head)
    return np.concatenate([np.stack(forth, 1), np.stack(back, 1)])


def node_embedding(dataset: Dataset, config: KgeConfig, seed: int = 0, report: Report = silent) -> FloatArray:
    """Embedding of the items and entities of a dataset, float32 [n_nodes, d], read-only.

    All zeros if the dataset has no facts. The latest results are cached by facts, configuration and seed,
    so datasets that differ only in their events share one training.
    """
    if not len(dataset.triples):
        return np.zeros((dataset.n_nodes, config.embedding_dim), np.float32)
    key = (_facts_hash(dataset.triples), dataset.n_nodes, len(dataset.relations), config, seed)
    with _LOCK:
        if key not in _LEARNT:
            n_nodes, n_relations = dataset.n_nodes, len(dataset.relations)
            found = train_kge(dataset.triples, n_nodes, n_relations, config, seed, report).entities
            found.setflags(write=False)
            _LEARNT[key] = found
            while len(_LEARNT) > _KEPT:
                _LEARNT.popitem(last=False)
        return _LEARNT[key]


_KEPT = 2
_LEARNT: OrderedDict[Hashable, FloatArray] = OrderedDict()
_LOCK = Lock()


def _facts_hash(triples: Triples) -> bytes:
    digest = hashlib.sha256()
    for column in (triples.head, triples.relation, triples.tail):
        digest.update(np.ascontiguousarray(column).data)
    return digest.digest()
