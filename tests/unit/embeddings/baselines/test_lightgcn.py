import numpy as np
import torch

from embeddings.baselines.lightgcn import LightGcn, LightGcnConfig, _ranking_loss, propagate, train
from embeddings.data.dataset import Histories
from embeddings.graph.device import put, sparse_device
from embeddings.graph.propagation import through_users


def test_layers_are_the_paper_s_sums(dataset) -> None:
    """Equation 3 with dense matrices: D^-1/2 A D^-1/2 over users and items together."""
    a = dataset.liked.toarray()
    n, m = a.shape
    whole = np.block([[np.zeros((n, n)), a], [a.T, np.zeros((m, m))]])
    root = 1 / np.sqrt(whole.sum(axis=0))
    whole = root[:, None] * whole * root
    start = np.random.default_rng(0).standard_normal((n + m, 3)).astype(np.float32)
    users, items = (put(x, sparse_device()) for x in (start[:n], start[n:]))
    of_users, of_items = propagate(users, items, *through_users(dataset.liked), layers=3)
    for layer, expected in enumerate(
        [start, whole @ start, whole @ whole @ start, whole @ whole @ whole @ start]
    ):
        np.testing.assert_allclose(of_users[layer].cpu(), expected[:n], atol=1e-5)
        np.testing.assert_allclose(of_items[layer].cpu(), expected[n:], atol=1e-5)


def test_a_known_user_folds_in_as_the_mean_of_the_layers_after_the_first(dataset) -> None:
    config = LightGcnConfig(embedding_dim=4, epochs=0)
    vectors, _ = train(dataset, config, seed=2)
    generator = torch.Generator().manual_seed(2)
    users, items = ((torch.randn(n, 4, generator=generator) * 0.1).to(sparse_device()) for n in (24, 12))
    of_users, _ = propagate(users, items, *through_users(dataset.liked), layers=2)
    expected = (of_users[1] + of_users[2]).cpu().numpy() / 3 @ vectors.T
    scores = LightGcn.fit(dataset, config, seed=2).score(dataset.histories)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_loss_by_hand() -> None:
    """Scores 2 for the liked, 1 and 2 for the drawn: (log(1 + e^-1) + log 2) / 2."""
    users, items = torch.tensor([[1.0]]), torch.tensor([[2.0], [1.0]])
    loss = _ranking_loss(users, items, np.array([[0, 0]]), np.array([[1, 0]]))
    np.testing.assert_allclose(loss.item(), (np.log1p(np.exp(-1)) + np.log(2)) / 2, rtol=1e-6)


def test_an_item_nobody_liked_says_nothing_of_who_has_it(dataset) -> None:
    """It only makes the history longer: 1 / sqrt 2 of the score without it."""
    known = dataset.select_events(dataset.events.item != 3)
    fitted = LightGcn.fit(known, LightGcnConfig(embedding_dim=4, epochs=2))
    alone, beside = fitted.score(Histories.of([[0], [0, 3]], dataset.n_items))
    np.testing.assert_allclose(beside, alone / 2**0.5, atol=1e-6)
