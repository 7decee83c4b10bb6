import numpy as np
import pytest
from random_likes import random_dataset

from embeddings.baselines.biased_als import BiasedAls
from embeddings.data.dataset import Histories
from embeddings.scorers.als import AlsConfig


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_biased_als_folds_in_as_weighted_least_squares(weight) -> None:
    """Of (x - bias) by the factors and 1, over all items, liked ones w-fold; the score adds the bias."""
    data = random_dataset(20, 15)
    fitted = BiasedAls.fit(data, AlsConfig(factors=4, regularisation=2.0, weight=weight))
    x = np.zeros(15)
    x[[2, 5]] = 1
    count = np.where(x > 0, weight, 1.0)[:, None]
    normal = fitted.factors.T @ (count * fitted.factors) + 2.0 * np.eye(5)
    user = np.linalg.solve(normal, fitted.factors.T @ (count[:, 0] * (x - fitted.bias)))
    found = fitted.score(Histories.of([[5, 2]], 15))[0]
    np.testing.assert_allclose(found, fitted.factors @ user + fitted.bias, atol=1e-4)
    assert (fitted.factors[:, -1] == 1).all()


def test_biases_alone_are_the_shares_of_users_and_items() -> None:
    """Without factors, almost unregularised: share of the user + share of the item - share of all pairs."""
    data = random_dataset(20, 15)
    fitted = BiasedAls.fit(data, AlsConfig(factors=0, regularisation=1e-4, iterations=10))
    x = data.liked.toarray()
    np.testing.assert_allclose(np.ptp(fitted.bias - x.mean(axis=0)), 0, atol=1e-4)
    expected = x.mean(axis=0) + x.mean(axis=1, keepdims=True) - x.mean()
    np.testing.assert_allclose(fitted.score(data.histories), expected, atol=1e-3)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_biased_als_never_gets_worse(weight) -> None:
    data = random_dataset(30, 15)
    x, losses = data.liked.toarray(), []
    for iterations in (1, 2, 4, 8):
        config = AlsConfig(factors=3, regularisation=0.1, weight=weight, iterations=iterations)
        error = x - BiasedAls.fit(data, config, seed=1).score(data.histories)
        losses.append((np.where(x > 0, weight, 1.0) * error**2).sum())
    assert losses == sorted(losses, reverse=True)
