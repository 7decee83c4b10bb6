"""Scores on a common scale."""

from typing import Any

import numpy as np

from kg.graph import Float64Array


def standard_scores(values: Any) -> Float64Array:
    """Values less their mean, by their standard deviation, float64; zeros where all are equal."""
    values = np.asarray(values, np.float64)
    if not len(values):
        return np.zeros(0)
    deviation = float(values.std())
    return np.zeros(len(values)) if deviation <= 1e-9 else np.asarray((values - values.mean()) / deviation)
