"""Splits of events into training, validation and test, made before any scorer is fitted."""

from dataclasses import dataclass

import numpy as np

from kg.errors import MissingDataError
from kg.graph import NO_TIME, BoolArray, IntArray, Interactions, NodeArray

_TRAIN, _VALID, _TEST, _NONE = range(4)


@dataclass(frozen=True, eq=False)
class EventSplit:
    """Three masks over a snapshot's interactions, bool each; every event is in at most one.

    A (user, item) pair belongs to one part, so that no test pair is also a training pair. In a random split
    that is the part of all its events. In a split by time it is the part of its first event; a later event
    of the pair that falls into a later part is in none.
    """

    train: BoolArray
    valid: BoolArray
    test: BoolArray
    by_time: bool
    """Whether what is held out comes after the history."""


def random_split(events: Interactions, seed: int = 0, shares: tuple[float, float] = (0.1, 0.1)) -> EventSplit:
    """Split the items of each user at random; `shares` are those of validation and test.

    A user with at least 3 items has at least one item in each; a user with fewer is in training only."""
    pairs, of = _pairs(events)
    order = np.lexsort((np.random.default_rng(seed).random(len(pairs)), pairs[:, 0]))
    return _by_part(_per_user(pairs[:, 0], order, shares, (_VALID, _TEST))[of], by_time=False)


def next_split(events: Interactions, seed: int = 0, shares: tuple[float, float] = (0.1, 0.1)) -> EventSplit:
    """Split each user's items by time: the latest are the test, those before are validation.

    Sizes are as in `random_split`. Items of the same time are in random order. Other users' events of later
    times stay in training; `future_split` hides these too.

    Raises:
        MissingDataError: an event has no time.
    """
    pairs, of = _pairs(events)
    first = _first_times(events, len(pairs), of, "next")
    users = pairs[:, 0]
    newest_first = np.lexsort((np.random.default_rng(seed).random(len(pairs)), -first, users))
    part = _per_user(users, newest_first, shares[::-1], (_TEST, _VALID))
    begin = np.full((int(users.max(initial=-1)) + 1, 2), np.iinfo(np.int64).max)
    for column, own in enumerate((_VALID, _TEST)):
        np.minimum.at(begin[:, column], users[part == own], first[part == own])
    own_part = (events.time[:, None] >= begin[events.user]).sum(axis=1)
    return _without_later_repeats(part[of], own_part, events.time > first[of])


def future_split(events: Interactions, shares: tuple[float, float] = (0.1, 0.1)) -> EventSplit:
    """Split all users at the same times: the latest events are the test, those before are validation.

    Training has no events after the cut, so users and items that come later are new.

    Raises:
        MissingDataError: an event has no time.
    """
    pairs, of = _pairs(events)
    first = _first_times(events, len(pairs), of, "future")
    cuts = np.quantile(first, [1 - sum(shares), 1 - shares[1]]) if len(first) else np.zeros(2)
    part = np.searchsorted(cuts, first, side="left")
    own_part = np.searchsorted(cuts, events.time, side="left")
    return _without_later_repeats(part[of], own_part, events.time > first[of])


def forward_split(events: Interactions, seed: int = 0) -> EventSplit:
    """`next_split` if the time of every event is known, else `random_split`."""
    return next_split(events, seed) if events.all_times_known else random_split(events, seed)


def places_of_users(users: NodeArray | IntArray, order: IntArray) -> tuple[IntArray, IntArray]:
    """The place of each row among those of its user, from 0, int64; and the number of rows of each user.

    `order` sorts the rows by user, then as they are to be counted.
    """
    counts = np.bincount(users, minlength=int(users.max(initial=-1)) + 1)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - starts[users[order]]
    return place, counts


def sampled(numbers: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """All of these users or items, or `count` of them drawn at random, in ascending order."""
    return numbers if len(numbers) <= count else np.sort(rng.permutation(numbers)[:count])


def held_out(counts: IntArray, share: float) -> IntArray:
    """How many of each user's rows are a share of them: at least one of three or more, none of fewer."""
    return np.where(counts >= 3, np.maximum(1, np.round(share * counts)), 0).astype(np.int64)


def _pairs(events: Interactions) -> tuple[IntArray, IntArray]:
    """The distinct (user, item) pairs, sorted, and the index of the pair of each event."""
    both = np.stack([events.user, events.item], axis=1).astype(np.int64)
    pairs, of = np.unique(both, axis=0, return_inverse=True)
    return pairs, of.ravel()


def _first_times(events: Interactions, n_pairs: int, of: IntArray, split: str) -> IntArray:
    """The time of each pair's first event, int64 [n_pairs]."""
    if len(events) and not events.all_times_known:
        missing = int((events.time == NO_TIME).sum())
        raise MissingDataError(
            f"the split {split} needs the time of every interaction; {missing:,} of {len(events):,} have none"
        )
    first = np.full(n_pairs, np.iinfo(np.int64).max)
    np.minimum.at(first, of, events.time)
    return first


def _per_user(
    users: IntArray, order: IntArray, shares: tuple[float, float], parts: tuple[int, int]
) -> IntArray:
    """For each user, the first pairs in `order` are in the first part, the next in the second."""
    place, counts = places_of_users(users, order)
    size = [held_out(counts, share)[users] for share in shares]
    return np.select([place < size[0], place < size[0] + size[1]], parts, _TRAIN)


def _without_later_repeats(part: IntArray, own_part: IntArray, repeated: BoolArray) -> EventSplit:
    """A split by the part of each event's pair, without repeated events whose own time is in a later part."""
    return _by_part(np.where(repeated & (own_part > part), _NONE, part), by_time=True)


def _by_part(part: IntArray, *, by_time: bool) -> EventSplit:
    return EventSplit(part == _TRAIN, part == _VALID, part == _TEST, by_time)
