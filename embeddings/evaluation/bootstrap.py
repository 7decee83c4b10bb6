"""Confidence intervals of means over users: the percentile bootstrap (Efron 1979), by SciPy.

The ends of an interval are the order statistics nearest to the 2.5 and 97.5 percentiles of the resampled
statistic, so a ratio whose denominator is 0 in some resamples has an interval too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap

from kg.graph import FloatArray

Doubles = npt.NDArray[np.float64]

RESAMPLES = 2000
CELLS = 4_000_000
"""Resampled values that are held in memory at a time; results do not depend on it."""


@dataclass(frozen=True)
class Interval:
    """A value and the 95 % confidence interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One method against a baseline, over the same users."""

    baseline: str
    difference: Interval
    ratio: Interval
    """The ratio of the means."""


def mean_interval(values: FloatArray, seed: int = 0) -> Interval:
    """The mean of one value a user, with its interval; 0 without users."""
    return _interval(np.mean, (values,), seed)


def compare(values: FloatArray, baseline: FloatArray, name: str, seed: int = 0) -> Comparison:
    """Difference and ratio of two means, paired: each resample draws the same users for both.

    `values` and `baseline` have one value a user, in the same order. A ratio to 0 is infinite, or 1 where
    both are 0.
    """
    differences = np.subtract(values, baseline, dtype=np.float64)
    ratio = _interval(_ratio, (values, baseline), seed)
    return Comparison(name, _interval(np.mean, (differences,), seed), ratio)


def _interval(statistic: Callable[..., Any], samples: Sequence[FloatArray | Doubles], seed: int) -> Interval:
    """`statistic` takes as many float64 arrays, and `axis`: the users."""
    data = [np.asarray(x if len(x) else [0.0], np.float64) for x in samples]
    n, value = len(data[0]), float(statistic(*data, axis=-1))
    if n == 1:
        return Interval(value, value, value)
    rng, batch = np.random.default_rng(seed), max(1, CELLS // n)
    with np.errstate(invalid="ignore"):  # SciPy also interpolates percentiles, between infinite ratios too
        found = bootstrap(
            data,
            statistic,
            n_resamples=RESAMPLES,
            batch=batch,
            vectorized=True,
            paired=True,
            method="percentile",
            random_state=rng,
        )
    low, high = np.quantile(found.bootstrap_distribution, [0.025, 0.975], method="nearest")
    return Interval(value, float(low), float(high))


def _ratio(values: Doubles, baseline: Doubles, axis: int) -> Any:
    above, below = np.mean(values, axis), np.mean(baseline, axis)
    return np.divide(above, below, out=np.where(above == 0, 1.0, np.inf), where=below != 0)
