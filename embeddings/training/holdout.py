"""What the ranker learns from: events, items and users hidden from the scorers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from kg.graph import NO_TIME, BoolArray, IntArray


@dataclass(frozen=True)
class HoldoutConfig:
    """How much is hidden, and how often."""

    folds: int = 10
    events: float = 0.1
    """Share of each user's events."""
    items: float = 0.1
    """Share of items, hidden whole: what is new."""
    users: float = 0.1
    """Share of users, hidden whole; they come back with 0, 1, 3 and 5 events."""
    timeless: float = 0.15
    """Share of the latter who come back without times."""
    max_users: int = 1250
    """At most so many users are asked about in a fold, drawn anew for each: what the ranker learns from, and
    its time and memory, do not grow beyond that."""
    latest: float = 0.1
    """Share of the events that the fold in the order of time hides: the last ones."""


@dataclass(frozen=True, eq=False)
class HoldoutQueries:
    """Who asks, and what they went on to like."""

    histories: Histories
    wanted: sp.csr_array
    """Askers x items."""


@dataclass(frozen=True, eq=False)
class Holdout:
    """A dataset with a part hidden, and the questions about that part."""

    part: Dataset
    excluded: BoolArray
    """Items nobody has met in the whole: never right here, though they may well be, bool [n_items]."""
    questions: tuple[HoldoutQueries, ...]


LENGTHS = (0, 1, 3, 5)


def folds(dataset: Dataset, config: HoldoutConfig, rng: np.random.Generator) -> Iterator[Holdout]:
    """Each with other parts hidden."""
    for _ in range(config.folds):
        yield hide(dataset, config, rng)


def hide(dataset: Dataset, config: HoldoutConfig, rng: np.random.Generator) -> Holdout:
    """Hide some users whole, some items whole, and some of the other events."""
    events = dataset.events
    new_users = rng.random(dataset.n_users) < config.users
    new_items = rng.random(dataset.n_items) < config.items
    stay = rng.random(len(events)) >= config.events
    part = dataset.only(stay & ~new_users[events.user] & ~new_items[events.item])
    known = np.flatnonzero(part.histories.lengths)
    known = _drawn(known, config.max_users, rng)
    questions = [_rest(dataset, known, part.histories.select(known))]
    enough = np.flatnonzero(new_users & (dataset.histories.lengths > max(LENGTHS)))
    enough = _drawn(enough, config.max_users // (2 * len(LENGTHS)), rng)
    for length in LENGTHS if len(enough) else ():
        shown = _revealed(dataset, enough, part.has_interactions, length, config.timeless, rng)
        questions.append(_rest(dataset, enough, shown))
    return Holdout(part, ~dataset.has_interactions, tuple(questions))


def latest(
    dataset: Dataset, config: HoldoutConfig, new_items: float, rng: np.random.Generator
) -> Holdout | None:
    """Hide the last events of all, as time hides what is to come; None where times are unknown.

    Those ask who have a history by then, and those who come later and have shown their first events. Of the
    items that nobody has met in the whole a share, the `new_items`, was not there to be chosen: it is barred.
    """
    time = dataset.events.time
    if not len(time) or (time == NO_TIME).any():
        return None
    part = dataset.only(time <= np.quantile(time, 1 - config.latest))
    before, whole = part.histories.lengths, dataset.histories.lengths
    stayed = _drawn(np.flatnonzero((before > 0) & (whole > before)), config.max_users, rng)
    came = _drawn(np.flatnonzero((before == 0) & (whole > max(LENGTHS))), config.max_users, rng)
    first = [dataset.histories[int(user)][: max(LENGTHS)] for user in came]
    shown = Histories.of(first, dataset.n_items, dataset.histories.when[came])
    questions = (_rest(dataset, stayed, part.histories.select(stayed)), _rest(dataset, came, shown))
    return Holdout(part, ~dataset.has_interactions & (rng.random(dataset.n_items) < new_items), questions)


def _drawn(users: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """All, or as many as asked for."""
    return users if len(users) <= count else np.sort(rng.permutation(users)[:count])


def _rest(dataset: Dataset, users: IntArray, shown: Histories) -> HoldoutQueries:
    """What users like beyond what is shown of each."""
    wanted = sp.csr_array(dataset.liked[users] - shown.matrix)
    wanted.eliminate_zeros()
    return HoldoutQueries(shown, wanted)


def _revealed(
    dataset: Dataset,
    users: IntArray,
    has_interactions: BoolArray,
    length: int,
    timeless: float,
    rng: np.random.Generator,
) -> Histories:
    """At most `length` events of each user, drawn among items that somebody else likes, in their order."""
    histories = dataset.histories
    shown = []
    for user in users:
        own = histories[int(user)]
        own = own[has_interactions[own]]
        shown.append(own[np.sort(rng.permutation(len(own))[:length])])
    unknown = (rng.random(len(users)) < timeless) | (length == 0)
    when = np.where(unknown[:, None], np.nan, histories.when[users])
    return Histories.of(shown, dataset.n_items, when)
