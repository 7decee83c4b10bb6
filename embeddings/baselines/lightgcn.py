"""LightGCN: graph convolution over who liked what, and nothing else (He et al. 2020).

Users and items have vectors, which neighbours average layer by layer without weights (equation 3). The final
vector is the mean over layers (equation 4). The loss is Bayesian personalised ranking (equation 15).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import functional
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.device import put, sparse_device
from embeddings.graph.propagation import Propagation, through_users
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class LightGcnConfig:
    """Network and training; the defaults were chosen on the validation events of a film data set."""

    embedding_dim: int = 64
    """Length of the vectors of users and items."""
    layers: int = 2
    """How many times neighbours are averaged."""
    epochs: int = 100
    """Passes over all liked pairs."""
    learning_rate: float = 0.02
    """Adam's learning rate at the start; it falls linearly to 0."""
    batch_size: int = 8192
    """Liked pairs in a training step."""
    negatives: int = 4
    """Uniformly sampled items for each pair; the paper samples 1."""
    regularisation: float = 1e-4
    """Weight of the squared length of a batch's learnt vectors."""
    initializer_range: float = 0.1
    """Standard deviation of the initial vectors."""


@dataclass(frozen=True, eq=False)
class LightGcn(Scorer[LightGcnConfig]):
    """Graph convolution over likes alone (He et al. 2020).

    A user is one propagation from the items of the history. This is the paper's user without the vector that
    is learnt for that user alone, so that unseen users are scored as known ones are.
    """

    name: ClassVar[str] = "lightgcn"
    grid: ClassVar[tuple[Any, ...]] = (LightGcnConfig(),)

    vectors: FloatArray
    """Items as they are scored [n_items, d]."""
    history_vectors: FloatArray
    """Items as part of a history, by the root of their degree [n_items, d]; 0 for items without likes."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: LightGcnConfig, seed: int = 0, report: Report = silent) -> Self:
        vectors, history_vectors = train(dataset, config, seed, report)
        degrees = dataset.degrees[:, None]
        scale = np.where(degrees, 1 / np.sqrt(np.maximum(degrees, 1)), 0.0).astype(np.float32)
        return cls(vectors, history_vectors * scale)

    @override
    def score(self, histories: Histories) -> FloatArray:
        root = np.sqrt(np.maximum(np.diff(histories.matrix.indptr), 1)).astype(np.float32)
        users = sp.csr_array(sp.diags_array(1 / root) @ histories.matrix) @ self.history_vectors
        return np.asarray(users @ self.vectors.T, np.float32)


def train(
    dataset: Dataset, config: LightGcnConfig, seed: int = 0, report: Report = silent
) -> tuple[FloatArray, FloatArray]:
    """Items as they are scored and as part of a history, float32 [n_items, d] both.

    The first is the mean over all layers. The second is the sum of all layers but the last, divided by their
    number with the last: propagated to a user it is that user's mean over layers, without the vector learnt
    for the user.
    """
    rng = np.random.default_rng(seed)
    users, items = _initial_vectors(dataset, config, seed)
    to_users, to_items = through_users(dataset.liked)
    optimiser = torch.optim.Adam([users, items], lr=config.learning_rate)
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        for pairs, negatives in _batches(dataset.liked, config, rng):
            user_layers, item_layers = propagate(users, items, to_users, to_items, config.layers)
            loss = _ranking_loss(_mean(user_layers), _mean(item_layers), pairs, negatives)
            loss = loss + config.regularisation * _penalty(users, items, pairs, negatives)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(LightGcn.name, epoch + 1, config.epochs)
    with torch.no_grad():
        _, item_layers = propagate(users, items, to_users, to_items, config.layers)
        of_history = torch.stack(item_layers[:-1] or item_layers).sum(0) / (config.layers + 1)
        return _mean(item_layers).cpu().numpy(), of_history.cpu().numpy()


def _initial_vectors(dataset: Dataset, config: LightGcnConfig, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    users, items = (
        torch.randn(n, config.embedding_dim, generator=generator) * config.initializer_range
        for n in (dataset.n_users, dataset.n_items)
    )
    return users.to(sparse_device()).requires_grad_(), items.to(sparse_device()).requires_grad_()


def _batches(
    liked: sp.csr_array, config: LightGcnConfig, rng: np.random.Generator
) -> Iterator[tuple[IntArray, IntArray]]:
    """Liked pairs [b, 2] and negatives [b, negatives] of each training step."""
    pairs = np.stack([x.astype(np.int64) for x in liked.tocoo().coords], axis=1)
    order = rng.permutation(len(pairs))
    for start in range(0, len(order), config.batch_size):
        batch = pairs[order[start : start + config.batch_size]]
        yield batch, rng.integers(liked.shape[1], size=(len(batch), config.negatives))


def propagate(
    users: Tensor, items: Tensor, to_users: Propagation, to_items: Propagation, layers: int
) -> tuple[list[Tensor], list[Tensor]]:
    """The vectors of users and of items after each layer; the learnt ones come first."""
    user_layers, item_layers = [users], [items]
    for _ in range(layers):
        users, items = to_users(items), to_items(users)
        user_layers.append(users)
        item_layers.append(items)
    return user_layers, item_layers


def _mean(layers: list[Tensor]) -> Tensor:
    return torch.stack(layers).mean(0)


def _ranking_loss(users: Tensor, items: Tensor, pairs: IntArray, negatives: IntArray) -> Tensor:
    """Mean of -log sigmoid(score of the liked item - score of a negative) (Rendle et al. 2009)."""
    user, liked, negative = (put(x, users.device) for x in (pairs[:, 0], pairs[:, 1], negatives))
    vectors = functional.embedding(user, users)
    positive_scores = (vectors * functional.embedding(liked, items)).sum(1, keepdim=True)
    negative_scores = torch.einsum("bd,bnd->bn", vectors, functional.embedding(negative, items))
    return functional.softplus(negative_scores - positive_scores).mean()


def _penalty(users: Tensor, items: Tensor, pairs: IntArray, negatives: IntArray) -> Tensor:
    """Half the squared length of the learnt vectors of a batch, a mean over its pairs."""
    user, liked, negative = (put(x, users.device) for x in (pairs[:, 0], pairs[:, 1], negatives))
    rows = ((users, user, 1), (items, liked, 1), (items, negative, negatives.shape[1]))
    squares = [(functional.embedding(of, table) ** 2).sum() / times for table, of, times in rows]
    return torch.stack(squares).sum() / (2 * len(pairs))
