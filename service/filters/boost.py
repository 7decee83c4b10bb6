"""Items that a request ranks up or down by filters."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from embeddings.model.model import Scores
from embeddings.model.stated_preferences import deviation_of_best
from kg.graph import BoolArray, FloatArray, IntArray
from service.config import BoostConfig

BOOST = "boost"
"""The name of what boosts add among the contributions to a score."""


def boosted(scores: Scores, boosts: Sequence[tuple[BoolArray, float]], config: BoostConfig) -> Scores:
    """Scores with the weights of the boosts, bool [n_items] each, added for the items that these keep.

    No held-out events tell what probability such a score has.
    """
    own = scores.scores
    steps = np.zeros(len(own), np.float32)
    for mask, weight in boosts:
        steps[mask] += np.float32(weight)
    added = (config.scale * deviation_of_best(own, config.best_scores) * steps).astype(np.float32)

    def contributions(items: IntArray) -> dict[str, FloatArray]:
        return {**scores.contributions(items), BOOST: added[items]}

    return replace(scores, scores=own + added, contributions=contributions, calibrated=False)
