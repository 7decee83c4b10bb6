"""The linear ranker beside values worked out by hand and beside a slow reference."""

import numpy as np
import pytest
from scipy.optimize import minimize

from embeddings.ranking.groups import RankingGroup
from embeddings.ranking.linear import LinearConfig, LinearRanker

FEATURES = ("a", "is_new", "b", "log_history_length")


def group(rows, relevant, sizes) -> RankingGroup:
    return RankingGroup(np.array(rows, np.float32), np.array(relevant, bool), np.array(sizes))


@pytest.fixture
def learnt_from() -> list[RankingGroup]:
    """60 queries of 5 rows; the longer the history, the more `b` counts; every fourth query has no like."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 5, 4)).astype(np.float32)
    values[:, :, 3] = rng.uniform(0, 3, size=(60, 1))
    utility = values[:, :, 0] + values[:, :, 3] * values[:, :, 2] + rng.gumbel(size=(60, 5))
    relevant = utility >= np.sort(utility, axis=1)[:, -2:-1]
    relevant[::4] = False
    flat = values.reshape(-1, 4), relevant.ravel()
    return [
        RankingGroup(flat[0][:100], flat[1][:100], np.full(20, 5)),
        RankingGroup(flat[0][100:], flat[1][100:], np.full(40, 5)),
    ]


def reference(groups, penalty, prior):
    """The same loss, query by query, without a gradient."""
    queries = []
    for own in groups:
        for part in np.split(np.arange(len(own.relevant)), np.cumsum(own.sizes)[:-1]):
            found = [(own.values[part].astype(float), own.relevant[part])]
            queries += found if own.relevant[part].any() else []
    mean = np.mean([values[0, 3] for values, _ in queries])

    def loss(weights):
        total = penalty / 2 * np.square(weights - [*prior, 0, 0]).sum()
        for values, relevant in queries:
            x = np.arcsinh(values[:, [0, 2]])
            scores = x @ weights[:2] + (values[0, 3] - mean) * (x @ weights[2:])
            total -= (scores - np.log(np.exp(scores).sum()))[relevant].mean()
        return total

    return minimize(
        loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 9000, "xatol": 1e-6, "fatol": 1e-9}
    ).x


def test_beside_a_slow_reference(learnt_from) -> None:
    ranker = LinearRanker.fit(FEATURES, learnt_from, LinearConfig(penalty=0.5), {"a": 3.0, "b": 1.0})
    expected = reference(learnt_from, 0.5, [0.75, 0.25])
    np.testing.assert_allclose([*ranker.weights, *ranker.slopes], expected, atol=2e-3)
    assert ranker.columns == ("a", "b")
    assert ranker.slopes[1] > 0.5


def test_without_likes_the_prior_ranks(learnt_from) -> None:
    nothing = group([[9, 0, 1, 2], [0, 0, 3, 2]], [False, False], [2])
    for groups in ([], [nothing]):
        ranker = LinearRanker.fit(FEATURES, groups, LinearConfig(), {"b": 3.0, "a": 1.0})
        assert ranker.columns == ("b", "a")
        assert [*ranker.weights, *ranker.slopes] == [0.75, 0.25, 0, 0]
    strong = LinearRanker.fit(FEATURES, learnt_from, LinearConfig(penalty=1e7), {"b": 3.0, "a": 1.0})
    np.testing.assert_allclose([*strong.weights, *strong.slopes], [0.75, 0.25, 0, 0], atol=1e-4)
    assert LinearRanker.fit(FEATURES, [], LinearConfig(), {"a": 0.0, "b": 0.0}).weights.tolist() == [0.5, 0.5]


def test_the_mean_length_is_that_of_the_queries_with_a_like_and_not_of_their_rows() -> None:
    """Three rows of length 0, one of length 2 and a query without a like: (0 + 2) / 2."""
    rows = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 2], [1, 0, 1, 9]]
    own = group(rows, [True, False, False, True, False], [3, 1, 1])
    assert LinearRanker.fit(FEATURES, [own], LinearConfig(), {"a": 1.0, "b": 1.0}).mean_length == 1.0


def test_contributions_by_hand() -> None:
    ranker = LinearRanker(("a", "b"), np.float32([2.0, -1.0]), np.float32([0.5, 0.0]), 1.0)
    values = np.float32([[1.0, 7.0, 2.0, 3.0], [-1.0, 7.0, 0.0, 1.0]])
    expected = [[(2 + 0.5 * 2) * np.arcsinh(1), -np.arcsinh(2)], [-2 * np.arcsinh(1), 0]]
    np.testing.assert_allclose(ranker.contributions(values, FEATURES), expected, rtol=1e-6)
    np.testing.assert_allclose(ranker.score(values, FEATURES), np.sum(expected, axis=1), rtol=1e-6)


def test_kept_as_arrays(learnt_from) -> None:
    ranker = LinearRanker.fit(FEATURES, learnt_from, LinearConfig(), {"a": 1.0, "b": 0.0})
    again = LinearRanker.restore(ranker.arrays())
    values = learnt_from[0].values
    np.testing.assert_array_equal(again.score(values, FEATURES), ranker.score(values, FEATURES))
    assert again.columns == ranker.columns
