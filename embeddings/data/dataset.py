"""The training data of scorers (events, facts and text as arrays), and the histories that they score."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from embeddings.data.item_features import ContentConfig, ContentFeatures, ContentNeighbours
from kg.graph import NO_TIME, BoolArray, FloatArray, GraphSnapshot, IntArray, Interactions, Triples

TimeArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Histories:
    """What each user liked, oldest first: user i liked `items[starts[i] : starts[i + 1]]`.

    `items` are item indices, int64; `starts` has n_users + 1 entries. A user here is one row:
    a known user, a new one, or an anonymous session.
    """

    items: IntArray
    starts: IntArray
    n_items: int
    times: TimeArray
    """First, median and last time of each user's events, epoch seconds, float64 [b, 3]; NaN: unknown."""
    ask_next: bool = True
    """Whether items that come after the history are asked for, as in a service, or items of any time, as in a
    random split."""
    likes: sp.csr_array | None = None
    """The entities that each user states to like, beside the history: users x nodes, float32 ones. None: no
    user states any."""

    @classmethod
    def of(
        cls,
        histories: Sequence[Sequence[int] | IntArray],
        n_items: int,
        times: TimeArray | None = None,
        likes: sp.csr_array | None = None,
    ) -> Self:
        """Build histories from one sequence of item indices per user."""
        starts = np.cumsum([0, *map(len, histories)], dtype=np.int64)
        parts = [np.asarray(h, np.int64) for h in histories]
        items = np.concatenate([*parts, np.zeros(0, np.int64)])
        times = np.full((len(histories), 3), np.nan) if times is None else times
        return cls(items, starts, n_items, times, likes=likes)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, user: int) -> IntArray:
        return self.items[self.starts[user] : self.starts[user + 1]]

    @cached_property
    def lengths(self) -> IntArray:
        """Number of items in each history, int64 [b]."""
        return np.diff(self.starts)

    @cached_property
    def matrix(self) -> sp.csr_array:
        """CSR matrix users x items, float32 ones.

        Indices are int32, as in the matrices it is multiplied with, to avoid a conversion in each product.
        """
        short = np.int32 if len(self.items) <= np.iinfo(np.int32).max else np.int64
        parts: Any = np.ones(len(self.items), np.float32), self.items.astype(short), self.starts.astype(short)
        matrix: sp.csr_array = sp.csr_array(parts, shape=(len(self), self.n_items))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def select(self, users: IntArray) -> "Histories":
        """The histories of some users, in the order given."""
        lengths = self.lengths[users]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        places = np.repeat(self.starts[users] - starts[:-1], lengths) + np.arange(starts[-1])
        likes = None if self.likes is None else self.likes[users]
        return replace(self, items=self.items[places], starts=starts, times=self.times[users], likes=likes)


def first_median_last(times: IntArray, starts: IntArray) -> TimeArray:
    """First, median and last known time of each slice `times[starts[i] : starts[i + 1]]`, float64 [n, 3].

    Each slice must ascend; a slice without a known time gives NaN.
    """
    found = np.full((len(starts) - 1, 3), np.nan)
    known = times != NO_TIME
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(known)])[starts]
    rows = np.flatnonzero(np.diff(before))
    start, end, times = before[rows], before[rows + 1], times[known]
    found[rows, 0], found[rows, 2] = times[start], times[end - 1]
    found[rows, 1] = (times[(start + end - 1) // 2] + times[(start + end) // 2]) / 2
    return found


def liked_event_order(events: Interactions) -> IntArray:
    """Indices of the liked events, sorted by user, time and item index, int64."""
    liked = np.flatnonzero(events.liked)
    return liked[np.lexsort((events.item[liked], events.time[liked], events.user[liked]))]


def liked_histories(
    events: Interactions, n_users: int, n_items: int, order: IntArray | None = None
) -> tuple[Histories, IntArray]:
    """The history of each user, and the index of the event of each entry, int64.

    An item that a user liked several times occurs once, at its last time. Histories are oldest first, ties by
    item index. `order` is the result of `liked_event_order` (None: it is computed).
    """
    order = _last_of_each_pair(events, liked_event_order(events) if order is None else order, n_items)
    starts = np.searchsorted(events.user[order], np.arange(n_users + 1)).astype(np.int64)
    items = events.item[order].astype(np.int64)
    return Histories(items, starts, n_items, first_median_last(events.time[order], starts)), order


def _last_of_each_pair(events: Interactions, order: IntArray, n_items: int) -> IntArray:
    """The last event of each (user, item) pair, in the same order."""
    code = events.user[order].astype(np.int64) * n_items + events.item[order]
    ascending = np.sort(code)
    if (ascending[1:] > ascending[:-1]).all():
        return order
    _, last = np.unique(code[::-1], return_index=True)
    stays: IntArray = order[np.sort(len(order) - 1 - last)]
    return stays


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training data. Nodes are items 0..n_items-1, then entities up to n_nodes; users are not nodes.

    Facts and text include those of new items; `events` are the training events alone.
    """

    n_users: int
    n_items: int
    n_nodes: int
    events: Interactions
    triples: Triples
    relations: tuple[str, ...]
    text: FloatArray
    """Unit text vectors, float32 [n_items, dim]; a row is zero if the item has no text."""
    content_config: ContentConfig = field(default_factory=ContentConfig)
    """How `content` is computed."""

    @classmethod
    def from_snapshot(
        cls, snapshot: GraphSnapshot, text: FloatArray, events: BoolArray | None = None
    ) -> "Dataset":
        """The dataset of a snapshot, with the training events selected by `events`.

        `text` has one row per item; `events` is a bool mask over the snapshot's interactions (None: all).
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
        return self.content.has_text

    @cached_property
    def liked(self) -> sp.csr_array:
        """CSR matrix users x items, float32; 1 if the user liked the item."""
        return self.events.select(self.events.liked).matrix(self.n_users, self.n_items)

    @cached_property
    def seen(self) -> sp.csr_array:
        """CSR matrix users x items, float32; 1 if the user has an event with the item."""
        return self.events.matrix(self.n_users, self.n_items)

    @cached_property
    def links(self) -> sp.csr_array:
        """CSR matrix nodes x items, float32; 1 if the two have a fact, in either direction."""
        facts = self.triples
        target, source = np.concatenate([facts.head, facts.tail]), np.concatenate([facts.tail, facts.head])
        to_item = target < self.n_items
        ones = np.ones(int(to_item.sum()), np.float32)
        matrix = sp.csr_array((ones, (source[to_item], target[to_item])), shape=(self.n_nodes, self.n_items))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    @cached_property
    def content(self) -> ContentFeatures:
        """Text and facts as dense vectors."""
        return ContentFeatures(self.text, self.links, self.content_config)

    @cached_property
    def content_neighbours(self) -> ContentNeighbours:
        """The items most similar in content to each item."""
        return ContentNeighbours.of(self.content, self.degrees)

    @cached_property
    def degrees(self) -> IntArray:
        """Number of users who liked each item, int64 [n_items]."""
        return np.bincount(self.liked.indices, minlength=self.n_items)

    @cached_property
    def has_interactions(self) -> BoolArray:
        """Whether an item has at least one event, liked or not, bool [n_items]; the other items are new."""
        return np.bincount(self.events.item, minlength=self.n_items) > 0

    @cached_property
    def histories(self) -> Histories:
        """The liked items of each user, see `liked_histories`."""
        return liked_histories(self.events, self.n_users, self.n_items, self._liked_order)[0]

    @cached_property
    def _liked_order(self) -> IntArray:
        return liked_event_order(self.events)

    def select_events(self, mask: BoolArray) -> "Dataset":
        """The same dataset with the training events that `mask` (bool, one per event) selects."""
        part = replace(self, events=self.events.select(mask))
        # reuse links and content: they do not depend on events and take seconds; sorted events stay sorted
        part.__dict__["links"], part.__dict__["content"] = self.links, self.content
        part.__dict__["_liked_order"] = (np.cumsum(mask) - 1)[self._liked_order[mask[self._liked_order]]]
        return part

    def with_content_config(self, config: ContentConfig) -> "Dataset":
        """The same dataset whose content features are computed by `config`."""
        return self if config == self.content_config else replace(self, content_config=config)
