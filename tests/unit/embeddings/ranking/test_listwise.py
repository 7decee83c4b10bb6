"""The listwise loss by hand, and convex weights beside a search over a grid."""

import numpy as np
import pytest
from scipy.optimize import brentq

from embeddings.ranking import listwise
from embeddings.ranking.listwise import Queries, convex_weights, joined, listwise_loss, sharpness


def queries(*parts: tuple[list[list[float]], list[bool]]) -> Queries:
    """Each query with its candidates' scores, and which of them are relevant."""
    scores = np.array([row for rows, _ in parts for row in rows], np.float32)
    relevant = np.array([x for _, own in parts for x in own])
    return Queries(scores, relevant, np.array([len(rows) for rows, _ in parts]))


def test_loss_and_gradient_of_two_candidates() -> None:
    """Scores 2 w and 0, the first is relevant: log(1 + exp(-2 w)), whose slope is -2 / (1 + exp(2 w))."""
    value, gradient = listwise_loss(queries(([[2.0], [0.0]], [True, False])))(np.array([0.5]))
    assert value == pytest.approx(np.log(1 + np.exp(-1.0)))
    assert gradient.tolist() == pytest.approx([-2 / (1 + np.exp(1.0))])


def test_two_relevant_candidates_are_equally_likely() -> None:
    """Of three equal candidates each has the probability 1/3: -(log 1/3 + log 1/3) / 2."""
    value, _ = listwise_loss(queries(([[0.0], [0.0], [0.0]], [True, True, False])))(np.ones(1))
    assert value == pytest.approx(np.log(3))


def test_the_loss_is_summed_over_queries() -> None:
    one = queries(([[2.0], [0.0]], [True, False]))
    other = queries(([[1.0], [0.0], [3.0]], [False, True, False]))
    losses = [listwise_loss(part)(np.ones(1)) for part in (one, other, joined([one, other]))]
    assert losses[2][0] == pytest.approx(losses[0][0] + losses[1][0])
    assert losses[2][1] == pytest.approx(losses[0][1] + losses[1][1])


def test_the_sharpness_is_the_factor_of_the_least_loss() -> None:
    """The score is right 3 times of 4, so the best factor has 1 / (1 + exp(-x)) = 3/4: x = log 3."""
    right, wrong = ([[1.0], [0.0]], [True, False]), ([[1.0], [0.0]], [False, True])
    assert sharpness(queries(right, right, right, wrong), np.ones(1)) == pytest.approx(np.log(3), abs=1e-4)


def random_queries(seed: int, count: int = 60) -> Queries:
    """Relevant is what has the largest 0.7 a + 0.3 b + noise; the third column is noise."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(count):
        scores = rng.normal(size=(8, 3))
        best = np.argmax(scores @ [3.5, 1.5, 0.0] + rng.gumbel(size=8))
        parts.append((scores.tolist(), [n == best for n in range(8)]))
    return queries(*parts)


def test_convex_weights_beside_a_grid() -> None:
    """The best of all weights in steps of 0.05, each at its own best temperature."""
    some = random_queries(0)
    found = convex_weights(some)
    steps = np.linspace(0, 1, 21)
    grid = [np.array([a, b, 1 - a - b]) for a in steps for b in steps if a + b <= 1 + 1e-9]
    losses = [listwise_loss(some)(own * sharpness(some, own))[0] for own in grid]
    best = grid[int(np.argmin(losses))]
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - best).max() <= 0.05
    assert listwise_loss(some)(found * sharpness(some, found))[0] <= min(losses) + 1e-4


def test_a_column_that_ranks_backwards_has_hardly_any_weight() -> None:
    """The second column is noise less the first: what it takes from the first is more than its own chance."""
    some = random_queries(1)
    backwards = np.stack([some.scores[:, 0], some.scores[:, 2] - some.scores[:, 0]], axis=1)
    found = convex_weights(Queries(backwards, some.relevant, some.sizes))
    assert found.tolist() == pytest.approx([1.0, 0.0], abs=0.05)


@pytest.mark.parametrize(("penalty", "apart"), [(1e7, 1e-3), (0.0, np.inf)])
def test_a_large_penalty_keeps_the_prior(penalty, apart) -> None:
    prior = np.array([0.2, 0.2, 0.6])
    found = convex_weights(random_queries(2), prior, penalty)
    assert np.abs(found - prior).max() <= apart
    if not penalty:
        assert found[2] < 0.2, "noise had most of the weight"


def test_never_worse_than_the_prior_on_the_queries() -> None:
    prior = np.array([0.1, 0.8, 0.1])
    for seed in range(10):
        some = random_queries(seed, 5)
        best = listwise_loss(some)(prior * sharpness(some, prior))[0]
        for penalty in (1.0, 30.0):
            found = convex_weights(some, prior, penalty)
            assert listwise_loss(some)(found * sharpness(some, found))[0] <= best + 1e-4


def test_without_queries_the_prior() -> None:
    none = Queries(np.zeros((0, 2), np.float32), np.zeros(0, np.bool_), np.zeros(0, np.int64))
    assert convex_weights(none).tolist() == [0.5, 0.5]
    assert convex_weights(none, np.array([3.0, 1.0])).tolist() == [0.75, 0.25]


def test_the_minimum_of_the_penalised_loss(monkeypatch) -> None:
    """Three queries of two candidates, whose first column is 1 and 0 after scaling by 2.

    With w its weight, the loss is 3 log(1 + exp(-w)) + 2 (w - 1/2)^2, so 4 (w - 1/2) = 3 / (1 + exp(w)); the
    second column tells nothing and keeps the weight 1/2 of the prior.
    """
    monkeypatch.setattr(listwise, "sharpness", lambda *_: 2.0)
    three = queries(*[([[0.5, 0.0], [0.0, 0.0]], [True, False])] * 3)
    w = brentq(lambda w: 4 * (w - 0.5) - 3 / (1 + np.exp(w)), 0, 3)
    expected = np.array([w, 0.5]) / (w + 0.5)
    np.testing.assert_allclose(convex_weights(three, np.array([0.5, 0.5]), 4.0), expected, rtol=1e-3)


def test_a_sharpness_below_1_is_found() -> None:
    """Of 4 queries with scores 8 and 0 the higher is relevant in 3: exp(8 f) = 3."""
    likes = [[True, False]] * 3 + [[False, True]]
    found = sharpness(queries(*(([[8.0], [0.0]], own) for own in likes)), np.ones(1))
    assert found == pytest.approx(np.log(3) / 8, rel=1e-3)
