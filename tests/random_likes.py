"""A dataset of random likes, for comparisons with slow references."""

import numpy as np

from embeddings.data.dataset import Dataset
from kg.graph import Interactions, Triples


def random_dataset(n_users: int, n_items: int, seed: int = 5) -> Dataset:
    """Each user likes each item with probability 0.3; there are no facts and no texts."""
    user, item = np.nonzero(np.random.default_rng(seed).random((n_users, n_items)) < 0.3)
    n = len(user)
    events = Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        np.ones(n, np.float32),
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int8),
        np.ones(n, np.bool_),
    )
    none = Triples(*(np.zeros(0, np.int32) for _ in range(3)))
    return Dataset(n_users, n_items, n_items, events, none, (), np.zeros((n_items, 2), np.float32))
