"""The likes of all users, to find users who liked the same items."""

import numpy as np
import numpy.typing as npt

from kg.compiled import compiled
from kg.graph import GraphSnapshot, IntArray, NodeArray

MarkArray = npt.NDArray[np.uint64]

_ITEMS_AT_A_TIME = 64
"""One bit each."""


class CoUsers:
    """The likes of a snapshot by user and by item; users are indices from 0, items are sorted in each row."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self._n_items = snapshot.n_items
        self._liked = snapshot.liked
        self._n_liked = np.diff(self._liked.indptr).astype(np.int64)
        self._likers = snapshot.liked.T.tocsr()
        self.popularity = np.diff(self._likers.indptr)
        """The number of users who liked each item, [n_items]."""
        events = snapshot.interactions.select(snapshot.interactions.liked)
        key = events.user.astype(np.int64) * self._n_items + events.item
        self._key, first = np.unique(key, return_index=True)
        self._kind = events.kind[first]

    def kind(self, user: int, item: int) -> int:
        """The index of the schema's interaction by which the user liked the item."""
        return int(self._kind[np.searchsorted(self._key, user * self._n_items + item)])

    def co_likes(
        self, items: IntArray, sources: IntArray, user: int | None, size: int
    ) -> tuple[IntArray, IntArray]:
        """How many users other than `user` liked item and source, and one of them: int64 [items, sources].

        The one has the fewest likes, which makes its common like the strongest evidence, and of several the
        lowest number; -1 where there is none. Of an item with more than `size` likers, so many are looked at,
        evenly spaced. Entities among the sources have no likers.
        """
        counts = np.zeros((len(items), len(sources)), np.int64)
        fewest = np.full((len(items), len(sources)), -1, np.int64)
        likers, own = self._likers, -1 if user is None else user
        for start in range(0, len(items), _ITEMS_AT_A_TIME):
            some = slice(start, start + _ITEMS_AT_A_TIME)
            marks = _marked(items[some], own, size, likers.indptr, likers.indices, len(self._n_liked))
            _count_marks(
                *(marks, sources, likers.indptr, likers.indices, self._n_liked),
                *(counts[some], fewest[some]),
            )
        return counts, fewest


@compiled
def _marked(
    items: IntArray, user: int, size: int, starts: NodeArray, likers: NodeArray, n_users: int
) -> MarkArray:
    """Marks on users: bit n for a liker of item n, other than `user`."""
    marks = np.zeros(n_users, np.uint64)
    for n in range(len(items)):
        first, last = starts[items[n]], starts[items[n] + 1]
        own_place = last
        for place in range(first, last):
            if likers[place] == user:
                own_place = place
        total = last - first - (own_place < last)
        for k in range(min(total, size)):
            place = first + (k if total <= size else k * (total - 1) // max(size - 1, 1))
            marks[likers[place + (place >= own_place)]] |= np.uint64(1) << np.uint64(n)
    return marks


@compiled
def _count_marks(
    marks: MarkArray,
    sources: IntArray,
    starts: NodeArray,
    likers: NodeArray,
    n_liked: IntArray,
    counts: IntArray,
    fewest: IntArray,
) -> None:
    """Count the marks of each item among the likers of each source that is an item."""
    for m in range(len(sources)):
        if sources[m] >= len(starts) - 1:
            continue
        for liker in likers[starts[sources[m]] : starts[sources[m] + 1]]:
            for n in range(len(counts) if marks[liker] else 0):
                if marks[liker] >> np.uint64(n) & np.uint64(1):
                    counts[n, m] += 1
                    best = fewest[n, m]
                    if best < 0 or (n_liked[liker], liker) < (n_liked[best], best):
                        fewest[n, m] = liker
