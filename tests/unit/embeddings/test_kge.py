import numpy as np
import pytest
import torch

from embeddings.configs import KgeConfig
from embeddings.kge import (
    SCORING,
    Embedding,
    both_directions,
    link_metrics,
    train_kge,
    with_knowledge,
)
from kg.graph import Triples


def triples(*facts):
    head, relation, tail = (np.array(column, np.int32) for column in zip(*facts, strict=True))
    return Triples(head, relation, tail)


@pytest.mark.parametrize(
    ("model", "head", "relation", "tail", "expected"),
    [
        ("transe", [1.0, 2.0], [3.0, -1.0], [1.0, 5.0], -(((1 + 3 - 1) ** 2 + (2 - 1 - 5) ** 2) ** 0.5)),
        ("distmult", [1.0, 2.0], [3.0, -1.0], [1.0, 5.0], 1 * 3 * 1 + 2 * -1 * 5),
        # Re((1 + 2i)(3 - i) conj(1 + 5i)) = Re((5 + 5i)(1 - 5i)) = 5 + 25
        ("complex", [1.0, 2.0], [3.0, -1.0], [1.0, 5.0], 30.0),
        # (1 + 2i) e^(i pi/2) = -2 + i; its distance from 1 + 5i is |-3 - 4i| = 5
        ("rotate", [1.0, 2.0], [np.pi / 2], [1.0, 5.0], -5.0),
    ],
)
def test_scores_by_hand(model, head, relation, tail, expected) -> None:
    scoring = SCORING[model]
    query = scoring.query(torch.tensor([head]), torch.tensor([relation]))
    assert scoring.compare(query, torch.tensor([tail])).item() == pytest.approx(expected, abs=1e-4)
    assert scoring.relation_dim(len(head)) == len(relation)


def test_both_directions() -> None:
    assert both_directions(triples((5, 1, 7)), 3).tolist() == [[5, 1, 7], [7, 4, 5]]


@pytest.mark.parametrize("model", ["transe", "distmult", "complex", "rotate"])
@pytest.mark.parametrize("negatives", [5, 1000])
def test_learns_a_small_graph(model, negatives) -> None:
    """Twenty heads, four tails, tail = head mod 4: every fact is found again."""
    facts = triples(*[(head, 0, 20 + head % 4) for head in range(20)])
    config = KgeConfig(model=model, embedding_dim=16, epochs=150, learning_rate=0.05, negatives=negatives)
    learnt = train_kge(facts, 24, 1, config, seed=0)
    tails = learnt.tails(np.arange(20), np.zeros(20, np.int64))
    assert (tails.argmax(1) == 20 + np.arange(20) % 4).mean() >= 0.9


def test_link_metrics_are_filtered_and_tie_aware() -> None:
    """Entities are numbers on a line, r multiplies by 1: a tail's score is head * tail.

    Test fact (1, r, 2), known (1, r, 3); entity values 0, 1, 2, 3, 2. Tails of 1: 3 is filtered, 2 ties with
    entity 4: rank 1 + 1/2. Heads of 2 (reverse): scores 2 x value = 0 2 4 6 4, true head 1 scores 2,
    beaten by 4, 6, 4: rank 4.
    """
    values = np.array([[0], [1], [2], [3], [2]], np.float32)
    embedding = Embedding("distmult", values, np.ones((2, 1), np.float32))
    found = link_metrics(embedding, triples((1, 0, 2)), triples((1, 0, 3)), ks=(1, 3))
    assert found == pytest.approx({"mrr": (1 / 1.5 + 1 / 4) / 2, "hits@1": 0.0, "hits@3": 0.5})


def test_knowledge_is_learnt_once(dataset) -> None:
    config = KgeConfig(embedding_dim=4, epochs=1)
    first = with_knowledge(dataset, config, seed=1)
    assert first.knowledge.shape == (dataset.n_nodes, 4)
    assert with_knowledge(first, config, seed=2) is first
