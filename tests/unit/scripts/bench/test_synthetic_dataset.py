import numpy as np
import pytest

from scripts.bench.synthetic_dataset import GROUPS, made_dataset


def test_a_made_graph_has_the_size_asked_for_and_its_parts_grow_alike() -> None:
    small, large = made_dataset(20_000), made_dataset(100_000)
    for made, edges in ((small, 20_000), (large, 100_000)):
        assert len(made.events) + len(made.triples) == pytest.approx(edges, rel=0.25)
        assert np.linalg.norm(made.text, axis=1) == pytest.approx(np.ones(made.n_items), abs=1e-5)
        assert made.triples.tail.max() < made.n_nodes
    assert large.n_users == pytest.approx(5 * small.n_users, rel=0.05)
    assert large.n_items == pytest.approx(5 * small.n_items, rel=0.05)


def test_few_items_have_most_events_and_users_keep_to_their_group() -> None:
    made = made_dataset(50_000)
    degrees = np.sort(made.degrees)[::-1]
    assert degrees[: made.n_items // 10].sum() > 0.2 * degrees.sum()
    own = made.events.item % GROUPS == made.events.user % GROUPS
    assert 0.35 < own.mean() < 0.7  # by chance alone: 0.2


def test_the_same_seed_makes_the_same_graph() -> None:
    one, again, other = made_dataset(2_000, 1), made_dataset(2_000, 1), made_dataset(2_000, 2)
    assert (one.events.item == again.events.item).all()
    assert (one.text == again.text).all()
    assert one.events.item[:100].tolist() != other.events.item[:100].tolist()
