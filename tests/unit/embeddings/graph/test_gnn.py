from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from embeddings.data.dataset import Histories
from embeddings.data.spectral import SpectralConfig
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.graph.device import sparse_device
from embeddings.graph.gnn import _Views, stated_entities, train_gnn, truncated
from embeddings.graph.inputs import ContentInputs, GraphInputs
from embeddings.graph.network import EntityWeights, ItemWeights
from embeddings.graph.propagation import Propagation
from embeddings.scorers.graph import Gnn, Kge


def test_propagation_is_the_dense_product_and_so_is_its_gradient() -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((5, 7)) * (rng.random((5, 7)) < 0.5)
    fast = torch.tensor(rng.random((7, 3)), dtype=torch.float32, device=sparse_device())
    slow = fast.clone().requires_grad_()
    fast = fast.requires_grad_()
    weight = torch.tensor(rng.random((5, 3)), dtype=torch.float32, device=sparse_device())
    ours = Propagation(sp.csr_array(dense.astype(np.float32)))(fast)
    plain = torch.tensor(dense, dtype=torch.float32, device=sparse_device()) @ slow
    (ours * weight).sum().backward()
    (plain * weight).sum().backward()
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(fast.grad, slow.grad)


def test_truncated_histories() -> None:
    whole = sp.csr_array(np.ones((400, 20), np.float32))
    found = truncated(whole, 0.25, np.random.default_rng(0))
    lengths = np.diff(found.indptr)
    assert set(lengths) == {1, 2, 3, 4, 5, 20}
    assert 0.2 < (lengths <= 5).mean() < 0.3
    assert found.sum(axis=0).std() > 0  # not always the first events
    assert (found.data == 1).all()


def test_stated_entities_by_hand() -> None:
    """Entity 0 joins items 0 to 2, entity 1 items 0 and 3, entity 2 only item 1, of 4 items."""
    links = np.zeros((7, 4), np.float32)
    links[4, [0, 1, 2]] = links[5, [0, 3]] = links[6, 1] = 1
    histories = sp.csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]], np.float32))
    rows = [
        stated_entities(histories, sp.csr_array(links), 2, np.random.default_rng(seed)).toarray()
        for seed in range(60)
    ]
    for found in rows:
        np.testing.assert_array_equal(found[0], [1, 0, 0])  # entity 1 joins one item of the history alone
        assert not found[2:].any()
        assert sorted(found[1].tolist()) in ([0, 0, 1], [0, 0.5, 0.5])
        assert found[1, 2] == 0
    both, alone = (np.mean([found[1, 1] == x for found in rows]) for x in (0.5, 1.0))
    assert both == pytest.approx(0.5, abs=0.2)
    # weights 2 log(4 / 3) and 2 log(4 / 2): the rarer entity is stated alone more often
    assert alone > 0.25


def test_an_item_without_likes_is_placed_by_facts_and_text(dataset, small_configs) -> None:
    """Items 0 and 1 lose every event; a history of even items still prefers the even one."""
    cold = dataset.select_events(~np.isin(dataset.events.item, [0, 1]))
    fitted = Gnn.fit(cold, small_configs["gnn"], seed=0)
    even, odd = fitted.score(Histories.of([[2, 4, 6], [3, 5, 7]], dataset.n_items))
    assert even[0] > even[1]
    assert odd[1] > odd[0]


@pytest.fixture
def network(dataset, small_configs):
    """Two networks of unlike weights; items 0 to 5 are of half 0, items 10 and 11 have no likes at all."""
    known = dataset.select_events(~np.isin(dataset.events.item, [10, 11]))
    found = train_gnn(known, small_configs["gnn"], seed=0)
    d = small_configs["gnn"].vectors.factors
    ones = ItemWeights.initial(d, len(found.content.adjacencies.to_items), 4, 8)
    zeros = replace(ones, ridge=0 * ones.ridge, neighbours=0 * ones.neighbours)
    return replace(found, items=(ones, zeros), half=np.array([0] * 6 + [1] * 6)), known


def test_a_hidden_item_is_placed_by_the_network_that_never_saw_its_likes(network) -> None:
    """Network 0 gives the mean of the extrapolations, network 1 gives 0."""
    found, known = network
    hidden = known.select_events(~np.isin(known.events.item, [2, 8]))
    vectors = found.vectors(hidden).nodes
    assert not vectors[2].any()  # of half 0: by network 1
    assert vectors[8].any()  # of half 1: by network 0
    assert vectors[10].any()


def test_an_item_that_never_had_likes_is_placed_by_the_mean_of_both(network) -> None:
    found, known = network
    whole = replace(found, items=(found.items[0], found.items[0])).vectors(known).nodes[10]
    np.testing.assert_allclose(found.vectors(known).nodes[10], whole / 2, atol=1e-6)


def test_items_with_likes_keep_their_own_vectors(network) -> None:
    found, known = network
    vectors = found.vectors(known)
    np.testing.assert_allclose(vectors.nodes[:10], found.reference[:10], atol=1e-4)
    assert not vectors.bias[:10].any()


def test_the_bias_of_a_new_item_is_on_the_scale_of_the_scores(network) -> None:
    """Of two equal networks with bias b = v.1 and the factor e^2, it is b / e^2."""
    found, known = network
    own = replace(found.items[0], bias=np.ones_like(found.items[0].bias), temperature=np.float32(2))
    vectors = replace(found, items=(own, own)).vectors(known)
    assert vectors.bias[10] == pytest.approx(vectors.nodes[10].sum() / np.exp(2), rel=1e-4)


def test_scores_are_products_and_biases(dataset, small_configs) -> None:
    cold = dataset.select_events(~np.isin(dataset.events.item, [0, 1]))
    fitted = Gnn.fit(cold, small_configs["gnn"], seed=0)
    expected = fitted.history_vectors[[2, 5]].sum(axis=0) @ fitted.vectors[:12].T + fitted.bias
    np.testing.assert_allclose(fitted.score(Histories.of([[2, 5]], 12))[0], expected, atol=1e-5)


def test_without_likes_the_graph_network_has_no_vectors_and_scores_no_likes(dataset, small_configs) -> None:
    """So that the vectors of the knowledge-graph embedding serve."""
    nothing = dataset.select_events(np.zeros(len(dataset.events), np.bool_))
    fitted = Gnn.fit(nothing, small_configs["gnn"], seed=0)
    assert fitted.node_vectors is None
    assert fitted.score_likes(sp.csr_array(np.eye(14, dtype=np.float32))) is None


def test_training_is_repeatable(dataset, small_configs) -> None:
    one, two = (Gnn.fit(dataset, small_configs["gnn"], seed=3).arrays() for _ in range(2))
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])


def test_a_view_asks_for_hidden_items_by_the_visible_histories(dataset, small_configs) -> None:
    config = replace(small_configs["gnn"], short=0.0)
    content = ContentInputs(dataset, np.zeros((14, 1), np.float32))
    reference = GraphInputs.of(content, dataset, config.vectors, None).items
    rng = np.random.default_rng(0)
    view = _Views(content, dataset, np.arange(12), reference, config, rng)._view(np.array([0, 3]))
    visible = dataset.select_events(~np.isin(dataset.events.item, [0, 3]))
    graph = GraphInputs.of(content, visible, config.vectors, reference)
    users = np.flatnonzero(dataset.liked.toarray()[:, [0, 3]].any(axis=1))
    np.testing.assert_array_equal(view.relevant, dataset.liked.toarray()[users][:, [0, 3]])
    np.testing.assert_allclose(view.users, visible.liked.toarray()[users] @ graph.history, atol=1e-5)
    np.testing.assert_allclose(view.items.ridge, graph.of_items(np.array([0, 3])).ridge, atol=1e-6)
    liked = visible.liked.toarray()[users]
    np.testing.assert_array_equal(view.stated.relevant, liked[:, graph.has_likes])
    np.testing.assert_allclose(view.stated.candidates, graph.items[graph.has_likes], atol=1e-6)
    colour = graph.entities[np.where(liked[:, ::2].any(axis=1), 0, 1)]  # each user states the own colour
    np.testing.assert_allclose(view.stated.means, colour, atol=1e-5)


def test_each_network_hides_items_of_its_own_half(dataset, small_configs, monkeypatch) -> None:
    hidden = {}
    weights = (ItemWeights.initial(8, 1, 4, 8), EntityWeights.initial(8, 8))

    def keep(views, config, rng):
        hidden[len(hidden)] = views.items
        return weights

    monkeypatch.setattr("embeddings.graph.gnn._trained", keep)
    known = dataset.select_events(dataset.events.item != 4)
    found = train_gnn(known, small_configs["gnn"], seed=1)
    halves = [found.half[items].tolist() for items in hidden.values()]
    assert sorted(map(set, halves), key=str) == [{0}, {1}]
    assert sorted(np.concatenate(list(hidden.values()))) == [n for n in range(12) if n != 4]


def test_too_few_items_to_learn_from(dataset) -> None:
    """With twelve items nothing is learnt: the initial weights serve."""
    found = train_gnn(dataset, GnnConfig(SpectralConfig(3), kge=None))
    assert not found.items[0].related.any()
    assert found.items[0].ridge.tolist() == (0.5 * np.eye(3)).tolist()


def test_the_bias_of_popular_items_is_on_the_scale_of_the_scores(network) -> None:
    """Of two equal networks with the weight 3 and the factor e^2, it is 3 log(1 + likes) / e^2."""
    found, known = network
    own = replace(found.entities[0], popularity=np.float32(3), temperature=np.float32(2))
    vectors = replace(found, entities=(own, own)).vectors(known)
    np.testing.assert_allclose(vectors.likes_bias, 3 / np.exp(2) * np.log1p(known.degrees), rtol=1e-5)


@pytest.mark.parametrize(("share", "of_the_half"), [(0.3, 0.6), (0.5, 0.9)])
def test_a_view_hides_its_share_of_all_items(share, of_the_half, monkeypatch) -> None:
    """Items of one half alone can be hidden: twice the share of these, at most nine tenths."""
    monkeypatch.setattr(_Views, "_view", lambda _, hidden: hidden)
    config = GnnConfig(hide_items=share, views=3)
    drawn = _Views(None, None, np.arange(4000), None, config, np.random.default_rng(0)).draw()
    assert len(drawn) == 3
    for hidden in drawn:
        assert len(hidden) / 4000 == pytest.approx(of_the_half, abs=4 * 0.008)


def test_a_user_who_states_nothing_is_not_asked_about(dataset) -> None:
    """One like states no entity; items 0 and 2 state the genre Even, so this user's likes are relevant."""
    config = GnnConfig(SpectralConfig(3), kge=None)
    content = ContentInputs(dataset, np.zeros((14, 1), np.float32))
    graph = GraphInputs.of(content, dataset, config.vectors, None)
    views = _Views(content, dataset, np.arange(12), graph.items, config, np.random.default_rng(0))
    seen = np.zeros((2, 12), np.float32)
    seen[0, 1] = seen[1, [0, 2]] = 1
    stated = views._stated(graph, sp.csr_array(seen))
    assert stated.relevant.tolist() == [seen[1].tolist()]
    np.testing.assert_allclose(stated.means, graph.entities[:1], atol=1e-6)


def test_scores_of_liked_entities_by_hand() -> None:
    """Two items, two entities; the mean of both entities is (1.5, .5), and each item has a bias."""
    vectors = np.array([[1, 0], [0, 2], [3, 0], [0, 1]], np.float32)
    fitted = Gnn(
        vectors,
        vectors[:2],
        np.zeros(2, np.float32),
        np.array([0.25, 0.5], np.float32),
        np.zeros((2, 3), np.float32),
    )
    likes = sp.csr_array(np.array([[0, 0, 1, 1]], np.float32))
    np.testing.assert_allclose(fitted.score_likes(likes), [[1.5 + 0.25, 1 + 0.5]])


def test_items_are_centred_for_cosines_and_entities_are_not(dataset, monkeypatch) -> None:
    """Six items at (1, 1) and six at (3, 1) have the mean (2, 1)."""
    vectors = np.array([[1, 1]] * 6 + [[3, 1]] * 6 + [[0, 2], [4, 0]], np.float32)
    monkeypatch.setattr("embeddings.graph.kge.node_embedding", lambda *_: vectors)
    fitted = Kge.fit(dataset, KgeConfig())
    np.testing.assert_allclose(fitted.vectors, [[-1, 0]] * 6 + [[1, 0]] * 6 + [[0, 1], [1, 0]])
