"""Matrix factorisation for implicit feedback with biases of users and items."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.scorers.als import Als, AlsConfig, initial_vectors, solve_rows
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True, eq=False)
class BiasedAls(Scorer[AlsConfig]):
    """score = m + b_u + b_i + p_u . q_i (Koren, Bell, Volinsky 2009, equation 4), over all pairs as `Als`.

    m is the share of pairs that are liked. Each item has a constant 1 as the factor that a user's bias
    multiplies, and each user one for an item's bias, so that each side is one least-squares problem.
    """

    name: ClassVar[str] = "biased_als"
    grid: ClassVar[tuple[Any, ...]] = Als.grid

    factors: FloatArray
    """q, then 1 [n_items, factors + 1]"""
    bias: FloatArray
    """m + b_i [n_items]"""
    gram: FloatArray
    """factors' factors + regularisation [factors + 1, factors + 1]"""
    weight: float

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: AlsConfig, seed: int = 0, report: Report = silent) -> Self:
        rng, by_user = np.random.default_rng(seed), dataset.liked
        by_item = by_user.T.tocsr()
        mean = np.float32(by_user.nnz / max(dataset.n_users * dataset.n_items, 1))
        users, items = (initial_vectors(n, config.factors + 1, config, rng) for n in by_user.shape)
        for done in range(config.iterations):
            users = solve_rows(by_user, _with_one(items), users, config, offset=mean + items[:, -1])
            items = solve_rows(by_item, _with_one(users), items, config, offset=mean + users[:, -1])
            report(cls.name, done + 1, config.iterations)
        factors = _with_one(items)
        penalty = np.float32(config.regularisation) * np.eye(config.factors + 1, dtype=np.float32)
        return cls(factors, mean + items[:, -1], factors.T @ factors + penalty, config.weight)

    @override
    def score(self, histories: Histories) -> FloatArray:
        users = np.zeros((len(histories), self.factors.shape[1]), np.float32)
        of_bias, extra = self.bias @ self.factors, np.float32(self.weight - 1.0)
        for user in range(len(histories)):
            liked = np.unique(histories[user])
            factors = self.factors[liked]
            target = (np.float32(self.weight) - extra * self.bias[liked]) @ factors - of_bias
            users[user] = np.linalg.solve(self.gram + extra * (factors.T @ factors), target)
        return np.asarray(users @ self.factors.T + self.bias, np.float32)


def _with_one(learnt: FloatArray) -> FloatArray:
    """The factors, with a constant 1 in place of the bias, which is the last column."""
    return np.concatenate([learnt[:, :-1], np.ones((len(learnt), 1), np.float32)], axis=1)
