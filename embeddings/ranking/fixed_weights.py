"""The ranking without a learnt ranker: a weighted mean of standardized scores, for all items.

It serves where there are too few queries to learn a ranker from. The weights are those of `ScorerSpec`, or
weights that were shrunk to these (`embeddings/training/shrunk_weights.py`). Scores are standardized over all
items here, not over those with interactions: of these there may be none, or one, which has no deviation.
"""

from collections.abc import Collection, Mapping

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble, arcsinh, standardize, uniform_over
from embeddings.data.cold_items import METHODS
from embeddings.data.dataset import Histories
from kg.graph import FloatArray


def weighted_scores(
    histories: Histories, ensemble: ScorerEnsemble, weights: Mapping[str, float]
) -> dict[str, FloatArray]:
    """What each score column adds to the scores of some users, float32 [users, n_items] by column.

    The sum over the columns is the weighted mean of `comparable_columns`.
    """
    found, total = comparable_columns(histories, ensemble, weights), sum(weights.values())
    return {name: np.float32(weight / total) * found[name] for name, weight in weights.items()}


def comparable_columns(
    histories: Histories, ensemble: ScorerEnsemble, columns: Collection[str]
) -> dict[str, FloatArray]:
    """The arcsinh of the standardized scores of some columns, float32 [users, n_items] by column.

    Columns are scorers, or `NAME_ridge`. A column that gives all items the same score is 0.
    """
    n_items = len(ensemble.has_interactions)
    everything = uniform_over(np.ones(n_items, np.bool_))
    found: dict[str, FloatArray] = {}
    for name, scorer in ensemble.scorers.items():
        ridge = f"{name}_{METHODS[0]}"
        if name not in columns and ridge not in columns:
            continue
        scores = arcsinh(standardize(scorer.score(histories), everything))
        found[name] = scores
        if ridge in columns:
            own = scores[None]
            extrapolator = ensemble.extrapolator
            by_ridge = extrapolator.score_items(own, extrapolator.content_weights(own), np.arange(n_items))[0]
            found[ridge] = arcsinh(standardize(by_ridge, everything))
    return found


def summed(columns: Mapping[str, FloatArray]) -> FloatArray:
    """The scores, float32 of the columns' shape."""
    return np.asarray(np.sum(list(columns.values()), axis=0), np.float32)
