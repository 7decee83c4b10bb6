"""Of the items without interactions: how many are new, and how many has nobody chosen so far?

Both look the same in the events, where neither occurs. But an old item without interactions is unpopular, and
its content (text, facts and their number) tells in part how popular an item is. So popularity is predicted
from content, and the predictions for items without interactions are compared with those for items with
interactions, and for items with exactly one.
"""

from dataclasses import dataclass

import numpy as np

from embeddings.data.dataset import Dataset
from kg.graph import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class NewItemShareConfig:
    """How the share of new items is estimated."""

    parts: int = 5
    """Cross-fitting: each item's popularity is predicted from the items of the other parts."""
    regularisation: float = 30.0
    """The penalty of the ridge regression of popularity on content."""
    prior_deviation: float = 0.5
    """Standard deviation of the prior of the share, whose mean is 1/2."""


def new_item_share(dataset: Dataset, config: NewItemShareConfig, seed: int = 0) -> float:
    """The share of new items among those without interactions, 0..1; 0 where every item has interactions.

    With the mean predictions m of items without interactions, o of items with one event and a of all items
    with events, the share is (m - o) / (a - o): items without interactions are taken as a mixture of the
    other two. It is shrunk towards 1/2 by its variance (normal approximation); where content says nothing of
    popularity it is 1/2.
    """
    events = np.bincount(dataset.events.item, minlength=dataset.n_items)
    without, once = events == 0, events == 1
    if not without.any() or not once.any():
        return 0.5 if without.any() else 0.0
    popularity = np.log1p(events).astype(np.float32)
    predicted = _predicted_popularity(dataset, popularity, ~without, config, seed)
    (m, m_variance), (o, o_variance), (a, a_variance) = (
        _mean_and_variance(predicted[some]) for some in (without, once, ~without)
    )
    apart = a - o
    if apart <= 0:
        return 0.5
    share = (m - o) / apart
    variance = (m_variance + (1 - share) ** 2 * o_variance + share**2 * a_variance) / apart**2
    prior_variance = config.prior_deviation**2
    weight = prior_variance / (prior_variance + variance)
    return float(np.clip(weight * share + (1 - weight) * 0.5, 0.0, 1.0))


def _mean_and_variance(values: FloatArray) -> tuple[float, float]:
    """The mean, and the variance of the mean."""
    return float(values.mean()), float(values.var() / len(values))


def _predicted_popularity(
    dataset: Dataset, popularity: FloatArray, known: BoolArray, config: NewItemShareConfig, seed: int
) -> FloatArray:
    """Each item's popularity by ridge regression on content, from known items of other parts [n_items]."""
    facts = np.log1p(dataset.content.fact_counts)[:, None]
    features = dataset.content.text_and_facts
    x = np.concatenate([features, facts, np.ones_like(facts)], axis=1, dtype=np.float32)
    part: IntArray = np.random.default_rng(seed).integers(0, config.parts, dataset.n_items)
    predicted = np.zeros(dataset.n_items, np.float32)
    for own in range(config.parts):
        train = known & (part != own)
        gram = x[train].T @ x[train]
        gram[np.diag_indices_from(gram)] += config.regularisation
        weights = np.linalg.solve(gram, x[train].T @ popularity[train])
        predicted[part == own] = x[part == own] @ weights
    return predicted
