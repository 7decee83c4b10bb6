"""How well probabilities agree with what happened: reliability, expected calibration error, Brier score."""

from dataclasses import dataclass

import numpy as np

from kg.graph import Float64Array

BINS = 10
"""Into how many bins recommendations are put, of equally many each (Nguyen & O'Connor 2015)."""


@dataclass(frozen=True)
class Reliability:
    """Recommendations in bins by their probability, ascending."""

    counts: tuple[int, ...]
    """How many are in each bin."""
    predicted: tuple[float, ...]
    """The mean probability of each bin."""
    observed: tuple[float, ...]
    """The mean outcome of each bin."""
    ece: float
    """The expected calibration error: the mean of |predicted - observed|, weighted by the counts."""
    brier: float
    """The mean squared difference of probability and outcome."""


def reliability(probabilities: Float64Array, outcomes: Float64Array, bins: int = BINS) -> Reliability:
    """Of recommendations [n], at least one; an outcome is 0, 1, or how often a 1 is expected."""
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    counts = [len(part) for part in parts]
    predicted, observed = ([float(x[part].mean()) for part in parts] for x in (probabilities, outcomes))
    ece = np.average(np.abs(np.subtract(predicted, observed)), weights=counts)
    squares = outcomes * (1 - probabilities) ** 2 + (1 - outcomes) * probabilities**2
    return Reliability(tuple(counts), tuple(predicted), tuple(observed), float(ece), float(squares.mean()))
