"""Steps over a drawn neighbourhood against steps over the whole graph."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import GnnConfig
from embeddings.graph.gnn import Asked, Graph, Hidden, Network, _everything, by_blocks, drawn_loss, whole_loss
from embeddings.graph.sampling import Flows, draw_edges, draw_places, neighbourhood
from embeddings.scorers.graph import Gnn
from kg.graph import Interactions, Triples

N_USERS, N_ITEMS, N_ENTITIES, EVERYTHING = 40, 30, 12, 1000


@pytest.fixture(scope="module")
def random_graph() -> Dataset:
    """Two relations from items to entities, one between items; sparse enough that two hops are not all."""
    rng = np.random.default_rng(4)
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.06)
    n = len(user)
    events = Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        np.ones(n, np.float32),
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int8),
        np.ones(n, np.bool_),
    )
    head = rng.integers(N_ITEMS, size=40)
    tail = np.concatenate([N_ITEMS + rng.integers(N_ENTITIES, size=30), rng.integers(N_ITEMS, size=10)])
    relation = np.repeat([0, 1, 2], [20, 10, 10])
    triples = Triples(*(x.astype(np.int32) for x in (head, relation, tail)))
    text = rng.standard_normal((N_ITEMS, 4)).astype(np.float32)
    return Dataset(N_USERS, N_ITEMS, N_ITEMS + N_ENTITIES, events, triples, ("a", "b", "c"), text)


def a_step(dataset: Dataset, layers: int) -> tuple[Network, Graph, Hidden, Asked]:
    """Some likes, items, texts and facts hidden; three users ask for items among a few."""
    rng = np.random.default_rng(5)
    embedding = rng.standard_normal((N_ITEMS + N_ENTITIES, 6)).astype(np.float32)
    graph = Graph(dataset, embedding)
    network = Network(graph, GnnConfig(embedding_dim=8, layers=layers), torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.bias += torch.randn(N_ITEMS)
    visible = dataset.liked.copy()
    visible.data *= rng.random(visible.nnz) < 0.6
    visible.eliminate_zeros()
    hidden = Hidden(visible, *(rng.random(N_ITEMS) < share for share in (0.1, 0.2, 0.2)))
    users = np.flatnonzero(np.diff(visible.indptr) < np.diff(dataset.liked.indptr))[:3]
    return network, graph, hidden, Asked.of(dataset.liked[users], visible[users], 4, rng)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_with_every_edge_drawn_a_step_is_that_over_the_whole_graph(random_graph, layers) -> None:
    network, graph, hidden, asked = a_step(random_graph, layers)
    expected = whole_loss(network, graph, hidden, asked)
    expected.backward()
    gradients = {name: x.grad.clone() for name, x in network.named_parameters()}
    network.zero_grad()
    flows = graph.flows.liking(hidden.visible)
    found = drawn_loss(network, graph, flows, hidden, asked, EVERYTHING, np.random.default_rng(0))
    found.backward()
    torch.testing.assert_close(found, expected)
    for name, x in network.named_parameters():
        torch.testing.assert_close(x.grad, gradients[name], msg=name, atol=1e-6, rtol=1e-4)


def test_a_neighbourhood_is_what_can_be_reached(random_graph) -> None:
    """Against sets: an item's entities, its items by facts and by users, and the items of its entities."""
    flows = Flows.of(random_graph)
    near = neighbourhood(flows, np.array([0, 7]), 1, EVERYTHING, np.random.default_rng(0))
    liked = random_graph.liked.toarray() > 0
    facts = {
        (int(h), int(t)) for h, t in zip(random_graph.triples.head, random_graph.triples.tail, strict=True)
    }
    both = facts | {(t, h) for h, t in facts}
    beside = {t for h, t in both if h in (0, 7)}
    entities = {n for n in beside if n >= N_ITEMS}
    by_users = set(np.flatnonzero(liked[liked[:, [0, 7]].any(axis=1)].any(axis=0)).tolist())
    by_entities = {t for h, t in both if h in entities and t < N_ITEMS}
    assert set(near.entities + N_ITEMS) == entities
    assert set(near.items) == {0, 7} | (beside - entities) | by_users | by_entities
    assert len(near.items) < N_ITEMS


def test_a_neighbourhood_does_not_grow_with_the_graph() -> None:
    """Fan-out 3, one layer: an item, and 3 items each of 3 users, of 2,000 who like all 50."""
    likes = sp.csr_array(np.ones((2000, 50), np.float32))
    none = sp.csr_array((0, 50), dtype=np.float32)
    flows = Flows([], none, likes, likes.T.tocsr())
    near = neighbourhood(flows, np.array([5]), 1, 3, np.random.default_rng(0))
    assert len(near.items) <= 10
    assert near.flows.edges == 3 + 9


def test_drawn_sums_are_right_on_average() -> None:
    rng = np.random.default_rng(1)
    dense = (rng.random((3, 9)) * (rng.random((3, 9)) < 0.8)).astype(np.float32)
    rows = np.array([2, 0])
    draws = [draw_edges(sp.csr_array(dense), rows, 3, rng) for _ in range(4000)]
    assert max(np.diff(x.indptr).max() for x in draws) == 3
    np.testing.assert_allclose(sum(x.toarray() for x in draws) / 4000, dense[rows], atol=0.05)


def test_places_are_different_and_even() -> None:
    """Each of 6 numbers is among 4 drawn in 4 of 6 cases; each of 5 in 4 of 5."""
    drawn = draw_places(np.repeat([6, 5], 6000), 4, np.random.default_rng(2))
    assert (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all()
    np.testing.assert_allclose(np.bincount(drawn[:6000].ravel()) / 6000, [4 / 6] * 6, atol=0.03)
    np.testing.assert_allclose(np.bincount(drawn[6000:].ravel()) / 6000, [4 / 5] * 5, atol=0.03)


def test_inference_by_blocks_is_inference_at_once(random_graph) -> None:
    network, graph, _, _ = a_step(random_graph, 2)
    for found, expected in zip(
        by_blocks(network, graph, random_graph, block=7),
        _everything(network, graph, random_graph),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_graph_convolution_learns_from_neighbourhoods_too(dataset, small_configs) -> None:
    small = replace(small_configs["gnn"], whole_graph_edges=0, fan_out=3, batch_size=10)
    scores = Gnn.fit(dataset, small, seed=0).score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
    assert scores[0, [4, 6, 8]].min() > scores[0, [5, 7, 9]].max()
    assert scores[1, [5, 7, 9]].min() > scores[1, [4, 6, 8]].max()
