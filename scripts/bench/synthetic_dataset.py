"""Synthetic graphs of any size to measure how training grows; items and entities follow Zipf's law."""

import numpy as np

from embeddings.data.dataset import Dataset
from kg.graph import FloatArray, IntArray, Interactions, Triples

RELATIONS = ("HAS_GENRE", "MADE_BY", "STARS")
PER_USER, PER_ITEM = 80, 20
"""Mean number of events per user and of facts per item."""
EVENTS = 0.8
"""Share of events among all edges; the others are facts."""
GROUPS, OWN = 5, 0.5
"""Number of taste groups, and share of the events within the user's group."""
DRAWN = 2
"""The number of draws for each event; a pair drawn twice is one event."""
TEXT_DIM, TEXT_RANK = 384, 32


def synthetic_dataset(edges: int, seed: int = 0) -> Dataset:
    """A dataset of about `edges` events and facts together; everything else grows in proportion.

    The number of a user's events is geometric; items are drawn by Zipf's law, half of them within the user's
    own group. Texts are unit vectors of low rank, near each other where items share a group.
    """
    n_users = max(20, round(EVENTS * edges / PER_USER))
    n_items = max(50, round((1 - EVENTS) * edges / PER_ITEM))
    return dataset_of(n_users, n_items, round(EVENTS * edges), PER_ITEM, seed)


def dataset_of(n_users: int, n_items: int, n_events: int, facts: int, seed: int = 0) -> Dataset:
    """A dataset of such a size; `facts` is the number of facts of an item, at least 3."""
    rng = np.random.default_rng(seed)
    events = _events(n_events, n_users, n_items, rng)
    triples, n_entities = _facts(n_items, facts, rng)
    text = _text(n_items, rng)
    return Dataset(n_users, n_items, n_items + n_entities, events, triples, RELATIONS, text)


def _events(count: int, n_users: int, n_items: int, rng: np.random.Generator) -> Interactions:
    lengths = DRAWN * rng.geometric(n_users / count, n_users)
    user = np.repeat(np.arange(n_users), lengths)
    item = _zipf(len(user), n_items, rng)
    own = rng.random(len(user)) < OWN
    item = np.minimum(np.where(own, item - item % GROUPS + user % GROUPS, item), n_items - 1)
    pairs = np.unique(user * np.int64(n_items) + item)
    pairs = pairs[rng.random(len(pairs)) < count / len(pairs)]
    user, item = pairs // n_items, pairs % n_items
    return Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        np.ones(len(pairs), np.float32),
        1_600_000_000 + rng.integers(0, 100_000_000, len(pairs)),
        np.zeros(len(pairs), np.int8),
        np.ones(len(pairs), np.bool_),
    )


def entity_counts(n_items: int) -> tuple[int, int, int]:
    """The number of entities at the tails of each relation: genres, makers and, most of all, stars."""
    return GROUPS, max(2, n_items // 5), max(2, n_items // 2)


def _facts(n_items: int, facts: int, rng: np.random.Generator) -> tuple[Triples, int]:
    """Facts of items, and how many entities there are."""
    counts = (1, 1, facts - 2)
    sizes = entity_counts(n_items)
    parts: list[IntArray] = []
    first = n_items
    for relation, (times, size) in enumerate(zip(counts, sizes, strict=True)):
        head = np.repeat(np.arange(n_items), times)
        tail = head % GROUPS if relation == 0 else _zipf(len(head), size, rng)
        parts.append(np.stack([head, np.full(len(head), relation), first + tail]))
        first += size
    head, relation_of, tail = np.unique(np.concatenate(parts, axis=1), axis=1).astype(np.int32)
    return Triples(head, relation_of, tail), first - n_items


def _text(n_items: int, rng: np.random.Generator) -> FloatArray:
    """Unit rows [n_items, TEXT_DIM] of rank TEXT_RANK."""
    base = rng.standard_normal((TEXT_RANK, TEXT_DIM)).astype(np.float32)
    group = rng.standard_normal((GROUPS, TEXT_RANK)).astype(np.float32)
    own = rng.standard_normal((n_items, TEXT_RANK)).astype(np.float32)
    vectors = (group[np.arange(n_items) % GROUPS] + own) @ base
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _zipf(count: int, size: int, rng: np.random.Generator) -> IntArray:
    """Numbers below `size`, n with a chance in proportion to 1 / (n + size / 100) (Zipf, Mandelbrot)."""
    chances = np.cumsum(1 / (np.arange(1, size + 1) + size / 100))
    found: IntArray = np.searchsorted(chances, rng.random(count) * chances[-1]).astype(np.int64)
    return found
