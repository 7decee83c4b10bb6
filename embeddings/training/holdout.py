"""Holdouts that the ranker learns from: events, items and users hidden from the scorers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import held_out, places_of_users, sampled
from kg.graph import BoolArray, IntArray


@dataclass(frozen=True)
class HoldoutConfig:
    """How much is hidden, and how often."""

    cold_holdouts: int = 4
    """How many holdouts hide users, items and events."""
    random_holdouts: int = 4
    """How many holdouts hide random events alone."""
    last_shares: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3)
    """The share of each user's events, the last ones, that each holdout of what comes next hides."""
    events: float = 0.1
    """Share of each user's events that a random holdout hides."""
    items: float = 0.1
    """Share of the items whose events a cold holdout hides: new items."""
    users: float = 0.1
    """Share of the users whose events a cold holdout hides: new users."""
    history_lengths: tuple[int, ...] = (0, 1, 3, 5)
    """How many events new users reveal: each of them is a query with each of these lengths."""
    timeless: float = 0.15
    """Share of the queries of new users whose times are unknown."""
    max_users: int = 1250
    """A holdout has at most this many queries of known users, and half as many of new users, drawn anew for
    each holdout: the time and memory of learning the ranker do not grow beyond that."""


@dataclass(frozen=True, eq=False)
class HoldoutQueries:
    """What is known of some users, and what they went on to like."""

    histories: Histories
    relevant: sp.csr_array
    """Users x items."""
    users: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """The users' numbers [b]."""
    new_users: bool = False
    """Whether all other events of the users are hidden."""

    def batches(self, size: int) -> Iterator["HoldoutQueries"]:
        """The same queries, at most `size` users at a time."""
        for start in range(0, len(self.histories), size):
            some = np.arange(start, min(start + size, len(self.histories)))
            yield replace(
                self,
                histories=self.histories.select(some),
                relevant=self.relevant[some],
                users=self.users[start : start + size],
            )


@dataclass(frozen=True, eq=False)
class Holdout:
    """The events that scorers learn from, and queries about the hidden ones."""

    train: Dataset
    excluded: BoolArray
    """Items that are no candidates, bool [n_items]: without any event in the whole dataset they cannot be
    relevant here, however good they are."""
    queries: tuple[HoldoutQueries, ...]


@dataclass(frozen=True, eq=False)
class Holdouts:
    """All holdouts that a ranker learns from, drawn one after the other."""

    cold: Iterator[Holdout]
    """They hide users, items and events; what is relevant is of any time."""
    random: Iterator[Holdout]
    """They hide events alone; what is relevant is of any time."""
    last: Iterator[Holdout]
    """They hide events alone; what is relevant comes after the history. None where a time is unknown."""


def draw_holdouts(
    dataset: Dataset, config: HoldoutConfig, rng: np.random.Generator, users: BoolArray | None = None
) -> Holdouts:
    """As many holdouts of each kind as configured; `users` as for `random_holdout`."""
    of_events = replace(config, items=0.0, users=0.0)
    shares = config.last_shares if dataset.events.all_times_known else ()
    return Holdouts(
        (random_holdout(dataset, config, rng, users) for _ in range(config.cold_holdouts)),
        (random_holdout(dataset, of_events, rng, users) for _ in range(config.random_holdouts)),
        (last_events_holdout(dataset, share, config, rng, users) for share in shares),
    )


def random_holdout(
    dataset: Dataset, config: HoldoutConfig, rng: np.random.Generator, users: BoolArray | None = None
) -> Holdout:
    """Hide some users and some items with all their events, and some of the other events.

    There are queries of `users` alone, bool [n_users]; None: of all.
    """
    events, asked = dataset.events, _everyone(dataset) if users is None else users
    new_users = rng.random(dataset.n_users) < config.users
    new_items = rng.random(dataset.n_items) < config.items
    stay = rng.random(len(events)) >= config.events
    train = dataset.select_events(stay & ~new_users[events.user] & ~new_items[events.item])
    known = sampled(np.flatnonzero(asked & (train.histories.lengths > 0)), config.max_users, rng)
    queries = [_remaining_likes(dataset, known, train.histories.select(known), ask_next=False)]
    lengths = config.history_lengths
    enough = np.flatnonzero(asked & new_users & (dataset.histories.lengths > max(lengths, default=0)))
    enough = sampled(enough, config.max_users // (2 * max(len(lengths), 1)), rng)
    for length in lengths if len(enough) else ():
        revealed = _revealed(dataset, enough, train.has_interactions, length, config.timeless, rng)
        own = _remaining_likes(dataset, enough, revealed, ask_next=False)
        queries.append(replace(own, new_users=True))
    return Holdout(train, ~dataset.has_interactions, tuple(queries))


def last_events_holdout(
    dataset: Dataset,
    share: float,
    config: HoldoutConfig,
    rng: np.random.Generator,
    users: BoolArray | None = None,
) -> Holdout:
    """Hide the last events of each user, at least one of users with three; equal times in random order.

    There are queries of `users` alone, bool [n_users]; None: of all.
    """
    events, asked = dataset.events, _everyone(dataset) if users is None else users
    order = np.lexsort((rng.random(len(events)), events.time, events.user))
    place, counts = places_of_users(events.user, order)
    train = dataset.select_events(place < (counts - held_out(counts, share))[events.user])
    known = sampled(np.flatnonzero(asked & (train.histories.lengths > 0)), config.max_users, rng)
    queries = (_remaining_likes(dataset, known, train.histories.select(known)),)
    return Holdout(train, ~dataset.has_interactions, queries)


def with_unpopular_items(
    holdout: Holdout, dataset: Dataset, new_item_share: float, rng: np.random.Generator
) -> Holdout:
    """The holdout with candidates among the items that have no event in the whole dataset.

    A share of these, `new_item_share`, is taken to be new and stays excluded: it cannot be relevant here,
    however good it is. The others are old items that nobody chose, as they are when the model serves.
    """
    new = rng.random(dataset.n_items) < new_item_share
    return replace(holdout, excluded=~dataset.has_interactions & new)


def _everyone(dataset: Dataset) -> BoolArray:
    return np.ones(dataset.n_users, np.bool_)


def _remaining_likes(
    dataset: Dataset, users: IntArray, revealed: Histories, *, ask_next: bool = True
) -> HoldoutQueries:
    """Queries for what users like beyond what is revealed of each."""
    relevant = sp.csr_array(dataset.liked[users] - revealed.matrix)
    relevant.eliminate_zeros()
    return HoldoutQueries(replace(revealed, ask_next=ask_next), relevant, users)


def _revealed(
    dataset: Dataset,
    users: IntArray,
    has_interactions: BoolArray,
    length: int,
    timeless: float,
    rng: np.random.Generator,
) -> Histories:
    """At most `length` events of each user, drawn among items that have interactions, in their order."""
    histories = dataset.histories
    revealed = []
    for user in users:
        own = histories[int(user)]
        own = own[has_interactions[own]]
        revealed.append(own[np.sort(rng.permutation(len(own))[:length])])
    unknown = (rng.random(len(users)) < timeless) | (length == 0)
    times = np.where(unknown[:, None], np.nan, histories.times[users])
    return Histories.of(revealed, dataset.n_items, times)
