"""The ranking without a learnt ranker: the mean of standardized scores by fixed weights, for all items.

It serves where there are too few queries to learn from. Scores are standardized over all items here, not over
those with interactions: of these there may be none, or one, which has no deviation.
"""

from collections.abc import Mapping

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble, arcsinh, standardize
from embeddings.candidates.specs import fixed_weights
from embeddings.data.cold_items import METHODS
from embeddings.data.dataset import Histories
from kg.graph import FloatArray


def fixed_weight_scores(histories: Histories, ensemble: ScorerEnsemble) -> dict[str, FloatArray]:
    """What each score column adds to the scores of some users, float32 [users, n_items] by column.

    The sum over the columns is the weighted mean of the arcsinh of the standardized scores. The weights are
    those of `ScorerSpec`. A column that gives all items the same score adds 0.
    """
    weights = fixed_weights(ensemble.specs)
    n_items = len(ensemble.has_interactions)
    everything = np.ones(n_items, np.bool_)
    found: dict[str, FloatArray] = {}
    for name, scorer in ensemble.scorers.items():
        ridge = f"{name}_{METHODS[0]}"
        if not {name, ridge} & set(weights):
            continue
        scores = arcsinh(standardize(scorer.score(histories), everything))
        found[name] = scores
        if ridge in weights:
            own = scores[None]
            extrapolator = ensemble.extrapolator
            by_ridge = extrapolator.score_items(own, extrapolator.content_weights(own), np.arange(n_items))[0]
            found[ridge] = arcsinh(standardize(by_ridge, everything))
    total = sum(weights.values())
    return {name: np.float32(weight / total) * found[name] for name, weight in weights.items()}


def summed(columns: Mapping[str, FloatArray]) -> FloatArray:
    """The scores, float32 of the columns' shape."""
    return np.asarray(np.sum(list(columns.values()), axis=0), np.float32)
