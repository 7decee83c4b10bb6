"""LightGCN: graph convolution over who liked what, and nothing else (He et al. 2020, "LightGCN").

Users and items have vectors, which neighbours average layer by layer without weights (equation 3); what is
scored is the mean over layers (equation 4), learnt by Bayesian personalised ranking (equation 15).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from embeddings.data.dataset import Dataset
from embeddings.graph.configs import LightGcnConfig
from embeddings.graph.device import put, sparse_device
from embeddings.graph.propagation import Propagation, through_users
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

STAGE = "lightgcn"


def train_lightgcn(
    dataset: Dataset, config: LightGcnConfig, seed: int = 0, report: Report = silent
) -> tuple[FloatArray, FloatArray]:
    """What scores items and what a history is pooled from, float32 [n_items, d] both.

    The first is the mean over all layers; the second the sum of all layers but the last, divided by their
    number with the last: propagated to a user it is that user's mean over layers, short of the user's own
    learnt vector.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    users, items = (
        (torch.randn(n, config.embedding_dim, generator=generator) * 0.1).to(sparse_device()).requires_grad_()
        for n in (dataset.n_users, dataset.n_items)
    )
    to_users, to_items = through_users(dataset.liked)
    pairs = np.stack([x.astype(np.int64) for x in dataset.liked.tocoo().coords], axis=1)
    optimiser = torch.optim.Adam([users, items], lr=config.learning_rate)
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        order = rng.permutation(len(pairs))
        for start in range(0, len(order), config.batch_size):
            batch = pairs[order[start : start + config.batch_size]]
            wrong = rng.integers(dataset.n_items, size=(len(batch), config.negatives))
            of_users, of_items = propagate(users, items, to_users, to_items, config.layers)
            loss = _ranking_loss(_mean(of_users), _mean(of_items), batch, wrong)
            loss = loss + config.regularisation * _size(users, items, batch, wrong)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    with torch.no_grad():
        _, of_items = propagate(users, items, to_users, to_items, config.layers)
        pooled = torch.stack(of_items[:-1] or of_items).sum(0) / (config.layers + 1)
        return _mean(of_items).cpu().numpy(), pooled.cpu().numpy()


def propagate(
    users: Tensor, items: Tensor, to_users: Propagation, to_items: Propagation, layers: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Vectors of users and of items, one tensor a layer, the learnt ones first."""
    of_users, of_items = [users], [items]
    for _ in range(layers):
        users, items = to_users(items), to_items(users)
        of_users.append(users)
        of_items.append(items)
    return of_users, of_items


def _mean(layers: list[Tensor]) -> Tensor:
    return torch.stack(layers).mean(0)


def _ranking_loss(users: Tensor, items: Tensor, pairs: IntArray, wrong: IntArray) -> Tensor:
    """Mean of -log sigmoid(score of the liked - score of a drawn one) (Rendle et al. 2009)."""
    user, liked, drawn = (put(x, users.device) for x in (pairs[:, 0], pairs[:, 1], wrong))
    asking = functional.embedding(user, users)
    right = (asking * functional.embedding(liked, items)).sum(1, keepdim=True)
    others = torch.einsum("bd,bnd->bn", asking, functional.embedding(drawn, items))
    return functional.softplus(others - right).mean()


def _size(users: Tensor, items: Tensor, pairs: IntArray, wrong: IntArray) -> Tensor:
    """Half the squared length of the learnt vectors of a batch, a mean over its pairs."""
    user, liked, drawn = (put(x, users.device) for x in (pairs[:, 0], pairs[:, 1], wrong))
    rows = ((users, user, 1), (items, liked, 1), (items, drawn, wrong.shape[1]))
    squares = [(functional.embedding(of, table) ** 2).sum() / times for table, of, times in rows]
    return torch.stack(squares).sum() / (2 * len(pairs))
