"""The scorers of the model: the contract, and each one against a closed form or loops."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from random_likes import random_dataset
from scorer_contract import ScorerCase, ScorerContract

from embeddings.candidates.specs import SCORERS
from embeddings.data.dataset import Histories
from embeddings.scorers.als import Als, AlsConfig, solve_rows
from embeddings.scorers.cooccurrence import Cooccurrence, CooccurrenceConfig, _sampled
from embeddings.scorers.ease import Ease, EaseConfig
from embeddings.scorers.graph import Gnn, Kge, cosines_of_likes
from embeddings.scorers.neighbours import ItemKnn, ItemKnnConfig, UserKnn, UserKnnConfig, _highest
from embeddings.scorers.popularity import Popularity
from embeddings.scorers.random_walk import Rp3Beta, Rp3BetaConfig
from embeddings.scorers.time_popularity import TimePopularity, TimePopularityConfig


@pytest.fixture(scope="module", params=sorted(SCORERS))
def case(request, dataset, small_configs):
    kind = SCORERS[request.param]
    return ScorerCase.of(kind, small_configs.get(request.param) or kind.grid[0], dataset)


class TestScorers(ScorerContract):
    """Every scorer of the model."""


def test_popularity_counts_users() -> None:
    counts = np.log1p(np.array([2, 0, 1])).astype(np.float32)
    np.testing.assert_array_equal(Popularity(counts).score(Histories.of([[0]], 3))[0], counts)


@pytest.mark.parametrize(("n_users", "n_items"), [(9, 14), (14, 9)])
def test_ease_is_the_plain_closed_form_from_either_side(n_users, n_items) -> None:
    data = random_dataset(n_users, n_items)
    x = data.liked.toarray().astype(np.float64)
    p = np.linalg.inv(x.T @ x + 7.0 * np.eye(n_items))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0.0)
    fast = Ease.fit(data, EaseConfig(regularisation=7.0)).score(data.histories)
    np.testing.assert_allclose(fast, x @ b, atol=1e-5)


def test_ease_beyond_its_largest_side_learns_from_drawn_users() -> None:
    data = random_dataset(30, 40)
    fitted = Ease.fit(data, EaseConfig(max_side=10), seed=1)
    assert fitted.inverse.shape == (10, 10)
    assert fitted.scaled.shape == (10, 40)


def test_item_knn_against_loops() -> None:
    data = random_dataset(20, 8)
    x = data.liked.toarray()
    expected = np.zeros((8, 8))
    for j in range(8):
        similar = [
            (x[:, i] @ x[:, j]) / (np.sqrt(x[:, i].sum() * x[:, j].sum()) + 10.0) if i != j else -1.0
            for i in range(8)
        ]
        for i in np.argsort(-np.array(similar), kind="stable")[:3]:
            expected[i, j] = similar[i]
    fitted = ItemKnn.fit(data, ItemKnnConfig(neighbours=3, shrink=10.0))
    np.testing.assert_allclose(fitted.similarity.toarray(), expected, atol=1e-6)


def test_rp3beta_against_loops() -> None:
    """The probability of walking from item i to user u to item j, over the degree of j to the power of .7."""
    data = random_dataset(20, 8)
    x = data.liked.toarray()
    expected = np.zeros((8, 8))
    for i in range(8):
        reached = np.zeros(8)
        for user in np.flatnonzero(x[:, i]):
            for j in np.flatnonzero(x[user]):
                reached[j] += 1 / x[:, i].sum() / x[user].sum() / x[:, j].sum() ** 0.7
        reached[i] = -1
        for j in np.argsort(-reached, kind="stable")[:3]:
            expected[i, j] = reached[j]
    fitted = Rp3Beta.fit(data, Rp3BetaConfig(beta=0.7, neighbours=3))
    np.testing.assert_allclose(fitted.transitions.toarray(), expected, rtol=1e-5)
    np.testing.assert_allclose(fitted.score(data.histories), x @ expected, rtol=1e-5)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_als_conjugate_gradient_reaches_the_normal_equations(weight) -> None:
    data = random_dataset(20, 15)
    config = AlsConfig(factors=4, regularisation=2.0, weight=weight, cg_steps=8)
    fixed = np.random.default_rng(0).standard_normal((15, 4)).astype(np.float32)
    fast = solve_rows(data.liked, fixed, np.zeros((20, 4), np.float32), config)
    for user in range(20):
        mine = fixed[data.liked[[user]].indices]
        normal = fixed.T @ fixed + 2.0 * np.eye(4) + (weight - 1) * mine.T @ mine
        np.testing.assert_allclose(fast[user], np.linalg.solve(normal, weight * mine.sum(0)), atol=1e-3)


def test_als_folds_in_by_the_same_equation() -> None:
    data = random_dataset(20, 15)
    fitted = Als.fit(data, AlsConfig(factors=4, regularisation=2.0, weight=3.0))
    mine = fitted.factors[[2, 5]]
    normal = fitted.factors.T @ fitted.factors + 2.0 * np.eye(4) + 2.0 * mine.T @ mine
    expected = fitted.factors @ np.linalg.solve(normal, 3.0 * mine.sum(0))
    np.testing.assert_allclose(fitted.score(Histories.of([[5, 2]], 15))[0], expected, atol=1e-4)


def test_the_highest_of_a_row_tie_to_the_lowest_name() -> None:
    """Two of the three that score 2 stay: items 1 and 4; who is left out by -inf never does."""
    values, names = np.array([3.0, 1.0, 2.0, 2.0, 2.0], np.float32), np.array([9, 0, 5, 1, 4])
    assert _highest(values, names, 3).tolist() == [True, False, False, True, True]
    values[1] = -np.inf
    assert _highest(values, names, 5).tolist() == [True, False, True, True, True]


def test_of_too_many_histories_some_are_drawn() -> None:
    histories = Histories.of([[0, 1], [2], [3, 4, 5], [6]], 7)
    assert _sampled(histories, 7, 0) is histories
    fewer = _sampled(histories, 4, 0)
    assert 0 < len(fewer.items) <= 4
    whole = {tuple(histories[n]) for n in range(4)}
    assert {tuple(fewer[n]) for n in range(len(fewer))} <= whole


def test_ease_by_blocks_is_ease_at_once(dataset, monkeypatch) -> None:
    few = replace(dataset, n_users=8, events=dataset.events.select(dataset.events.user < 8))
    at_once = Ease.fit(few, EaseConfig(2.0))
    monkeypatch.setattr("embeddings.scorers.ease.BLOCK", 5)
    np.testing.assert_allclose(Ease.fit(few, EaseConfig(2.0)).diagonal, at_once.diagonal, rtol=1e-6)
    x = few.liked.toarray().astype(np.float64)
    exact = np.linalg.inv(x.T @ x + 2.0 * np.eye(x.shape[1])).diagonal()
    np.testing.assert_allclose(at_once.diagonal, exact, rtol=1e-5)


@pytest.mark.parametrize(("n_users", "n_items"), [(30, 45), (45, 30)])
def test_ease_in_single_precision_is_ease(monkeypatch, n_users, n_items) -> None:
    """As for large squares; mirrored in blocks of 7."""
    data = random_dataset(n_users, n_items)
    exact = Ease.fit(data, EaseConfig(regularisation=7.0))
    monkeypatch.setattr("embeddings.scorers.ease.MIRROR_BLOCK", 7)
    found = Ease.fit(data, EaseConfig(regularisation=7.0, double_precision_up_to=0))
    np.testing.assert_array_equal(found.inverse, found.inverse.T)
    np.testing.assert_allclose(found.inverse, exact.inverse, atol=1e-6)
    np.testing.assert_allclose(found.score(data.histories), exact.score(data.histories), atol=1e-5)


def test_time_popularity_against_loops(dataset) -> None:
    """With a width of 1 user, those 7 places away and further weigh less than 1/1000 and are left out."""
    fitted = TimePopularity.fit(dataset, TimePopularityConfig(width=1))
    when = np.array([[np.nan, fitted.times[5], np.nan], [np.nan] * 3])
    known, unknown = fitted.score(Histories.of([[0], [1]], dataset.n_items, when))
    liked = fitted.liked.toarray()
    within = range(12)  # |11 + .5 - 5| = 6.5 and exp(-6.5) = .0015; |12 + .5 - 5| = 7.5 and exp(-7.5) = .0006
    expected = sum(np.exp(-abs(place + 0.5 - 5)) * liked[place] for place in within)
    np.testing.assert_allclose(known, expected, rtol=1e-5)
    np.testing.assert_allclose(unknown, 2 / dataset.n_users * liked.sum(axis=0), rtol=1e-6)


def test_time_knn_against_loops(dataset) -> None:
    """The three for whom similarity times closeness is highest, and who ties with the last, count."""
    fitted = TimePopularity.fit(dataset, TimePopularityConfig(width=4, neighbours=3, shrink=2.0))
    when = np.array([[np.nan, fitted.times[5], np.nan]])
    found = fitted.score(Histories.of([[0, 2, 3]], dataset.n_items, when))[0]
    liked = fitted.liked.toarray()
    similar = [row[[0, 2, 3]].sum() / ((3 * row.sum()) ** 0.5 + 2) for row in liked]
    similar = [s * np.exp(-abs(place + 0.5 - 5) / 4) for place, s in enumerate(similar)]
    last = sorted(similar)[-3]
    expected = sum(s * row for s, row in zip(similar, liked, strict=True) if s >= last - 1e-6)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_cooccurrence_against_loops(dataset) -> None:
    """Common / (root of degrees + shrink), common being how often two stand no more than two places apart."""
    config = CooccurrenceConfig(window=2, shrink=3.0)
    found = Cooccurrence.fit(dataset, config).similarity.toarray()
    common = np.zeros((dataset.n_items, dataset.n_items))
    for history in (dataset.histories[n].tolist() for n in range(dataset.n_users)):
        for place, item in enumerate(history):
            for other in history[place + 1 : place + 3]:
                common[item, other] += 1
                common[other, item] += 1
    root = np.sqrt(dataset.degrees)
    np.testing.assert_allclose(found, common / (np.outer(root, root) + 3.0), rtol=1e-5)


def test_user_knn_against_loops(dataset) -> None:
    """Every user similar with the last of three counts; similarity = common / (root of lengths + 2)."""
    fitted = UserKnn.fit(dataset, UserKnnConfig(neighbours=3, shrink=2.0))
    found = fitted.score(Histories.of([[0, 2, 3]], dataset.n_items))[0]
    liked = dataset.liked.toarray()
    similar = [row[[0, 2, 3]].sum() / ((3 * row.sum()) ** 0.5 + 2) for row in liked]
    last = sorted(similar)[-3]
    expected = sum(s * row for s, row in zip(similar, liked, strict=True) if s >= last - 1e-6)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_liked_nodes_score_by_their_mean_cosine() -> None:
    """Items (1, 0) and (0, 1); entities (1, 0) and (.6, .8): their mean is (.8, .4)."""
    vectors = np.float32([[1, 0], [0, 1], [1, 0], [0.6, 0.8]])
    likes = sp.csr_array(np.float32([[0, 0, 1, 1], [0, 0, 0, 1]]))
    np.testing.assert_allclose(cosines_of_likes(likes, vectors, 2), [[0.8, 0.4], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(Kge(vectors, 2).score_likes(likes), [[0.8, 0.4], [0.6, 0.8]], rtol=1e-6)


def test_the_graph_network_scores_liked_nodes_by_products_and_popularity() -> None:
    """Twice the vectors of above: four times the products; the second item has a bias of .1."""
    vectors = np.float32([[2, 0], [0, 2], [2, 0], [1.2, 1.6]])
    likes = sp.csr_array(np.float32([[0, 0, 1, 1], [0, 0, 0, 1]]))
    fitted = Gnn(
        vectors,
        np.zeros((2, 2), np.float32),
        np.zeros(2, np.float32),
        np.float32([0, 0.1]),
        np.zeros((2, 3), np.float32),
    )
    np.testing.assert_allclose(fitted.score_likes(likes), [[3.2, 1.7], [2.4, 3.3]], rtol=1e-6)
