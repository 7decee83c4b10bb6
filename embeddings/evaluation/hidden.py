"""Users or items that are held out of a dataset."""

from dataclasses import dataclass

import numpy as np

from embeddings.data.dataset import Dataset
from kg.graph import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Hidden:
    """A dataset without some users or items, and what was held out of it."""

    train: Dataset
    whole: Dataset
    events: BoolArray
    """Held-out events, a mask over the events of the original dataset."""
    numbers: IntArray
    """The held-out users or items."""


def hide_users(whole: Dataset, share: float, min_events: int, seed: int) -> Hidden:
    """Hide all events of a random part of the users.

    `share` is of the users with any liked item; those with fewer than `min_events` are not drawn.
    """
    lengths = whole.histories.lengths
    enough = np.flatnonzero(lengths >= min_events)
    who = np.random.default_rng(seed).permutation(enough)[: round(share * np.count_nonzero(lengths))]
    hidden = np.isin(whole.events.user, who)
    return Hidden(whole.select_events(~hidden), whole, hidden, np.sort(who))
