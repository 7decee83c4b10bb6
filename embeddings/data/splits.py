"""Splits of events into training, validation and test, made before any scorer is fitted."""

from dataclasses import dataclass

import numpy as np

from kg.errors import DataError
from kg.graph import NO_TIME, BoolArray, IntArray, Interactions


@dataclass(frozen=True, eq=False)
class EventSplit:
    """Three masks over a snapshot's interactions, bool each; every event is in exactly one.

    All events of a (user, item) pair fall on the same side in a random split, so that no test pair is also
    a training pair. The relevant items are those of the liked test events; all items with an earlier event
    of the user, liked or not, are excluded from the ranking.
    """

    train: BoolArray
    valid: BoolArray
    test: BoolArray


def random_split(events: Interactions, seed: int = 0, shares: tuple[float, float] = (0.1, 0.1)) -> EventSplit:
    """Split the items of each user at random; `shares` are those of validation and test.

    A user with at least 3 items has at least one item in each; a user with fewer is in training only."""
    pairs, of = _pairs(events)
    users = pairs[:, 0]
    order = np.lexsort((np.random.default_rng(seed).random(len(pairs)), users))
    return _per_user(users, order, shares, of)


def temporal_split(events: Interactions, shares: tuple[float, float] = (0.1, 0.1)) -> EventSplit:
    """Split all users at the same times: the latest events are the test, those before are validation.

    All events of a pair are on the side of its first event. Apart from such repeated events, training has no
    events after the cut, so it does not know future popularity.

    Raises:
        DataError: an event has no time.
    """
    if len(events) and int(events.time.min()) == NO_TIME:
        raise DataError("a temporal split needs the time of every interaction; some have none")
    pairs, of = _pairs(events)
    first = np.full(len(pairs), np.iinfo(np.int64).max)
    np.minimum.at(first, of, events.time)
    cuts = np.quantile(first, [1 - sum(shares), 1 - shares[1]]) if len(first) else np.zeros(2)
    return _by_part(np.searchsorted(cuts, first, side="left")[of])


def _pairs(events: Interactions) -> tuple[IntArray, IntArray]:
    """The distinct (user, item) pairs, sorted, and the index of the pair of each event."""
    both = np.stack([events.user, events.item], axis=1).astype(np.int64)
    pairs, of = np.unique(both, axis=0, return_inverse=True)
    return pairs, of.ravel()


def _per_user(users: IntArray, order: IntArray, shares: tuple[float, float], of: IntArray) -> EventSplit:
    """For each user, the first pairs in `order` are validation, the next are test, the rest is training."""
    counts = np.bincount(users, minlength=int(users.max(initial=-1)) + 1)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - starts[users[order]]
    size = [np.where(counts >= 3, np.maximum(1, np.round(share * counts)), 0)[users] for share in shares]
    part = np.select([place < size[0], place < size[0] + size[1]], [1, 2], 0)
    return _by_part(part[of])


def _by_part(part: IntArray) -> EventSplit:
    return EventSplit(part == 0, part == 1, part == 2)
