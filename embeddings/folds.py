"""What the ranker learns from: events, items and users hidden from the experts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from embeddings.dataset import Dataset, Histories
from kg.graph import BoolArray, IntArray


@dataclass(frozen=True)
class FoldConfig:
    """How much is hidden, and how often."""

    folds: int = 5
    events: float = 0.15
    """Share of each user's events."""
    items: float = 0.1
    """Share of items, hidden whole: what is new."""
    users: float = 0.15
    """Share of users, hidden whole; they come back with 0, 1, 3 and 5 events."""
    timeless: float = 0.15
    """Share of the latter who come back without times."""


@dataclass(frozen=True, eq=False)
class Question:
    """Who asks, and what they went on to like."""

    histories: Histories
    wanted: sp.csr_array
    """Askers x items."""


@dataclass(frozen=True, eq=False)
class Fold:
    """A dataset with a part hidden, and the questions about that part."""

    part: Dataset
    barred: BoolArray
    """Items nobody has met in the whole: never right here, though they may well be, bool [n_items]."""
    questions: tuple[Question, ...]


LENGTHS = (0, 1, 3, 5)


def folds(dataset: Dataset, config: FoldConfig, rng: np.random.Generator) -> Iterator[Fold]:
    """Each with other parts hidden."""
    for _ in range(config.folds):
        yield hide(dataset, config, rng)


def hide(dataset: Dataset, config: FoldConfig, rng: np.random.Generator) -> Fold:
    """Hide some users whole, some items whole, and some of the other events."""
    events = dataset.events
    new_users = rng.random(dataset.n_users) < config.users
    new_items = rng.random(dataset.n_items) < config.items
    stay = rng.random(len(events)) >= config.events
    part = dataset.only(stay & ~new_users[events.user] & ~new_items[events.item])
    known = np.flatnonzero(part.histories.lengths)
    wanted = sp.csr_array((dataset.liked - part.liked)[known])
    wanted.eliminate_zeros()
    questions = [Question(part.histories.select(known), wanted)]
    enough = np.flatnonzero(new_users & (dataset.histories.lengths > max(LENGTHS)))
    for length in LENGTHS if len(enough) else ():
        shown = _revealed(dataset, enough, part.met, length, config.timeless, rng)
        rest = sp.csr_array(dataset.liked[enough] - shown.matrix)
        rest.eliminate_zeros()
        questions.append(Question(shown, rest))
    return Fold(part, ~dataset.met, tuple(questions))


def _revealed(
    dataset: Dataset, users: IntArray, met: BoolArray, length: int, timeless: float, rng: np.random.Generator
) -> Histories:
    """At most `length` events of each user, drawn among items that somebody else likes, in their order."""
    histories = dataset.histories
    shown = []
    for user in users:
        own = histories[int(user)]
        own = own[met[own]]
        shown.append(own[np.sort(rng.permutation(len(own))[:length])])
    unknown = (rng.random(len(users)) < timeless) | (length == 0)
    when = np.where(unknown[:, None], np.nan, histories.when[users])
    return Histories.of(shown, dataset.n_items, when)
