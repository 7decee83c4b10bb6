"""Neural collaborative filtering whose user is the history (after He et al. 2017).

Two towers, one from the mean of the history's vectors and one of the item's own, meet twice: in an
elementwise product (the paper's GMF, equation 9) and in a perceptron over both (equation 10); the score is a
weighted sum of the two (NeuMF, equation 12). The paper learns a vector for each user; here a part of each
history must be found from the rest, so that users nobody has met are scored as known ones are. The loss is a
softmax over the found item and items drawn uniformly, corrected for how few are drawn (Bengio and Senécal
2008).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional

from embeddings.data.dataset import Dataset
from embeddings.graph.configs import NcfConfig
from embeddings.graph.device import put, sparse_device
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

STAGE = "ncf"


class Network(nn.Module):
    """Both towers and what they meet in."""

    def __init__(self, n_items: int, config: NcfConfig) -> None:
        super().__init__()
        d, h = config.embedding_dim, config.hidden
        self.history = nn.Parameter(torch.randn(n_items, d) / math.sqrt(d))
        self.items = nn.Parameter(torch.randn(n_items, d) / math.sqrt(d))
        self.bias = nn.Parameter(torch.zeros(n_items))
        self.tower = nn.Linear(d, d)
        self.product = nn.Parameter(torch.ones(d))
        self.of_user = nn.Linear(d, h)
        self.of_item = nn.Linear(d, h, bias=False)
        self.second = nn.Linear(h, h // 2)
        self.last = nn.Linear(h // 2, 1, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def users(self, pooled: Tensor) -> Tensor:
        """From the mean of histories [b, d] to users [b, d]."""
        pooled = self.dropout(pooled)
        return pooled + torch.tanh(self.tower(pooled))

    def scores(self, users: Tensor, items: Tensor) -> Tensor:
        """Users [b, d] and item numbers [n]: float [b, n]."""
        vectors = functional.embedding(items, self.items)
        linear = (users * self.product) @ vectors.T + self.bias[items]
        first = functional.relu(self.of_user(users)[:, None, :] + self.of_item(vectors)[None, :, :])
        result: Tensor = linear + self.last(functional.relu(self.second(first))).squeeze(-1)
        return result


@dataclass(frozen=True, eq=False)
class _Step:
    """Some users: what they show, and what is to be found, as rows and places among `items`."""

    shown: sp.csr_array
    row: IntArray
    place: IntArray
    items: IntArray
    drawn: IntArray
    """Which of `items` were drawn, as places."""


def train_ncf(
    dataset: Dataset, config: NcfConfig, seed: int = 0, report: Report = silent
) -> dict[str, FloatArray]:
    """Every learnt array by its name in `Network`, float32."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network(dataset.n_items, config).to(sparse_device())
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate)
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        for step in _steps(dataset.liked, config, rng):
            optimiser.zero_grad()
            _loss(network, step, dataset.n_items).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    return {name: x.detach().cpu().numpy() for name, x in network.state_dict().items()}


def _steps(liked: sp.csr_array, config: NcfConfig, rng: np.random.Generator) -> Iterator[_Step]:
    users = rng.permutation(np.flatnonzero(np.diff(liked.indptr) > 1))
    for start in range(0, len(users), config.batch_size):
        part = liked[users[start : start + config.batch_size]]
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        hidden = rng.random(part.nnz) < config.hidden_share
        drawn = rng.integers(part.shape[1], size=config.negatives)
        items, place = np.unique(np.concatenate([part.indices[hidden], drawn]), return_inverse=True)
        shown = sp.csr_array(
            (np.ones(int((~hidden).sum()), np.float32), (rows[~hidden], part.indices[~hidden])), part.shape
        )
        if hidden.any():
            yield _Step(shown, rows[hidden], place[: hidden.sum()], items, place[hidden.sum() :])


def _loss(network: Network, step: _Step, n_items: int) -> Tensor:
    """Mean over what is to be found of -log softmax against itself and what was drawn."""
    where = network.history.device
    items, row, place, drawn = (put(x, where) for x in (step.items, step.row, step.place, step.drawn))
    scores = network.scores(network.users(pooled(network.history, step.shown)), items)
    right = scores[row, place]
    # as many as there are, by as many as were drawn: the sum over all items, without bias
    rest = torch.logsumexp(scores[:, drawn], 1) + math.log(n_items / len(step.drawn))
    return (torch.logaddexp(right, rest[row]) - right).mean()


def pooled(table: Tensor, shown: sp.csr_array) -> Tensor:
    """The mean of each row's items; zeros where there are none."""
    starts, items = (put(x.astype(np.int64), table.device) for x in (shown.indptr[:-1], shown.indices))
    return functional.embedding_bag(items, table, starts, mode="mean")
