"""The listwise softmax loss of a weighted sum of columns, and weights >= 0 that minimise it.

The loss of a query is the cross-entropy of the softmax over its candidates with its relevant ones, which are
equally likely (ListNet's top-one loss, Cao et al. 2007). It is convex in the weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from kg.graph import BoolArray, Float64Array, FloatArray, IntArray

Loss = Callable[[Float64Array], tuple[float, Float64Array]]
"""Maps weights [columns] to the loss, summed over the queries, and its gradient [columns]."""


@dataclass(frozen=True, eq=False)
class Queries:
    """The candidates of some queries, one query after the other; each query has a relevant candidate."""

    scores: FloatArray
    """[rows, columns]"""
    relevant: BoolArray
    """[rows]"""
    sizes: IntArray
    """Rows a query."""

    def __len__(self) -> int:
        return len(self.sizes)


def listwise_loss(queries: Queries) -> Loss:
    """The loss as a function of the weights of the columns."""
    sizes, scores = queries.sizes, queries.scores
    starts = np.cumsum(sizes) - sizes
    relevant = queries.relevant.astype(np.float64)
    wanted = relevant / np.repeat(np.add.reduceat(relevant, starts), sizes)

    def loss(weights: Float64Array) -> tuple[float, Float64Array]:
        summed = (scores @ weights.astype(np.float32)).astype(np.float64)
        summed -= np.repeat(np.maximum.reduceat(summed, starts), sizes)
        exponential = np.exp(summed)
        total = np.add.reduceat(exponential, starts)
        surplus = exponential / np.repeat(total, sizes) - wanted
        gradient = (surplus.astype(np.float32) @ scores).astype(np.float64)
        return float(np.log(total).sum() - wanted @ summed), gradient

    return loss


def joined(parts: Sequence[Queries]) -> Queries:
    """All queries of some parts, of which there is at least one."""
    return Queries(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.relevant for part in parts]),
        np.concatenate([part.sizes for part in parts]),
    )


def convex_weights(
    queries: Queries, prior: Float64Array | None = None, penalty: float = 0.0, iterations: int = 200
) -> Float64Array:
    """Weights >= 0 of sum 1, float64 [columns], of the convex combination that fits the queries best.

    The softmax's temperature is fitted with them. `penalty` is the L2 penalty of their distance from `prior`,
    beside a loss that is summed over the queries, so that with few queries the prior counts most. Starting
    from the prior, the penalised loss never exceeds the loss of the prior at its own best temperature.
    Weights >= 0 are those of stacked regressions (Breiman 1996); L-BFGS-B keeps to the bound.
    """
    columns = queries.scores.shape[1]
    given = np.full(columns, 1 / columns) if prior is None else prior / prior.sum()
    if not len(queries):
        return given
    factor = np.float32(sharpness(queries, given, iterations))
    scaled = Queries(queries.scores * factor, queries.relevant, queries.sizes)
    unpenalised = listwise_loss(scaled)

    def loss(weights: Float64Array) -> tuple[float, Float64Array]:
        value, gradient = unpenalised(weights)
        apart = weights - given
        return value + penalty / 2 * float(apart @ apart), gradient + penalty * apart

    found = _minimum(loss, given, iterations)
    return found / found.sum() if found.any() else given


def sharpness(queries: Queries, weights: Float64Array, iterations: int = 200) -> float:
    """The factor of a weighted sum, the inverse of the temperature, that fits the queries best."""
    column = (queries.scores @ weights.astype(np.float32))[:, None]
    found = _minimum(listwise_loss(Queries(column, queries.relevant, queries.sizes)), np.ones(1), iterations)
    return max(float(found[0]), 1e-3)


def _minimum(loss: Loss, start: Float64Array, iterations: int) -> Float64Array:
    bounds = [(0.0, None)] * len(start)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations})
    return np.asarray(found.x, np.float64)
