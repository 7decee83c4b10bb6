import numpy as np
import scipy.optimize
from random_likes import random_dataset

from embeddings.baselines.nmf import Nmf, NmfConfig


def non_negative_rows(x, fixed, regularisation):
    """The u >= 0 that minimises |x - u fixed'|^2 + l |u|^2, a row at a time (Lawson and Hanson), float64."""
    width = fixed.shape[1]
    stacked = np.concatenate([fixed, np.sqrt(regularisation) * np.eye(width)]).astype(np.float64)
    return np.stack([scipy.optimize.nnls(stacked, np.concatenate([row, np.zeros(width)]))[0] for row in x])


def objective(x, users, items, regularisation):
    return np.square(x - users @ items.T).sum() + regularisation * ((users**2).sum() + (items**2).sum())


def test_a_user_folds_in_as_non_negative_least_squares() -> None:
    data = random_dataset(30, 15)
    fitted = Nmf.fit(data, NmfConfig(factors=6, regularisation=0.5))
    assert (fitted.components >= 0).all()
    exact = non_negative_rows(data.liked.toarray(), fitted.components.T, 0.5)
    assert (exact == 0).any(), "somewhere the bound must bind"
    np.testing.assert_allclose(fitted.score(data.histories), exact @ fitted.components, atol=1e-3)


def test_one_factor_is_the_leading_singular_pair_shrunk_by_the_regularisation() -> None:
    """min |X - u v'|^2 + l (|u|^2 + |v|^2) has u v' = (s - l) a b', with s, a, b the leading triple of X."""
    data = random_dataset(30, 15)
    left, values, right = np.linalg.svd(data.liked.toarray())
    for regularisation in (0.1, 2.0):
        fitted = Nmf.fit(data, NmfConfig(1, regularisation, iterations=200))
        expected = (values[0] - regularisation) * np.outer(left[:, 0], right[0])
        np.testing.assert_allclose(fitted.score(data.histories), expected, atol=1e-4)
        np.testing.assert_allclose((fitted.components**2).sum(), values[0] - regularisation, rtol=1e-4)


def test_the_objective_is_as_low_as_by_exact_alternating_least_squares() -> None:
    """Both end in local minima: ours is at most 1 % above the lowest of five starts."""
    data, regularisation = random_dataset(30, 15), 0.5
    x, found = data.liked.toarray().astype(np.float64), []
    for seed in range(5):
        items = np.random.default_rng(seed).random((15, 3))
        for _ in range(60):
            users = non_negative_rows(x, items, regularisation)
            items = non_negative_rows(x.T, users, regularisation)
        found.append(objective(x, users, items, regularisation))
    losses = []
    for seed in range(5):
        items = Nmf.fit(data, NmfConfig(3, regularisation, iterations=200), seed).components.T
        losses.append(objective(x, non_negative_rows(x, items, regularisation), items, regularisation))
    assert min(losses) < 1.01 * min(found)


def test_too_much_regularisation_makes_all_scores_zero() -> None:
    """All factors vanish once l is above the largest singular value, which is below 12 here."""
    data = random_dataset(30, 15)
    assert not Nmf.fit(data, NmfConfig(3, regularisation=12.0, iterations=200)).score(data.histories).any()


def test_more_sweeps_never_make_it_worse() -> None:
    data = random_dataset(30, 15)
    x, losses = data.liked.toarray(), []
    for iterations in (1, 2, 4, 8):
        items = Nmf.fit(data, NmfConfig(3, 0.1, iterations), seed=1).components.T
        losses.append(objective(x, non_negative_rows(x, items, 0.1), items, 0.1))
    assert losses == sorted(losses, reverse=True)
