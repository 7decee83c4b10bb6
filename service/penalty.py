"""What a request rejects, taken out of the list or ranked down."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from embeddings.model.model import Scores
from embeddings.model.stated_preferences import deviation_of_best
from kg.graph import BoolArray, FloatArray, GraphSnapshot, IntArray
from service.config import RejectionConfig

REJECTED = "rejected"
"""The name of the penalty among the contributions to a score."""


def items_with(snapshot: GraphSnapshot, nodes: Sequence[int]) -> BoolArray:
    """The items among the nodes, and those that a fact joins to an entity among them, bool [n_items]."""
    found = np.zeros(snapshot.n_items, bool)
    own = np.array(nodes, np.int64)
    found[own[own < snapshot.n_items]] = True
    entities = own[own >= snapshot.n_items]
    if len(entities):
        facts = snapshot.triples
        for near, far in ((facts.head, facts.tail), (facts.tail, facts.head)):
            joined = near[np.isin(far, entities)]
            found[joined[joined < snapshot.n_items]] = True
    return found


def ranked_down(
    scores: Scores, cosines: Sequence[FloatArray], meant: BoolArray, config: RejectionConfig
) -> Scores:
    """Scores less a penalty for items near to a rejected clause; the penalty is one of the contributions.

    `cosines` has one float32 [n_items] a clause. The penalty of an item is that of the clause nearest to it.
    No held-out events tell what probability such a score has.
    """
    own = scores.scores
    unit = config.scale * deviation_of_best(own, config.best_scores)
    steps = np.where(meant, np.float32(config.meant), np.float32(0))
    for cosine in cosines:
        steps = np.maximum(steps, config.weight * (_standardized(cosine) - config.tolerated))
    penalty = (-unit * steps).astype(np.float32)

    def contributions(items: IntArray) -> dict[str, FloatArray]:
        return {**scores.contributions(items), REJECTED: penalty[items]}

    return replace(scores, scores=own + penalty, contributions=contributions, calibrated=False)


def _standardized(values: FloatArray) -> FloatArray:
    deviation = float(values.std())
    return (values - values.mean()) / deviation if deviation > 1e-9 else np.zeros_like(values)
