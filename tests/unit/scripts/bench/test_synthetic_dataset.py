import numpy as np
import pytest

from scripts.bench.synthetic_dataset import GROUPS, synthetic_dataset


def test_a_graph_has_the_size_asked_for_and_its_parts_grow_alike() -> None:
    small, large = synthetic_dataset(20_000), synthetic_dataset(100_000)
    for graph, edges in ((small, 20_000), (large, 100_000)):
        assert len(graph.events) + len(graph.triples) == pytest.approx(edges, rel=0.25)
        assert np.linalg.norm(graph.text, axis=1) == pytest.approx(np.ones(graph.n_items), abs=1e-5)
        assert graph.triples.tail.max() < graph.n_nodes
    assert large.n_users == pytest.approx(5 * small.n_users, rel=0.05)
    assert large.n_items == pytest.approx(5 * small.n_items, rel=0.05)


def test_few_items_have_most_events_and_users_keep_to_their_group() -> None:
    graph = synthetic_dataset(50_000)
    degrees = np.sort(graph.degrees)[::-1]
    assert degrees[: graph.n_items // 10].sum() > 0.2 * degrees.sum()
    own = graph.events.item % GROUPS == graph.events.user % GROUPS
    assert 0.35 < own.mean() < 0.7  # by chance alone: 0.2


def test_the_same_seed_makes_the_same_graph() -> None:
    one, again, other = synthetic_dataset(2_000, 1), synthetic_dataset(2_000, 1), synthetic_dataset(2_000, 2)
    assert (one.events.item == again.events.item).all()
    assert (one.text == again.text).all()
    assert one.events.item[:100].tolist() != other.events.item[:100].tolist()
