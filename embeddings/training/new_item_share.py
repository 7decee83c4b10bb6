"""Who are the items that nobody has met: newcomers, or what was there and left over?

Both look the same in the events, where neither is. But what is left over is unpopular, and looks it:
content (text, facts and how many of them) tells in part how popular an item is. So popularity is guessed
from content, and the guess for items that nobody has met is held against those for items met, and for items
met just once.
"""

import numpy as np

from embeddings.data.dataset import Dataset
from kg.graph import BoolArray, FloatArray, IntArray

PARTS = 5
"""Each item's popularity is guessed from items of the other parts."""
RIDGE = 30.0
DOUBT = 0.5
"""Before anything is known the share is 1/2, give or take as much."""


def new_item_share(dataset: Dataset, seed: int = 0) -> float:
    """The share of newcomers among items that nobody has met, 0..1; 0 where there is none.

    With m the mean guess for unmet items, o for items met once and a for all items met, the share is
    (m - o) / (a - o): unmet items are taken as a mixture of the two. The less sure that is (a normal
    approximation; where content tells nothing of popularity, not at all), the nearer to 1/2.
    """
    events = np.bincount(dataset.events.item, minlength=dataset.n_items)
    unmet, once = events == 0, events == 1
    if not unmet.any() or not once.any():
        return 0.5 if unmet.any() else 0.0
    guess = _guessed(dataset, np.log1p(events).astype(np.float32), ~unmet, seed)
    (m, m_error), (o, o_error), (a, a_error) = (_mean(guess[some]) for some in (unmet, once, ~unmet))
    apart = a - o
    if apart <= 0:
        return 0.5
    share = (m - o) / apart
    variance = (m_error + (1 - share) ** 2 * o_error + share**2 * a_error) / apart**2
    sure = DOUBT**2 / (DOUBT**2 + variance)
    return float(np.clip(sure * share + (1 - sure) * 0.5, 0.0, 1.0))


def _mean(values: FloatArray) -> tuple[float, float]:
    """The mean and the variance of the mean."""
    return float(values.mean()), float(values.var() / len(values))


def _guessed(dataset: Dataset, popularity: FloatArray, has_interactions: BoolArray, seed: int) -> FloatArray:
    """Each item's popularity by ridge regression on content, from met items of other parts [n_items]."""
    facts = np.log1p(np.diff(dataset.links.tocsc().indptr))[:, None]
    both = dataset.content.both
    x = np.concatenate([both, facts, np.ones_like(facts)], axis=1, dtype=np.float32)
    part: IntArray = np.random.default_rng(seed).integers(0, PARTS, dataset.n_items)
    guess = np.zeros(dataset.n_items, np.float32)
    for own in range(PARTS):
        some = x[has_interactions & (part != own)]
        gram = some.T @ some
        gram[np.diag_indices_from(gram)] += RIDGE
        weights = np.linalg.solve(gram, some.T @ popularity[has_interactions & (part != own)])
        guess[part == own] = x[part == own] @ weights
    return guess
