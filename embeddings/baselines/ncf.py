"""Neural collaborative filtering whose user is the history (after He et al. 2017, "NCF").

A user tower takes the mean of the history's item vectors; an item has a vector of its own. The two are
combined in an elementwise product (the paper's GMF, equation 9) and in a perceptron over both (equation 10).
The score is the weighted sum of the two (NeuMF, equation 12) and a bias of the item.

Two things differ from the paper. It learns a vector for each user; here the network predicts a part of each
history from the rest, so that unseen users are scored as known ones are. The loss is a softmax over the
target and uniformly sampled negatives, corrected for the sampling (Bengio and Senécal 2008).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from embeddings.baselines.network import NetworkScorer, train
from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.device import put, sparse_device
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

BLOCK = 16
"""How many users are scored at a time: the first layer has `hidden_dim` numbers for each of their items."""


@dataclass(frozen=True)
class NcfConfig:
    """Network and training."""

    embedding_dim: int = 128
    """Length of the vectors of items and users."""
    hidden_dim: int = 16
    """Width of the perceptron's first layer; the second is half as wide."""
    epochs: int = 40
    """Passes over the users who like two items or more."""
    batch_size: int = 64
    """Users in a training step."""
    learning_rate: float = 0.01
    """Adam's learning rate at the start; it falls linearly to 0."""
    negatives: int = 512
    """Uniformly sampled items in a training step; all users of the step share them."""
    target_share: float = 0.4
    """Share of each history that the network predicts from the rest."""
    dropout: float = 0.5
    """Dropout rate of the mean of the history's vectors."""


class NcfNetwork(nn.Module):
    """The user tower, and both ways of combining a user with an item."""

    def __init__(self, n_items: int, config: NcfConfig) -> None:
        super().__init__()
        d, h = config.embedding_dim, config.hidden_dim
        self.history = nn.Parameter(torch.randn(n_items, d) / math.sqrt(d))
        self.items = nn.Parameter(torch.randn(n_items, d) / math.sqrt(d))
        self.bias = nn.Parameter(torch.zeros(n_items))
        self.tower = nn.Linear(d, d)
        self.product = nn.Parameter(torch.ones(d))
        self.user_layer = nn.Linear(d, h)
        self.item_layer = nn.Linear(d, h, bias=False)
        self.second_layer = nn.Linear(h, h // 2)
        self.output_layer = nn.Linear(h // 2, 1, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def users(self, histories: sp.csr_array) -> Tensor:
        """Users [b, d] from zeros and ones [b, n_items]."""
        pooled = self.dropout(mean_vectors(self.history, histories))
        users: Tensor = pooled + torch.tanh(self.tower(pooled))
        return users

    def scores(self, users: Tensor, items: Tensor) -> Tensor:
        """Float [b, n] of users [b, d] and item numbers [n]."""
        vectors = functional.embedding(items, self.items)
        linear = (users * self.product) @ vectors.T + self.bias[items]
        first = functional.relu(self.user_layer(users)[:, None, :] + self.item_layer(vectors)[None, :, :])
        perceptron: Tensor = self.output_layer(functional.relu(self.second_layer(first))).squeeze(-1)
        return linear + perceptron


def mean_vectors(table: Tensor, histories: sp.csr_array) -> Tensor:
    """The mean of the vectors of each row's items, float [b, d]; zeros for an empty row."""
    starts, items = (
        put(x.astype(np.int64), table.device) for x in (histories.indptr[:-1], histories.indices)
    )
    return functional.embedding_bag(items, table, starts, mode="mean")


@dataclass(frozen=True, eq=False)
class Ncf(NetworkScorer[NcfConfig, NcfNetwork]):
    """NeuMF (He et al. 2017) whose user is computed from the mean of the history's vectors."""

    name: ClassVar[str] = "ncf"
    grid: ClassVar[tuple[Any, ...]] = (NcfConfig(),)

    @override
    @classmethod
    def build(cls, n_items: int, config: NcfConfig) -> NcfNetwork:
        return NcfNetwork(n_items, config).to(sparse_device())

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: NcfConfig, seed: int = 0, report: Report = silent) -> Self:
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        network = cls.build(dataset.n_items, config)

        def losses() -> Iterator[Tensor]:
            return (_loss(network, batch, dataset.n_items) for batch in _batches(dataset.liked, config, rng))

        train(network, losses, config.epochs, config.learning_rate, cls.name, report)
        return cls(config, dataset.n_items, network.eval())

    @override
    @torch.no_grad()
    def score(self, histories: Histories) -> FloatArray:
        scores = np.zeros((len(histories), self.n_items), np.float32)
        items = torch.arange(self.n_items, device=self.network.bias.device)
        for start in range(0, len(histories), BLOCK):
            users = self.network.users(histories.matrix[start : start + BLOCK])
            scores[start : start + BLOCK] = self.network.scores(users, items).cpu().numpy()
        return scores


@dataclass(frozen=True, eq=False)
class Batch:
    """Some users: the visible part of their histories, and the targets in the hidden part."""

    visible: sp.csr_array
    """Zeros and ones [b, n_items]."""
    row: IntArray
    """The user of each target [targets]."""
    column: IntArray
    """Where in `items` each target is [targets]."""
    items: IntArray
    """The items that are scored, targets and negatives [n]."""
    negatives: IntArray
    """Where in `items` the negatives are [negatives]."""


def _batches(liked: sp.csr_array, config: NcfConfig, rng: np.random.Generator) -> Iterator[Batch]:
    users = rng.permutation(np.flatnonzero(np.diff(liked.indptr) > 1))
    for start in range(0, len(users), config.batch_size):
        part = liked[users[start : start + config.batch_size]]
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        hidden = rng.random(part.nnz) < config.target_share
        drawn = rng.integers(part.shape[1], size=config.negatives)
        items, column = np.unique(np.concatenate([part.indices[hidden], drawn]), return_inverse=True)
        ones = np.ones(int((~hidden).sum()), np.float32)
        visible = sp.csr_array((ones, (rows[~hidden], part.indices[~hidden])), part.shape)
        if hidden.any():
            yield Batch(visible, rows[hidden], column[: hidden.sum()], items, column[hidden.sum() :])


def _loss(network: NcfNetwork, batch: Batch, n_items: int) -> Tensor:
    """Mean over the targets of -log softmax against the target itself and the negatives."""
    where = network.history.device
    items, row, column, negatives = (
        put(x, where) for x in (batch.items, batch.row, batch.column, batch.negatives)
    )
    scores = network.scores(network.users(batch.visible), items)
    target = scores[row, column]
    # the factor n_items / negatives makes the sampled sum an unbiased estimate of that over all items
    rest = torch.logsumexp(scores[:, negatives], 1) + math.log(n_items / len(batch.negatives))
    return (torch.logaddexp(target, rest[row]) - target).mean()
