"""Knowledge-graph embedding: four scoring functions, one trainer; `links` measures them.

Every fact is learnt in both directions, the reverse one as a relation of its own (reciprocal relations,
Lacroix et al. 2018), so ranking heads is ranking tails. A scoring function is two stateless steps: `query`
moves the head by the relation, `compare` holds the result against tails.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from embeddings.data.dataset import Dataset
from embeddings.graph.configs import KgeConfig, KgeModel
from embeddings.graph.device import device
from kg.graph import FloatArray, IntArray, Triples
from kg.progress import Report, silent

STAGE = "knowledge-graph embedding"

SHARING = 32
"""So many facts of a batch are ranked against the same drawn entities: one matrix product, and as good as
entities drawn for each fact. When a whole batch shares them, MRR is 10 to 20 % lower."""


@dataclass(frozen=True)
class ScoringFunction:
    """`query`: heads [b, d], relations [b, r] to [b, d]; `compare`: that and tails [n, d] to [b, n]."""

    query: Callable[[Tensor, Tensor], Tensor]
    compare: Callable[[Tensor, Tensor], Tensor]
    relation_dim: Callable[[int], int]
    """Width of a relation, from that of an entity."""


def _dot(query: Tensor, tails: Tensor) -> Tensor:
    return query @ tails.transpose(-1, -2)


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
    "transe": ScoringFunction(lambda h, r: h + r, _nearness, lambda d: d),
    # Yang et al. 2015: <h, r, t>
    "distmult": ScoringFunction(lambda h, r: h * r, _dot, lambda d: d),
    # Trouillon et al. 2016: Re <h, r, conj t>
    "complex": ScoringFunction(_complex_product, _dot, lambda d: d),
    # Sun et al. 2019: -|h * e^(i r) - t|
    "rotate": ScoringFunction(_rotate, _nearness, lambda d: d // 2),
}


@dataclass(frozen=True, eq=False)
class Embedding:
    """Entities float32 [n, d]; relations float32 [2 * relations, r], the reverse ones second."""

    model: KgeModel
    entities: FloatArray
    relations: FloatArray

    def tails(self, heads: IntArray, relations: IntArray) -> FloatArray:
        """Scores of every entity as the tail, float32 [b, n]."""
        scoring = SCORING[self.model]
        entities = torch.from_numpy(self.entities)
        query = scoring.query(entities[heads], torch.from_numpy(self.relations)[relations])
        scores: FloatArray = scoring.compare(query, entities).numpy()
        return scores


def train_kge(
    triples: Triples,
    n_entities: int,
    n_relations: int,
    config: KgeConfig,
    seed: int = 0,
    report: Report = silent,
) -> Embedding:
    """Softmax cross-entropy of the true tail against drawn ones (Ruffinelli et al. 2020), by Adam."""
    generator = torch.Generator().manual_seed(seed)
    scoring = SCORING[config.model]
    width = scoring.relation_dim(config.embedding_dim)
    entities = _parameter(n_entities, config.embedding_dim, generator)
    relations = _relations(config.model, 2 * n_relations, width, generator)
    facts = torch.from_numpy(both_directions(triples, n_relations))
    optimiser = torch.optim.Adam([entities, relations], lr=config.learning_rate)
    for epoch in range(config.epochs):
        order = torch.randperm(len(facts), generator=generator)
        for start in range(0, len(facts), config.batch_size):
            head, relation, tail = facts[order[start : start + config.batch_size]].T.to(device())
            query = scoring.query(functional.embedding(head, entities), relations[relation])
            loss = _softmax_loss(scoring, query, tail, entities, config.negatives, generator)
            if scoring.compare is _dot:
                ends = functional.embedding(head, entities), functional.embedding(tail, entities)
                sizes = (_cubes(x, config.model) for x in (*ends, relations[relation]))
                loss = loss + config.regularisation * sum(sizes)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    return Embedding(config.model, entities.detach().cpu().numpy(), relations.detach().cpu().numpy())


def _softmax_loss(
    scoring: ScoringFunction,
    query: Tensor,
    tail: Tensor,
    entities: Tensor,
    negatives: int,
    generator: torch.Generator,
) -> Tensor:
    n = len(entities)
    if negatives >= n:
        return functional.cross_entropy(scoring.compare(query, entities), tail)
    groups = max(1, len(tail) // SHARING)
    even = len(tail) // groups * groups
    parts = [_drawn_scores(scoring, query[:even], tail[:even], entities, negatives, groups, generator)]
    if even < len(tail):
        parts.append(_drawn_scores(scoring, query[even:], tail[even:], entities, negatives, 1, generator))
    true = _paired(scoring, query, functional.embedding(tail, entities))
    logits = torch.cat([true[:, None], torch.cat(parts)], 1)
    return functional.cross_entropy(logits, torch.zeros_like(tail))


def _drawn_scores(
    scoring: ScoringFunction,
    query: Tensor,
    tail: Tensor,
    entities: Tensor,
    negatives: int,
    groups: int,
    generator: torch.Generator,
) -> Tensor:
    """Of drawn entities, the same within each of `groups`, [b, negatives]; -inf for the tail itself."""
    drawn = torch.randint(len(entities), (groups, negatives), generator=generator).to(tail.device)
    grouped = query.reshape(groups, -1, query.shape[1])
    wrong = scoring.compare(grouped, functional.embedding(drawn, entities))
    true = drawn[:, None, :] == tail.reshape(groups, -1, 1)
    return wrong.masked_fill(true, -torch.inf).reshape(len(tail), negatives)


def _paired(scoring: ScoringFunction, query: Tensor, tails: Tensor) -> Tensor:
    """`compare` of row i with tail i alone, [b]."""
    if scoring.compare is _dot:
        score = (query * tails).sum(1)
    else:
        score = -((query - tails) ** 2).sum(1).clamp_min(1e-9).sqrt()
    return score


def _parameter(rows: int, width: int, generator: torch.Generator) -> Tensor:
    parameter: Tensor = torch.randn(rows, width, generator=generator) / width**0.5
    return parameter.to(device()).requires_grad_()


def _cubes(table: Tensor, model: KgeModel) -> Tensor:
    """Sum of cubed absolute values, complex ones taken whole, a mean over rows (N3, Lacroix et al. 2018)."""
    parts = torch.stack(table.chunk(2, -1)).square().sum(0) if model == "complex" else table.square()
    return (parts + 1e-12).pow(1.5).sum() / len(table)


def _relations(model: KgeModel, rows: int, width: int, generator: torch.Generator) -> Tensor:
    if model != "rotate":
        return _parameter(rows, width, generator)
    # phases all round the circle: near 0 every relation would at first lead a head to itself, and stay near
    phases = (torch.rand(rows, width, generator=generator) * 2 - 1) * torch.pi
    return phases.to(device()).requires_grad_()


def both_directions(triples: Triples, n_relations: int) -> IntArray:
    """Facts and their reverses, int64 [2 n, 3]: head, relation, tail."""
    head, relation, tail = (x.astype(np.int64) for x in (triples.head, triples.relation, triples.tail))
    forth, back = (head, relation, tail), (tail, relation + n_relations, head)
    return np.concatenate([np.stack(forth, 1), np.stack(back, 1)])


def with_knowledge(dataset: Dataset, config: KgeConfig, seed: int = 0, report: Report = silent) -> Dataset:
    """The dataset with its knowledge-graph embedding, learnt unless it is there; zeros without facts."""
    if dataset.knowledge.size:
        return dataset
    if not len(dataset.triples):
        return replace(dataset, knowledge=np.zeros((dataset.n_nodes, config.embedding_dim), np.float32))
    found = train_kge(dataset.triples, dataset.n_nodes, len(dataset.relations), config, seed, report)
    return replace(dataset, knowledge=found.entities)
