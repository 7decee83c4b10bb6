"""The linear ranker: a weighted sum of scores, with weights that change with the length of the history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import fmin_l_bfgs_b

from embeddings.candidates.ensemble import arcsinh
from embeddings.data.files import Array
from embeddings.ranking.groups import RankingGroup
from embeddings.ranking.listwise import Queries, listwise_loss
from kg.graph import Float64Array, FloatArray

HISTORY_LENGTH = "log_history_length"


@dataclass(frozen=True)
class LinearConfig:
    """How the weights are fitted."""

    penalty: float = 5.0
    """L2 penalty of a weight's distance from its prior, beside a loss that is summed over the queries: with
    few queries the prior ranks."""
    iterations: int = 200
    """At most this many iterations of L-BFGS."""


@dataclass(frozen=True, eq=False)
class LinearRanker:
    """score = sum over columns c of (w_c + v_c (l - m)) arcsinh(x_c), l = log(1 + history length).

    The loss is `listwise_loss`. It is convex, so no seed is needed.
    """

    columns: tuple[str, ...]
    weights: FloatArray
    """w [columns]."""
    slopes: FloatArray
    """v [columns]."""
    mean_length: float
    """m, the mean of l over the queries."""

    @classmethod
    def prior(cls, weights: Mapping[str, float]) -> Self:
        """The ranker before it learnt: weights by column, divided by their sum; if all are 0, equal ones."""
        given = np.array(list(weights.values())) if any(weights.values()) else np.ones(len(weights))
        nothing = np.zeros(len(weights), np.float32)
        return cls(tuple(weights), (given / given.sum()).astype(np.float32), nothing, 0.0)

    @classmethod
    def fit(
        cls,
        features: Sequence[str],
        groups: Sequence[RankingGroup],
        config: LinearConfig,
        prior: Mapping[str, float],
    ) -> Self:
        """Fit the weights of the columns of `prior`; without a relevant candidate they are the prior."""
        useful = [group.select_rows(np.ones(len(group.relevant), np.bool_)) for group in groups]
        useful = [group for group in useful if len(group.relevant)]
        unfitted = cls.prior(prior)
        if not useful:
            return unfitted
        columns, expected = unfitted.columns, unfitted.weights.astype(np.float64)
        sizes = np.concatenate([group.sizes for group in useful])
        starts = np.cumsum(sizes) - sizes
        length = np.concatenate([group.values[:, features.index(HISTORY_LENGTH)] for group in useful])
        mean_length = float(length[starts].mean())
        scores = np.concatenate([_scores(group.values, features, columns) for group in useful])
        design = np.concatenate([scores, scores * (length - np.float32(mean_length))[:, None]], axis=1)
        relevant = np.concatenate([group.relevant for group in useful])
        both = np.concatenate([expected, np.zeros(len(columns))])
        found = _minimum(Queries(design, relevant, sizes), both, config).astype(np.float32)
        return cls(columns, found[: len(columns)], found[len(columns) :], mean_length)

    def contributions(self, values: FloatArray, features: Sequence[str]) -> FloatArray:
        """What each column adds to the scores of rows [n, features], float32 [n, columns]."""
        length = values[:, features.index(HISTORY_LENGTH)] - np.float32(self.mean_length)
        weights = self.weights + length[:, None] * self.slopes
        return np.asarray(weights * _scores(values, features, self.columns), np.float32)

    def score(self, values: FloatArray, features: Sequence[str]) -> FloatArray:
        """Scores of rows [n, features], float32 [n]."""
        return np.asarray(self.contributions(values, features).sum(axis=1), np.float32)

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        return {
            "columns": np.frombuffer("\n".join(self.columns).encode(), np.uint8),
            "weights": self.weights,
            "slopes": self.slopes,
            "mean_length": np.array(self.mean_length),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The one whose `arrays()` these are."""
        columns = tuple(arrays["columns"].tobytes().decode().split("\n"))
        return cls(columns, arrays["weights"], arrays["slopes"], float(arrays["mean_length"]))


def _scores(values: FloatArray, features: Sequence[str], columns: Sequence[str]) -> FloatArray:
    return arcsinh(values[:, [features.index(name) for name in columns]])


def _minimum(queries: Queries, prior: Float64Array, config: LinearConfig) -> Float64Array:
    """The weights of the least penalised loss."""
    unpenalised = listwise_loss(queries)

    def loss(weights: Float64Array) -> tuple[float, Float64Array]:
        value, gradient = unpenalised(weights)
        apart = weights - prior
        return value + config.penalty / 2 * float(apart @ apart), gradient + config.penalty * apart

    return np.asarray(fmin_l_bfgs_b(loss, prior, maxiter=config.iterations)[0])
