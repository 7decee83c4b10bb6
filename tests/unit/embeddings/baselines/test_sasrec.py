from dataclasses import replace

import numpy as np
import pytest
import torch

from embeddings.baselines.sasrec import (
    PADDING,
    SasRec,
    SasRecConfig,
    SasRecNetwork,
    Windows,
    _loss,
    targets,
    windows,
)
from embeddings.data.dataset import Dataset, Histories
from kg.graph import Interactions, Triples

CONFIG = SasRecConfig(embedding_dim=8, layers=2, heads=2, max_length=5, epochs=2, batch_size=4, negatives=6)


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
        embedding_dim=8,
        max_length=4,
        target_window=1,
        epochs=80,
        batch_size=4,
        learning_rate=0.02,
        dropout=0.1,
    )
    forth, back = SasRec.fit(data, config, seed=1).score(Histories.of([[0, 1], [1, 0]], 6))
    assert forth[2:].argmax() + 2 == 2
    assert back[2:].argmax() + 2 == 3


def test_a_ring_goes_on() -> None:
    """Item n + 1 follows item n, wherever one begins: popularity is the same for all twelve."""
    data = in_order([[(start + n) % 12 for n in range(6)] for start in range(12)] * 3, 12)
    config = SasRecConfig(
        embedding_dim=16,
        max_length=8,
        target_window=1,
        epochs=60,
        batch_size=4,
        learning_rate=0.01,
        dropout=0.1,
    )
    asked = [[n, (n + 1) % 12] for n in range(12)]
    scores = SasRec.fit(data, config, seed=1).score(Histories.of(asked, 12))
    scores[np.arange(12)[:, None], asked] = -np.inf
    assert scores.argmax(axis=1).tolist() == [(n + 2) % 12 for n in range(12)]


def slow_scores(weights, config, tokens):
    """The paper's equations in NumPy for one sequence of tokens; `weights` are the network's, by name."""
    d, t = config.embedding_dim, len(tokens)
    x = weights["items"][tokens] * np.sqrt(d) + weights["positions"][:t]
    for n in range(config.layers):
        block = {
            k.removeprefix(f"blocks.{n}."): w for k, w in weights.items() if k.startswith(f"blocks.{n}.")
        }
        x = x + slow_attention(block, config.heads, slow_norm(block, "attention_norm", x))
        normed = slow_norm(block, "feed_forward_norm", x)
        inner = np.maximum(normed @ block["feed_forward.0.weight"].T + block["feed_forward.0.bias"], 0)
        x = x + inner @ block["feed_forward.2.weight"].T + block["feed_forward.2.bias"]
    return weights["items"][:-1] @ slow_norm(weights, "norm", x)[-1] + weights["bias"]


def slow_attention(block, heads, x):
    t, d = x.shape
    packed = x @ block["attention.in_proj_weight"].T + block["attention.in_proj_bias"]
    query, key, value = (part.reshape(t, heads, -1).swapaxes(0, 1) for part in np.split(packed, 3, axis=1))
    weight = query @ key.swapaxes(1, 2) / np.sqrt(d // heads)
    weight = np.exp(np.where(np.tri(t, dtype=np.bool_), weight, -np.inf))
    attended = (weight / weight.sum(axis=-1, keepdims=True) @ value).swapaxes(0, 1).reshape(t, d)
    return attended @ block["attention.out_proj.weight"].T + block["attention.out_proj.bias"]


def slow_norm(weights, name, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
    return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


@pytest.mark.parametrize("block", [64, 2])
def test_scores_are_those_of_plain_numpy(dataset, monkeypatch, block) -> None:
    """A history of any length: its last four events where there are more."""
    monkeypatch.setattr("embeddings.baselines.sasrec.BLOCK", block)
    histories = [[], [7], [0, 2, 4], [9, 8, 7, 1, 3, 5], [1, 2, 3, 4]]
    fitted = SasRec.fit(dataset, replace(CONFIG, epochs=20, learning_rate=0.03), seed=1)
    weights = {name: x.cpu().double().numpy() for name, x in fitted.network.state_dict().items()}
    expected = [slow_scores(weights, fitted.config, [dataset.n_items, *h[-4:]]) for h in histories]
    found = fitted.score(Histories.of(histories, dataset.n_items))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_later_events_are_not_seen() -> None:
    network = SasRecNetwork(9, CONFIG).eval()
    one, other = torch.tensor([[9, 1, 2, 3, 4]]), torch.tensor([[9, 1, 2, 7, 8]])
    torch.testing.assert_close(network(one)[:, :3], network(other)[:, :3])
    assert not torch.allclose(network(one)[:, 3], network(other)[:, 3])


def test_windows_by_hand() -> None:
    """Cut every 3 events; the first history after 3 - 1 = 2 of them, the last after 3 - 0."""
    histories = Histories.of([[0, 1, 2, 3], [], [4, 5, 6]], 7)
    found = windows(histories, 3, np.array([1, 2, 0]))
    assert found.events.tolist() == [[0, 1, PADDING], [2, 3, PADDING], [4, 5, 6]]
    assert found.tokens.tolist() == [[7, 0, 1], [7, 2, 3], [7, 4, 5]]
    assert found.user.tolist() == [0, 0, 2]


def test_targets_by_hand() -> None:
    """Position 0 has the events 4 and 5, 1 the event 5, and 2, the second window's first, the event 6."""
    position, item = targets(np.array([[4, 5], [6, PADDING]]), target_window=2)
    assert sorted(zip(position.tolist(), item.tolist(), strict=True)) == [(0, 4), (0, 5), (1, 5), (2, 6)]


def test_loss_by_hand() -> None:
    """The output is 1 everywhere. The target, item 1 of four, scores 2; the user likes 1 and 3, so 0 and 2,
    which score 0, are the negatives: log(e^2 + 1 + 1) - 2."""

    class Same(torch.nn.Module):
        items = torch.tensor([[0.0], [2.0], [0.0], [5.0]])
        bias = torch.zeros(4)

        def forward(self, tokens):
            return torch.ones(*tokens.shape, 1)

    data = in_order([[1, 3]], 4)
    batch = Windows(np.array([[4, 1]]), np.array([[1, PADDING]]), np.array([0]))
    loss = _loss(Same(), batch, data, SasRecConfig(negatives=4), np.random.default_rng(0))
    np.testing.assert_allclose(loss.item(), np.log(np.exp(2) + 2) - 2, rtol=1e-6)
