from dataclasses import replace

import numpy as np
import pytest
import torch

from embeddings.graph.configs import KgeConfig
from embeddings.graph.kge import (
    SCORING,
    _nuclear_norm,
    both_directions,
    draw_negatives,
    node_embedding,
    softmax_loss,
    train_kge,
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


def test_drawn_entities_are_scored_as_one_by_one() -> None:
    """Seven facts in groups of two or three, and one more: each group has entities of its own."""
    config = KgeConfig(negatives=3, facts_sharing_negatives=2)
    rng = torch.Generator().manual_seed(0)
    query, entities = torch.randn(7, 4, generator=rng), torch.randn(9, 4, generator=rng)
    tail = torch.tensor([0, 1, 2, 3, 4, 5, 6])
    negatives = draw_negatives(7, 9, config, torch.Generator().manual_seed(1))
    drawn = [entities[own.entities.ravel()] for own in negatives]
    found = softmax_loss(SCORING["transe"], query, tail, entities[tail], negatives, drawn)
    again = torch.Generator().manual_seed(1)
    first, last = (torch.randint(9, (groups, 3), generator=again) for groups in (3, 1))
    losses = []
    for row in range(7):
        drawn = first[row // 2] if row < 6 else last[0]
        others = [-(query[row] - entities[n]).norm() for n in drawn if n != row]
        scores = torch.stack([-(query[row] - entities[row]).norm(), *others])
        losses.append(scores.logsumexp(0) - scores[0])
    assert found.item() == pytest.approx(torch.stack(losses).mean().item(), rel=1e-5)


def test_few_entities_are_all_negatives_but_the_true_tail() -> None:
    """With scores 1, 2 and 4 of three tails and the second one true, the loss is log(e + e^2 + e^4) - 2."""
    negatives = draw_negatives(1, 3, KgeConfig(negatives=3), torch.Generator())
    table, tail = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([1])
    drawn = [table[own.entities.ravel()] for own in negatives]
    found = softmax_loss(SCORING["distmult"], torch.ones(1, 1), tail, table[tail], negatives, drawn)
    assert found.item() == pytest.approx(np.log(np.exp([1, 2, 4]).sum()) - 2)


def test_a_step_changes_the_entities_that_it_draws_and_no_others() -> None:
    """One fact of entities 0 and 1 with one negative: of 500 entities, at most two more are changed."""
    config = KgeConfig(embedding_dim=4, epochs=1, negatives=1)
    before = train_kge(triples((0, 0, 1)), 500, 1, replace(config, epochs=0)).entities
    changed = np.flatnonzero((train_kge(triples((0, 0, 1)), 500, 1, config).entities != before).any(axis=1))
    assert {0, 1} <= set(changed.tolist())
    assert len(changed) <= 4


def test_the_embedding_does_not_depend_on_the_number_of_threads() -> None:
    """4,000 facts of 300 entities; a gradient that threads sum up in any order differs in its last digits."""
    rng, threads = np.random.default_rng(0), torch.get_num_threads()
    facts = Triples(*(rng.integers(0, n, 4000).astype(np.int32) for n in (300, 3, 300)))
    try:
        found = []
        for count in (1, 4):
            torch.set_num_threads(count)
            found.append(train_kge(facts, 300, 3, KgeConfig(epochs=1, negatives=64)))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found[0].entities, found[1].entities)
    np.testing.assert_array_equal(found[0].relations, found[1].relations)


def test_size_is_the_sum_of_cubes() -> None:
    """|3|^3 + |4|^3 = 27 + 64 for two real numbers, 5^3 for 3 + 4i; a row of zeros halves the mean."""
    table = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    assert _nuclear_norm(SCORING["distmult"].squares(table)).item() == pytest.approx((27 + 64) / 2)
    assert _nuclear_norm(SCORING["complex"].squares(table)).item() == pytest.approx(125 / 2)


def test_the_embedding_of_equal_facts_is_learnt_once(dataset) -> None:
    config = KgeConfig(embedding_dim=4, epochs=1)
    first = node_embedding(dataset, config, seed=1)
    assert first.shape == (dataset.n_nodes, 4)
    fewer = dataset.select_events(np.arange(len(dataset.events)) > 5)
    assert node_embedding(fewer, config, seed=1) is first
    assert node_embedding(dataset, config, seed=2) is not first
    assert (node_embedding(dataset, config, seed=2) != first).any()


def test_without_facts_the_embedding_is_zeros(dataset) -> None:
    nothing = replace(dataset, triples=dataset.triples.select(np.zeros(len(dataset.triples), np.bool_)))
    found = node_embedding(nothing, KgeConfig(embedding_dim=4))
    np.testing.assert_array_equal(found, np.zeros((dataset.n_nodes, 4)))
