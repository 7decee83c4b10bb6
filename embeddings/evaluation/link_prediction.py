"""Link prediction: splits of facts, and rank-based metrics of an embedding on held-out facts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.graph.kge import Embedding, both_directions
from kg.graph import BoolArray, FloatArray, IntArray, Triples

HELD_OUT = 0.1
"""Share of the facts in the validation split, and share in the test split."""


@dataclass(frozen=True, eq=False)
class FactSplit:
    """Distinct facts for training, validation and test."""

    train: Triples
    valid: Triples
    test: Triples


def split_facts(triples: Triples, seed: int = 0) -> FactSplit:
    """Split distinct facts at random, 80 / 10 / 10; every node and relation occurs in a training fact.

    A fact stays in training if its node or relation would otherwise have no training fact: no method can
    learn to predict a fact with an untrained node.
    """
    facts = np.unique(both_directions(triples, 0)[: len(triples)], axis=0)
    draw = np.random.default_rng(seed).random(len(facts))
    held = draw < 2 * HELD_OUT
    stay = facts[~held]
    nodes, relations = np.unique(stay[:, [0, 2]]), np.unique(stay[:, 1])
    held &= np.isin(facts[:, [0, 2]], nodes).all(axis=1) & np.isin(facts[:, 1], relations)
    test = held & (draw < HELD_OUT)
    return FactSplit(*(_triples(facts, part) for part in (~held, held & ~test, test)))


def _triples(facts: IntArray, mask: BoolArray) -> Triples:
    head, relation, tail = facts[mask].astype(np.int32).T
    return Triples(head.copy(), relation.copy(), tail.copy())


def joined(*parts: Triples) -> Triples:
    """The concatenation of several sets of facts."""
    columns = ((part.head, part.relation, part.tail) for part in parts)
    return Triples(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def link_metrics(
    embedding: Embedding, test: Triples, known: Triples, ks: Sequence[int] = (1, 3, 10)
) -> dict[str, float]:
    """MRR and Hits@k of the true tail and of the true head of every test fact.

    Filtered setting: other true facts, those in `known` or `test`, are removed from the ranking (Bordes et
    al. 2013). A tied rank is the mean of the optimistic and the pessimistic rank (Berrendorf et al. 2020,
    "realistic"). NaN ranks below all other scores.
    """
    ranks = np.concatenate(list(_ranks(embedding, test, known)))
    metrics = {"mrr": float(np.mean(1 / ranks, dtype=np.float64))}
    return metrics | {f"hits@{k}": float(np.mean(ranks <= k)) for k in ks}


def _ranks(embedding: Embedding, test: Triples, known: Triples, batch: int = 256) -> Iterator[FloatArray]:
    n_relations = len(embedding.relations) // 2
    asked = both_directions(test, n_relations)
    true = _tails_by_query(np.concatenate([both_directions(known, n_relations), asked]))
    for start in range(0, len(asked), batch):
        head, relation, tail = asked[start : start + batch].T
        scores = embedding.tails(head, relation)
        scores[np.isnan(scores)] = -np.inf
        own = scores[np.arange(len(tail)), tail]
        for row, query in enumerate(zip(head.tolist(), relation.tolist(), strict=True)):
            scores[row, true[query]] = np.nan
        better = (scores > own[:, None]).sum(1)
        equal = (scores == own[:, None]).sum(1)
        yield np.asarray(1 + better + equal / 2, np.float32)


def _tails_by_query(facts: IntArray) -> dict[tuple[int, int], IntArray]:
    facts = facts[np.lexsort((facts[:, 1], facts[:, 0]))]
    changes = np.flatnonzero(np.any(np.diff(facts[:, :2], axis=0), axis=1)) + 1
    groups = np.split(facts, changes)
    return {(int(g[0, 0]), int(g[0, 1])): g[:, 2] for g in groups if len(g)}
