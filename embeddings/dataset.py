"""What a scorer may see: training events, facts and text, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp

from kg.graph import BoolArray, FloatArray, GraphSnapshot, IntArray, Interactions, Triples

NO_VECTORS = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, eq=False)
class Histories:
    """What each asker liked, oldest first: asker i liked `items[starts[i] : starts[i + 1]]`.

    `items` are item numbers, int64; `starts` has one entry more than there are askers.
    """

    items: IntArray
    starts: IntArray
    n_items: int

    @classmethod
    def of(cls, histories: Sequence[Sequence[int] | IntArray], n_items: int) -> Self:
        """From one sequence of item numbers an asker."""
        starts = np.cumsum([0, *map(len, histories)], dtype=np.int64)
        parts = [np.asarray(h, np.int64) for h in histories]
        return cls(np.concatenate([*parts, np.zeros(0, np.int64)]), starts, n_items)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, asker: int) -> IntArray:
        return self.items[self.starts[asker] : self.starts[asker + 1]]

    @cached_property
    def lengths(self) -> IntArray:
        """How many events each asker has, int64 [b]."""
        return np.diff(self.starts)

    @cached_property
    def matrix(self) -> sp.csr_array:
        """Askers x items, float32 ones."""
        data = np.ones(len(self.items), np.float32)
        matrix = sp.csr_array((data, self.items, self.starts), shape=(len(self), self.n_items))
        matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def select(self, askers: IntArray) -> "Histories":
        """Those of some askers, in the order given."""
        return Histories.of([self[int(a)] for a in askers], self.n_items)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Nodes are items 0..n_items-1, then entities up to n_nodes; users are no nodes, only rows.

    Facts and text are known for every item; `events` are the training events alone.
    """

    n_users: int
    n_items: int
    n_nodes: int
    events: Interactions
    triples: Triples
    relations: tuple[str, ...]
    text: FloatArray
    """Unit vectors, float32 [n_items, dim]; a row of zeros where an item has no text."""
    knowledge: FloatArray = field(default_factory=lambda: NO_VECTORS)
    """Knowledge-graph embedding of items and entities, float32 [n_nodes, d]; empty until it is learnt."""

    @classmethod
    def from_snapshot(
        cls, snapshot: GraphSnapshot, text: FloatArray, events: BoolArray | None = None
    ) -> "Dataset":
        """What may be seen of a snapshot when only the events where `events` holds are for training.

        `text` is one vector an item; `events` bool, one an interaction of the snapshot (None: all).
        """
        triples = snapshot.triples
        facts = (triples.head < snapshot.first_user) & (triples.tail < snapshot.first_user)
        return cls(
            n_users=snapshot.n_users,
            n_items=snapshot.n_items,
            n_nodes=snapshot.first_user,
            events=snapshot.interactions if events is None else snapshot.interactions.select(events),
            triples=triples.select(facts),
            relations=snapshot.relations,
            text=text,
        )

    @cached_property
    def has_text(self) -> BoolArray:
        """Whether an item has text, bool [n_items]."""
        return np.asarray(self.text.any(axis=1)) if self.text.size else np.zeros(self.n_items, np.bool_)

    @cached_property
    def liked(self) -> sp.csr_array:
        """Users x items, float32 ones where the user liked the item."""
        return self.events.select(self.events.liked).matrix(self.n_users, self.n_items)

    @cached_property
    def seen(self) -> sp.csr_array:
        """Users x items, float32 ones where there is any event."""
        return self.events.matrix(self.n_users, self.n_items)

    @cached_property
    def links(self) -> sp.csr_array:
        """Nodes x items, float32 ones where a fact joins the two, in either direction."""
        facts = self.triples
        target, source = np.concatenate([facts.head, facts.tail]), np.concatenate([facts.tail, facts.head])
        to_item = target < self.n_items
        ones = np.ones(int(to_item.sum()), np.float32)
        matrix = sp.csr_array((ones, (source[to_item], target[to_item])), shape=(self.n_nodes, self.n_items))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    @cached_property
    def degrees(self) -> IntArray:
        """How many users liked each item, int64 [n_items]."""
        return np.bincount(self.liked.indices, minlength=self.n_items)

    @cached_property
    def histories(self) -> Histories:
        """What each user liked, each item once, oldest first (by item number where times are equal)."""
        liked = self.events.select(self.events.liked)
        order = np.lexsort((liked.item, liked.time, liked.user))
        user, item = liked.user[order].astype(np.int64), liked.item[order].astype(np.int64)
        _, first = np.unique(user * self.n_items + item, return_index=True)
        keep = np.sort(first)
        starts = np.searchsorted(user[keep], np.arange(self.n_users + 1))
        return Histories(item[keep], starts.astype(np.int64), self.n_items)

    def only(self, events: BoolArray) -> "Dataset":
        """The same with fewer training events: those where `events` (bool, one an event) holds."""
        return replace(self, events=self.events.select(events))
