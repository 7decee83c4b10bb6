import numpy as np
import torch

from embeddings.baselines.ncf import Ncf
from embeddings.baselines.ncf_training import Network, _loss, _Step, pooled, train_ncf
from embeddings.data.dataset import Histories
from embeddings.graph.configs import NcfConfig

CONFIG = NcfConfig(embedding_dim=6, hidden=4, epochs=3, negatives=8)


def test_what_is_served_is_the_network(dataset) -> None:
    network = Network(dataset.n_items, CONFIG).eval()
    learnt = train_ncf(dataset, CONFIG, seed=1)
    network.load_state_dict({name: torch.from_numpy(x) for name, x in learnt.items()})
    histories = Histories.of([[0, 2, 4], [], [7]], dataset.n_items)
    with torch.no_grad():
        users = network.users(pooled(network.history, histories.matrix))
        expected = network.scores(users, torch.arange(dataset.n_items))
    found = Ncf.fit(dataset, CONFIG, seed=1).score(histories)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_pooled_is_the_mean() -> None:
    table = torch.tensor([[1.0, 0.0], [3.0, 2.0], [9.0, 9.0]])
    shown = Histories.of([[0, 1], [], [2]], 3).matrix
    np.testing.assert_array_equal(pooled(table, shown), [[2, 1], [0, 0], [9, 9]])


def test_loss_by_hand() -> None:
    """Scores 2 for what is hidden, 0 and 0 for two drawn of 4: log(e^2 + 4 / 2 * 2) - 2."""

    class Same(torch.nn.Module):
        history = torch.zeros(4, 1)

        def users(self, pooled):
            return pooled

        def scores(self, users, items):
            return torch.tensor([[2.0, 0.0, 0.0]])

    nobody = Histories.of([[]], 4).matrix
    step = _Step(nobody, np.array([0]), np.array([0]), np.array([1, 2, 3]), np.array([1, 2]))
    np.testing.assert_allclose(_loss(Same(), step, 4).item(), np.log(np.exp(2) + 4) - 2, rtol=1e-6)
