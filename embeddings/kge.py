"""Knowledge-graph embedding: four scoring functions, one trainer, filtered link prediction.

Every fact is learnt in both directions, the reverse one as a relation of its own (reciprocal relations,
Lacroix et al. 2018), so ranking heads is ranking tails. A scoring function is two stateless steps: `query`
moves the head by the relation, `compare` holds the result against tails.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from embeddings.configs import KgeConfig, KgeModel
from embeddings.dataset import Dataset
from kg.graph import FloatArray, IntArray, Triples
from kg.progress import Report, silent

STAGE = "knowledge-graph embedding"


@dataclass(frozen=True)
class ScoringFunction:
    """`query(head [b, d], relation [b, r]) -> [b, d]`; `compare(query [b, d], tails [n, d]) -> [b, n]`."""

    query: Callable[[Tensor, Tensor], Tensor]
    compare: Callable[[Tensor, Tensor], Tensor]
    relation_dim: Callable[[int], int]
    """Width of a relation, from that of an entity."""


def _dot(query: Tensor, tails: Tensor) -> Tensor:
    return query @ tails.T


def _nearness(query: Tensor, tails: Tensor) -> Tensor:
    squares = (query**2).sum(1, keepdim=True) + (tails**2).sum(1) - 2 * query @ tails.T
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
    relations = _parameter(2 * n_relations, width, generator)
    facts = torch.from_numpy(both_directions(triples, n_relations))
    optimiser = torch.optim.Adam([entities, relations], lr=config.learning_rate)
    for epoch in range(config.epochs):
        order = torch.randperm(len(facts), generator=generator)
        for start in range(0, len(facts), config.batch_size):
            head, relation, tail = facts[order[start : start + config.batch_size]].T
            query = scoring.query(functional.embedding(head, entities), relations[relation])
            loss = _softmax_loss(scoring, query, tail, entities, config.negatives, generator)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    return Embedding(config.model, entities.detach().numpy(), relations.detach().numpy())


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
    drawn = torch.randint(n, (negatives,), generator=generator)
    wrong = scoring.compare(query, functional.embedding(drawn, entities))
    wrong = wrong.masked_fill(drawn[None, :] == tail[:, None], -torch.inf)
    true = _paired(scoring, query, functional.embedding(tail, entities))
    logits = torch.cat([true[:, None], wrong], 1)
    return functional.cross_entropy(logits, torch.zeros(len(tail), dtype=torch.long))


def _paired(scoring: ScoringFunction, query: Tensor, tails: Tensor) -> Tensor:
    """`compare` of row i with tail i alone, [b]."""
    if scoring.compare is _dot:
        score = (query * tails).sum(1)
    else:
        score = -((query - tails) ** 2).sum(1).clamp_min(1e-9).sqrt()
    return score


def _parameter(rows: int, width: int, generator: torch.Generator) -> Tensor:
    parameter: Tensor = torch.randn(rows, width, generator=generator) / width**0.5
    return parameter.requires_grad_()


def both_directions(triples: Triples, n_relations: int) -> IntArray:
    """Facts and their reverses, int64 [2 n, 3]: head, relation, tail."""
    head, relation, tail = (x.astype(np.int64) for x in (triples.head, triples.relation, triples.tail))
    forth, back = (head, relation, tail), (tail, relation + n_relations, head)
    return np.concatenate([np.stack(forth, 1), np.stack(back, 1)])


def link_metrics(
    embedding: Embedding, test: Triples, known: Triples, ks: Sequence[int] = (1, 3, 10)
) -> dict[str, float]:
    """MRR and Hits@k of the true tail and of the true head of every test fact.

    Filtered: other facts that hold, in `known` or `test`, leave the ranking (Bordes et al. 2013). Tie-aware:
    the rank is the mean of the best and the worst that ties allow (Berrendorf et al. 2020, "realistic").
    """
    ranks = np.concatenate(list(_ranks(embedding, test, known)))
    metrics = {"mrr": float(np.mean(1 / ranks))}
    return metrics | {f"hits@{k}": float(np.mean(ranks <= k)) for k in ks}


def _ranks(embedding: Embedding, test: Triples, known: Triples, batch: int = 256) -> Iterator[FloatArray]:
    n_relations = len(embedding.relations) // 2
    asked = both_directions(test, n_relations)
    true = _tails_by_query(np.concatenate([both_directions(known, n_relations), asked]))
    for start in range(0, len(asked), batch):
        head, relation, tail = asked[start : start + batch].T
        scores = embedding.tails(head, relation)
        rows = np.arange(len(tail))
        own = scores[rows, tail]
        for row, query in enumerate(zip(head.tolist(), relation.tolist(), strict=True)):
            scores[row, true[query]] = -np.inf
        better = (scores > own[:, None]).sum(1)
        equal = (scores == own[:, None]).sum(1)
        yield np.asarray(1 + better + equal / 2, np.float32)


def _tails_by_query(facts: IntArray) -> dict[tuple[int, int], IntArray]:
    facts = facts[np.lexsort((facts[:, 1], facts[:, 0]))]
    changes = np.flatnonzero(np.any(np.diff(facts[:, :2], axis=0), axis=1)) + 1
    groups = np.split(facts, changes)
    return {(int(g[0, 0]), int(g[0, 1])): g[:, 2] for g in groups if len(g)}


def with_knowledge(dataset: Dataset, config: KgeConfig, seed: int = 0, report: Report = silent) -> Dataset:
    """The dataset with its knowledge-graph embedding, learnt unless it is there; zeros without facts."""
    if dataset.knowledge.size:
        return dataset
    if not len(dataset.triples):
        return replace(dataset, knowledge=np.zeros((dataset.n_nodes, config.embedding_dim), np.float32))
    found = train_kge(dataset.triples, dataset.n_nodes, len(dataset.relations), config, seed, report)
    return replace(dataset, knowledge=found.entities)
