"""The contract that every scorer keeps, and the checkerboard that every one must reproduce."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize

from embeddings.baselines.attributes import ContentCosine, ContentPearson
from embeddings.baselines.lightgcn import LightGcn
from embeddings.baselines.ncf import Ncf
from embeddings.baselines.nmf import Nmf, NmfConfig, sweep
from embeddings.baselines.sasrec import SasRec
from embeddings.candidates.specs import SCORERS
from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import LightGcnConfig, NcfConfig, SasRecConfig
from embeddings.scorers.als import Als, AlsConfig, BiasedAls, solve_rows
from embeddings.scorers.cooccurrence import Cooccurrence, CooccurrenceConfig, _sampled
from embeddings.scorers.ease import Ease, EaseConfig
from embeddings.scorers.neighbours import ItemKnn, ItemKnnConfig, UserKnn, UserKnnConfig, _highest
from embeddings.scorers.popularity import Popularity
from embeddings.scorers.time_popularity import TimePopularity, TimePopularityConfig

BASELINES = (BiasedAls, Nmf, ContentCosine, ContentPearson, LightGcn, Ncf, SasRec)
METHODS = {**SCORERS, **{scorer.name: scorer for scorer in BASELINES}}
ALL = sorted(METHODS)
PERSONAL = sorted(set(METHODS) - {"popularity", "time_popularity"})


def configured(small_configs, name):
    return small_configs.get(name) or SMALL.get(name) or METHODS[name].grid[0]


SMALL = {
    "biased_als": AlsConfig(factors=2, regularisation=0.1, iterations=15),
    "ncf": NcfConfig(embedding_dim=8, hidden=4, epochs=60, learning_rate=0.03, negatives=12, dropout=0.1),
    "nmf": NmfConfig(factors=2, regularisation=0.1),
    "lightgcn": LightGcnConfig(embedding_dim=8, epochs=30, learning_rate=0.05),
    "sasrec": SasRecConfig(
        embedding_dim=8, length=6, epochs=60, learning_rate=0.01, batch_size=8, dropout=0.1
    ),
}
"""Configurations at the size of the checkerboard, of methods the model has no part in."""


@pytest.fixture(scope="module")
def fitted(dataset, small_configs):
    return {name: METHODS[name].fit(dataset, configured(small_configs, name), seed=3) for name in ALL}


@pytest.mark.parametrize("name", ALL)
def test_shape_and_finiteness_for_new_and_empty_histories(fitted, dataset, name) -> None:
    histories = Histories.of([[], [0], [1, 3], list(range(12))], dataset.n_items)
    scores = fitted[name].score(histories)
    assert scores.shape == (4, dataset.n_items)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", PERSONAL)
def test_checkerboard(fitted, dataset, name) -> None:
    """Somebody new who liked two of a colour gets that colour; items without text are left aside."""
    scores = fitted[name].score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
    assert scores[0, [4, 6, 8]].min() > scores[0, [5, 7, 9]].max()
    assert scores[1, [5, 7, 9]].min() > scores[1, [4, 6, 8]].max()


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_arrays(fitted, dataset, small_configs, name) -> None:
    again = METHODS[name].fit(dataset, configured(small_configs, name), seed=3).arrays()
    for key, array in fitted[name].arrays().items():
        np.testing.assert_array_equal(array, again[key], err_msg=key)


@pytest.mark.parametrize("name", ALL)
def test_arrays_round_trip(fitted, dataset, name) -> None:
    histories = Histories.of([[0, 2], []], dataset.n_items)
    arrays = fitted[name].arrays()
    assert all(x.flags.c_contiguous for x in arrays.values()), "else the loaded scores differ in the last bit"
    restored = METHODS[name].restore(arrays)
    np.testing.assert_array_equal(restored.score(histories), fitted[name].score(histories))


@pytest.mark.parametrize("name", ALL)
def test_a_batch_scores_as_its_rows_alone(fitted, dataset, name) -> None:
    histories = [[0, 2], [1], [], [3, 4, 5]]
    together = fitted[name].score(Histories.of(histories, dataset.n_items))
    alone = [fitted[name].score(Histories.of([h], dataset.n_items))[0] for h in histories]
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_fits_without_facts_text_or_events(dataset, small_configs, name) -> None:
    nothing = Dataset(
        n_users=3,
        n_items=5,
        n_nodes=5,
        events=dataset.events.select(np.zeros(len(dataset.events), np.bool_)),
        triples=dataset.triples.select(np.zeros(len(dataset.triples), np.bool_)),
        relations=dataset.relations,
        text=np.zeros((5, 4), np.float32),
    )
    scores = METHODS[name].fit(nothing, configured(small_configs, name)).score(Histories.of([[1], []], 5))
    assert np.isfinite(scores).all()


def test_popularity_counts_users() -> None:
    counts = np.log1p(np.array([2, 0, 1])).astype(np.float32)
    np.testing.assert_array_equal(Popularity(counts).score(Histories.of([[0]], 3))[0], counts)


def random_dataset(dataset, n_users, n_items, seed=5):
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((n_users, n_items)) < 0.3)
    events = type(dataset.events)(
        user.astype(np.int32),
        item.astype(np.int32),
        np.ones(len(user), np.float32),
        np.arange(len(user), dtype=np.int64),
        np.zeros(len(user), np.int8),
        np.ones(len(user), np.bool_),
    )
    none = dataset.triples.select(np.zeros(len(dataset.triples), np.bool_))
    text = np.zeros((n_items, 2), np.float32)
    return Dataset(n_users, n_items, n_items, events, none, (), text)


@pytest.mark.parametrize(("n_users", "n_items"), [(9, 14), (14, 9)])
def test_ease_is_the_plain_closed_form_from_either_side(dataset, n_users, n_items) -> None:
    data = random_dataset(dataset, n_users, n_items)
    x = data.liked.toarray().astype(np.float64)
    p = np.linalg.inv(x.T @ x + 7.0 * np.eye(n_items))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0.0)
    fast = Ease.fit(data, EaseConfig(regularisation=7.0)).score(data.histories)
    np.testing.assert_allclose(fast, x @ b, atol=1e-5)


def test_ease_beyond_its_largest_side_learns_from_drawn_users(dataset) -> None:
    data = random_dataset(dataset, 30, 40)
    fitted = Ease.fit(data, EaseConfig(max_side=10), seed=1)
    assert fitted.inverse.shape == (10, 10)
    assert fitted.scaled.shape == (10, 40)


def test_item_knn_against_loops(dataset) -> None:
    data = random_dataset(dataset, 20, 8)
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


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_als_conjugate_gradient_reaches_the_normal_equations(dataset, weight) -> None:
    data = random_dataset(dataset, 20, 15)
    config = AlsConfig(factors=4, regularisation=2.0, weight=weight)
    fixed = np.random.default_rng(0).standard_normal((15, 4)).astype(np.float32)
    fast = solve_rows(data.liked, fixed, np.zeros((20, 4), np.float32), config, steps=8)
    for user in range(20):
        mine = fixed[data.liked[[user]].indices]
        normal = fixed.T @ fixed + 2.0 * np.eye(4) + (weight - 1) * mine.T @ mine
        np.testing.assert_allclose(fast[user], np.linalg.solve(normal, weight * mine.sum(0)), atol=1e-3)


def test_als_folds_in_by_the_same_equation(dataset) -> None:
    data = random_dataset(dataset, 20, 15)
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
def test_ease_in_single_precision_is_ease(dataset, monkeypatch, n_users, n_items) -> None:
    """As for large squares; mirrored in blocks of 7."""
    data = random_dataset(dataset, n_users, n_items)
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


def test_nmf_folds_in_as_non_negative_least_squares(dataset) -> None:
    """Active sets (Lawson and Hanson) on [V; sqrt(l) I] u = [x; 0] find the same users as the sweeps."""
    data = random_dataset(dataset, 30, 15)
    fitted = Nmf.fit(data, NmfConfig(factors=6, regularisation=0.5))
    assert (fitted.factors >= 0).all()
    stacked = np.concatenate([fitted.factors, np.sqrt(0.5) * np.eye(6)]).astype(np.float64)
    x = data.liked.toarray()
    exact = np.stack([scipy.optimize.nnls(stacked, np.concatenate([row, np.zeros(6)]))[0] for row in x])
    assert (exact == 0).any(), "somewhere the bound must bind"
    np.testing.assert_allclose(fitted.score(data.histories), exact @ fitted.factors.T, atol=1e-3)


def test_nmf_sweep_by_hand() -> None:
    """G = [[2, 1], [1, 2]], target (4, 1) from 0: first 4 / 2 = 2, then max((1 - 2) / 2, 0) = 0."""
    gram, target = np.array([[2, 1], [1, 2]], np.float32), np.array([[4, 1]], np.float32)
    np.testing.assert_array_equal(sweep(np.zeros((1, 2), np.float32), gram, target), [[2, 0]])


def test_nmf_never_gets_worse(dataset) -> None:
    data = random_dataset(dataset, 30, 15)
    x, losses = data.liked.toarray(), []
    for iterations in (1, 2, 4, 8):
        fitted = Nmf.fit(data, NmfConfig(factors=3, regularisation=0.1, iterations=iterations), seed=1)
        losses.append(np.square(x - fitted.score(data.histories)).sum())
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_biased_als_folds_in_as_weighted_least_squares(dataset, weight) -> None:
    """Of (x - bias) by the factors and 1, over all items, liked ones w-fold; the score adds the bias."""
    data = random_dataset(dataset, 20, 15)
    fitted = BiasedAls.fit(data, AlsConfig(factors=4, regularisation=2.0, weight=weight))
    x = np.zeros(15)
    x[[2, 5]] = 1
    count = np.where(x > 0, weight, 1.0)[:, None]
    normal = fitted.factors.T @ (count * fitted.factors) + 2.0 * np.eye(5)
    user = np.linalg.solve(normal, fitted.factors.T @ (count[:, 0] * (x - fitted.bias)))
    found = fitted.score(Histories.of([[5, 2]], 15))[0]
    np.testing.assert_allclose(found, fitted.factors @ user + fitted.bias, atol=1e-4)
    assert (fitted.factors[:, -1] == 1).all()


def test_biases_alone_are_the_shares_of_users_and_items(dataset) -> None:
    """Without factors, almost unregularised: share of the user + share of the item - share of all pairs."""
    data = random_dataset(dataset, 20, 15)
    fitted = BiasedAls.fit(data, AlsConfig(factors=0, regularisation=1e-4, iterations=10))
    x = data.liked.toarray()
    np.testing.assert_allclose(np.ptp(fitted.bias - x.mean(axis=0)), 0, atol=1e-4)
    expected = x.mean(axis=0) + x.mean(axis=1, keepdims=True) - x.mean()
    np.testing.assert_allclose(fitted.score(data.histories), expected, atol=1e-3)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_biased_als_never_gets_worse(dataset, weight) -> None:
    data = random_dataset(dataset, 30, 15)
    x, losses = data.liked.toarray(), []
    for iterations in (1, 2, 4, 8):
        config = AlsConfig(factors=3, regularisation=0.1, weight=weight, iterations=iterations)
        error = x - BiasedAls.fit(data, config, seed=1).score(data.histories)
        losses.append((np.where(x > 0, weight, 1.0) * error**2).sum())
    assert losses == sorted(losses, reverse=True)
