"""How sure a mean over users is, by drawing the users again."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kg.graph import FloatArray

Doubles = npt.NDArray[np.float64]

RESAMPLES = 2000
CELLS = 4_000_000
"""How many counts are held at a time."""


@dataclass(frozen=True)
class Interval:
    """A value and the 95 % interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One method against a baseline, over the same users."""

    baseline: str
    difference: Interval
    ratio: Interval
    """Of the means."""


def mean_interval(values: FloatArray, seed: int = 0) -> Interval:
    """The mean of one value a user, with its percentile bootstrap interval (Efron 1979)."""
    means = resampled_means(values[:, None], seed)[:, 0]
    return _interval(_mean(values), means)


def compare(values: FloatArray, baseline: FloatArray, name: str, seed: int = 0) -> Comparison:
    """Difference and ratio of two means, paired: each resample draws the same users for both.

    `values` and `baseline` have one value a user, in the same order. A ratio to 0 is infinite, or 1 where
    both are 0.
    """
    means = resampled_means(np.stack([values, baseline], axis=1), seed)
    mine, theirs = _mean(values), _mean(baseline)
    difference = _interval(mine - theirs, means[:, 0] - means[:, 1])
    ratios = np.array([_ratio(a, b) for a, b in means])
    return Comparison(name, difference, _interval(_ratio(mine, theirs), ratios))


def resampled_means(values: FloatArray, seed: int, resamples: int = RESAMPLES) -> Doubles:
    """Means over users drawn with replacement, float64 [resamples, columns], of float [users, columns]."""
    if not len(values):
        return np.zeros((resamples, values.shape[1]))
    rows = [
        counts @ values.astype(np.float64) / len(values) for counts in _draws(len(values), seed, resamples)
    ]
    return np.concatenate(rows)


def _draws(n: int, seed: int, resamples: int) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """How often each of `n` users is drawn."""
    rng, step = np.random.default_rng(seed), max(1, CELLS // n)
    for start in range(0, resamples, step):
        yield rng.multinomial(n, np.full(n, 1 / n), size=min(step, resamples - start))


def _mean(values: FloatArray) -> float:
    return float(values.astype(np.float64).mean()) if len(values) else 0.0


def _ratio(a: float, b: float) -> float:
    if b:
        return float(a / b)
    return float("inf") if a else 1.0


def _interval(value: float, resampled: Doubles) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975], method="nearest")
    return Interval(value, float(low), float(high))
