from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from embeddings.baselines.ncf import Batch, Ncf, NcfConfig, _loss, mean_vectors
from embeddings.data.dataset import Histories

CONFIG = NcfConfig(embedding_dim=6, hidden_dim=4, epochs=3, negatives=8)


def slow_scores(weights, histories):
    """The network's equations in NumPy, one user at a time; `weights` are the network's, by name."""
    lengths = np.maximum(np.diff(histories.matrix.indptr), 1)
    means = sp.csr_array(sp.diags_array(1 / lengths) @ histories.matrix) @ weights["history"]
    users = means + np.tanh(means @ weights["tower.weight"].T + weights["tower.bias"])
    from_items = weights["items"] @ weights["item_layer.weight"].T
    rows = []
    for user in users:
        first = user @ weights["user_layer.weight"].T + weights["user_layer.bias"] + from_items
        second = np.maximum(first, 0) @ weights["second_layer.weight"].T + weights["second_layer.bias"]
        perceptron = np.maximum(second, 0) @ weights["output_layer.weight"][0]
        rows.append((weights["items"] * weights["product"]) @ user + weights["bias"] + perceptron)
    return np.stack(rows)


@pytest.mark.parametrize("block", [16, 2])
def test_scores_are_those_of_plain_numpy(dataset, monkeypatch, block) -> None:
    monkeypatch.setattr("embeddings.baselines.ncf.BLOCK", block)
    histories = Histories.of([[0, 2, 4], [], [7], [1], [3, 5]], dataset.n_items)
    fitted = Ncf.fit(dataset, replace(CONFIG, epochs=20, learning_rate=0.03), seed=1)
    weights = {name: x.cpu().double().numpy() for name, x in fitted.network.state_dict().items()}
    np.testing.assert_allclose(fitted.score(histories), slow_scores(weights, histories), atol=1e-5)


def test_the_mean_of_the_vectors_of_each_history() -> None:
    table = torch.tensor([[1.0, 0.0], [3.0, 2.0], [9.0, 9.0]])
    histories = Histories.of([[0, 1], [], [2]], 3).matrix
    np.testing.assert_array_equal(mean_vectors(table, histories), [[2, 1], [0, 0], [9, 9]])


def test_loss_by_hand() -> None:
    """Scores 2 for the target, 0 and 0 for two negatives of 4 items: log(e^2 + 4 / 2 * 2) - 2."""

    class Same(torch.nn.Module):
        history = torch.zeros(4, 1)

        def users(self, histories):
            return torch.zeros(histories.shape[0], 1)

        def scores(self, users, items):
            return torch.tensor([[2.0, 0.0, 0.0]])

    nobody = Histories.of([[]], 4).matrix
    batch = Batch(nobody, np.array([0]), np.array([0]), np.array([1, 2, 3]), np.array([1, 2]))
    np.testing.assert_allclose(_loss(Same(), batch, 4).item(), np.log(np.exp(2) + 4) - 2, rtol=1e-6)
