"""The protocol `stated_likes`: new users of whom only liked entities are known.

Some liked items of a user are revealed to the protocol, never to a method. The entities that the user would
state are those that facts join to several of the revealed items and to few items otherwise.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import places_of_users
from embeddings.evaluation.hidden import Hidden
from embeddings.evaluation.trials import Task, Trial
from kg.errors import MissingDataError
from kg.graph import BoolArray, Interactions

STATED_LIKES = "stated_likes"


@dataclass(frozen=True)
class StatedLikesConfig:
    """Which entities a user states to like."""

    max_likes: int = 3
    """A user states at most this many entities."""
    revealed: float = 0.5
    """Share of a user's liked items from which these entities are taken, rounded down."""
    max_revealed: int = 20
    """At most this many items are revealed."""
    min_items: int = 2
    """A stated entity is joined by facts to at least this many of the revealed items."""


def likes_trial(valid: Task, test: Task) -> Trial:
    """The trial of two tasks of `stated_likes_task`.

    Raises:
        MissingDataError: no user of the test states an entity.
    """
    if not test.relevant.nnz:
        raise MissingDataError(
            f"{STATED_LIKES} needs facts that join an entity to several liked items of a new user, and more "
            "liked items of this user; there is no such user"
        )
    return Trial(STATED_LIKES, valid, test)


def hidden_users_likes_task(hidden: Hidden, seed: int, config: StatedLikesConfig | None = None) -> Task:
    """The task of `stated_likes_task` whose users are the held-out ones."""
    return stated_likes_task(hidden.train, hidden.whole.events.select(hidden.events), seed, config)


def stated_likes_task(
    train: Dataset, events: Interactions, seed: int, config: StatedLikesConfig | None = None
) -> Task:
    """The task to rank for users of whom only liked entities are known; `events` are all events of theirs.

    The revealed items are excluded; the other liked items are relevant. Users without an entity to state
    have no relevant items and are counted in `Task.left_out`.
    """
    config = config or StatedLikesConfig()
    liked = events.select(events.liked)
    revealed = _revealed(liked, seed, config)
    shape = train.n_users, train.n_items
    known = liked.select(revealed).matrix(*shape)
    likes = stated_entities(known, train, config)
    stated = np.diff(likes.indptr) > 0
    other = liked.select(~revealed & stated[liked.user]).matrix(*shape)
    # an item that is liked twice may be revealed by one event alone
    other = sp.csr_array(other - other.multiply(known))
    other.eliminate_zeros()
    histories = Histories.of([()] * train.n_users, train.n_items, likes=likes)
    return Task(
        train,
        replace(histories, ask_next=False),
        excluded=known,
        relevant=other,
        left_out=int(len(np.unique(liked.user)) - np.count_nonzero(np.diff(other.indptr))),
    )


def stated_entities(revealed: sp.csr_array, dataset: Dataset, config: StatedLikesConfig) -> sp.csr_array:
    """The entities that each user states, users x nodes, float32 ones; `revealed` is users x items.

    These have the highest tf-idf (Spaerck Jones 1972): the number of revealed items that a fact joins to the
    entity, times the logarithm of the number of all items over that of the entity's items. Ties are broken by
    the lower node number; an entity of all items is not stated.
    """
    degrees = np.diff(dataset.links.indptr)
    idf = np.log(dataset.n_items / np.maximum(degrees, 1))
    idf[: dataset.n_items] = 0.0
    counts = sp.coo_array(revealed @ dataset.links.T)
    user, node = counts.coords
    weight = np.where(counts.data >= config.min_items, counts.data * idf[node], 0.0)
    user, node, weight = (column[weight > 0] for column in (user, node, weight))
    place, _ = places_of_users(user, np.lexsort((node, -weight, user)))
    best = place < config.max_likes
    ones = np.ones(int(best.sum()), np.float32)
    return sp.csr_array((ones, (user[best], node[best])), shape=counts.shape)


def _revealed(liked: Interactions, seed: int, config: StatedLikesConfig) -> BoolArray:
    """Which liked events are revealed: a random part of each user's."""
    order = np.lexsort((np.random.default_rng(seed).random(len(liked)), liked.user))
    place, counts = places_of_users(liked.user, order)
    most = np.minimum(config.max_revealed, np.floor(config.revealed * counts))
    return np.asarray(place < most[liked.user])
