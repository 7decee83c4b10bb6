import numpy as np
import torch

from embeddings.baselines.sasrec import SasRec
from embeddings.baselines.sasrec_training import (
    NOTHING,
    Network,
    Windows,
    _loss,
    train_sasrec,
    wanted,
    windows,
)
from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import SasRecConfig
from kg.graph import Interactions, Triples

CONFIG = SasRecConfig(embedding_dim=8, layers=2, heads=2, length=5, epochs=2, batch_size=4, negatives=6)


def in_order(histories, n_items) -> Dataset:
    user = np.repeat(np.arange(len(histories)), [len(h) for h in histories]).astype(np.int32)
    n = len(user)
    events = Interactions(
        user,
        np.concatenate(histories).astype(np.int32),
        np.ones(n, np.float32),
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int8),
        np.ones(n, np.bool_),
    )
    none = Triples(*(np.zeros(0, np.int32) for _ in range(3)))
    return Dataset(len(histories), n_items, n_items, events, none, (), np.zeros((n_items, 2), np.float32))


def test_the_order_of_the_same_items_decides() -> None:
    """After 0, 1 comes 2; after 1, 0 comes 3: which items, and how popular they are, says nothing."""
    data = in_order([[0, 1, 2], [1, 0, 3]] * 10, 6)
    config = SasRecConfig(
        embedding_dim=8, length=4, ahead=1, epochs=80, batch_size=4, learning_rate=0.02, dropout=0.1
    )
    forth, back = SasRec.fit(data, config, seed=1).score(Histories.of([[0, 1], [1, 0]], 6))
    assert forth[2:].argmax() + 2 == 2
    assert back[2:].argmax() + 2 == 3


def test_a_ring_goes_on() -> None:
    """Item n + 1 follows item n, wherever one begins: popularity is the same for all twelve."""
    data = in_order([[(start + n) % 12 for n in range(6)] for start in range(12)] * 3, 12)
    config = SasRecConfig(
        embedding_dim=16, length=8, ahead=1, epochs=60, batch_size=4, learning_rate=0.01, dropout=0.1
    )
    asked = [[n, (n + 1) % 12] for n in range(12)]
    scores = SasRec.fit(data, config, seed=1).score(Histories.of(asked, 12))
    scores[np.arange(12)[:, None], asked] = -np.inf
    assert scores.argmax(axis=1).tolist() == [(n + 2) % 12 for n in range(12)]


def test_what_is_served_is_the_network(dataset) -> None:
    """A history of any length, its last four events where there are more."""
    network = Network(dataset.n_items, CONFIG).eval()
    learnt = train_sasrec(dataset, CONFIG, seed=1)
    network.load_state_dict({name: torch.from_numpy(x) for name, x in learnt.items()})
    histories = [[], [7], [0, 2, 4], [9, 8, 7, 1, 3, 5]]
    with torch.no_grad():
        users = [network(torch.tensor([[dataset.n_items, *h[-4:]]]))[0, -1] for h in histories]
        expected = torch.stack(users) @ network.items[:-1].T + network.bias
    found = SasRec.fit(dataset, CONFIG, seed=1).score(Histories.of(histories, dataset.n_items))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_nothing_that_comes_later_is_seen() -> None:
    network = Network(9, CONFIG).eval()
    one, other = torch.tensor([[9, 1, 2, 3, 4]]), torch.tensor([[9, 1, 2, 7, 8]])
    torch.testing.assert_close(network(one)[:, :3], network(other)[:, :3])
    assert not torch.allclose(network(one)[:, 3], network(other)[:, 3])


def test_windows_by_hand() -> None:
    """Cut every 3 events; the first history after 3 - 1 = 2 of them, the last after 3 - 0."""
    histories = Histories.of([[0, 1, 2, 3], [], [4, 5, 6]], 7)
    found = windows(histories, 3, np.array([1, 2, 0]))
    assert found.events.tolist() == [[0, 1, NOTHING], [2, 3, NOTHING], [4, 5, 6]]
    assert found.tokens.tolist() == [[7, 0, 1], [7, 2, 3], [7, 4, 5]]
    assert found.owner.tolist() == [0, 0, 2]


def test_wanted_by_hand() -> None:
    """At place 0 the events 4 and 5, at 1 the event 5 and, in the second row, at place 2 the event 6."""
    row, item = wanted(np.array([[4, 5], [6, NOTHING]]), ahead=2)
    assert sorted(zip(row.tolist(), item.tolist(), strict=True)) == [(0, 4), (0, 5), (1, 5), (2, 6)]


def test_loss_by_hand() -> None:
    """Out comes 1 everywhere. Item 1, of 2, is wanted among four; the user likes 1 and 3; 0 and 2 score 0:
    log(e^2 + 1 + 1) - 2."""

    class Same(torch.nn.Module):
        items = torch.tensor([[0.0], [2.0], [0.0], [5.0]])
        bias = torch.zeros(4)

        def forward(self, tokens):
            return torch.ones(*tokens.shape, 1)

    data = in_order([[1, 3]], 4)
    step = Windows(np.array([[4, 1]]), np.array([[1, NOTHING]]), np.array([0]))
    loss = _loss(Same(), step, data, SasRecConfig(negatives=4), np.random.default_rng(0))
    np.testing.assert_allclose(loss.item(), np.log(np.exp(2) + 2) - 2, rtol=1e-6)
