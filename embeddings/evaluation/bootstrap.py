"""Confidence intervals of means over users by the percentile bootstrap (Efron 1979) of SciPy.

The ends of an interval are the order statistics nearest to the 2.5 and 97.5 percentiles of the resampled
statistic. Without interpolation, a ratio has an interval even if its denominator is 0 in some resamples.
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
"""Maximum number of resampled values in memory at a time; results do not depend on it."""


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One method compared with a baseline on the same users."""

    baseline: str
    difference: Interval
    ratio: Interval
    """The ratio of the means."""


def mean_interval(values: FloatArray | Doubles, seed: int = 0) -> Interval:
    """Mean of the values, one per user, with its interval; 0 if there are no users."""
    return _interval(np.mean, (values,), seed)


def compare(
    values: FloatArray | Doubles, baseline: FloatArray | Doubles, name: str, seed: int = 0
) -> Comparison:
    """Difference and ratio of two means, paired: each resample draws the same users for both.

    `values` and `baseline` have one value per user, in the same order. The ratio is infinite if only the
    baseline is 0, and 1 if both means are 0.
    """
    differences = np.subtract(values, baseline, dtype=np.float64)
    ratio = _interval(_ratio, (values, baseline), seed)
    return Comparison(name, _interval(np.mean, (differences,), seed), ratio)


def _interval(statistic: Callable[..., Any], samples: Sequence[FloatArray | Doubles], seed: int) -> Interval:
    """Interval of `statistic`, which takes one float64 array per sample and `axis`, the axis of the users."""
    data = [np.asarray(x if len(x) else [0.0], np.float64) for x in samples]
    n, value = len(data[0]), float(statistic(*data, axis=-1))
    if n == 1:
        return Interval(value, value, value)
    rng, batch = np.random.default_rng(seed), max(1, CELLS // n)
    with np.errstate(invalid="ignore"):  # SciPy also interpolates percentiles: inf - inf is NaN
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
