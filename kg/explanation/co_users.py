"""The likes of all users, to find users who liked the same items."""

import numpy as np

from kg.explanation.adjacency import spans
from kg.graph import GraphSnapshot, IntArray


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

    def likers(self, item: int, user: int | None) -> IntArray:
        """Users other than `user` who liked the item, ascending."""
        users = self._likers.indices[self._likers.indptr[item] : self._likers.indptr[item + 1]]
        others: IntArray = (users if user is None else users[users != user]).astype(np.int64)
        return others

    def sample(self, item: int, user: int | None, size: int) -> IntArray:
        """At most `size` evenly spaced likers, sorted by ascending number of likes.

        A common like of users with few likes is the strongest evidence.
        """
        users = self.likers(item, user)
        if len(users) > size:
            users = users[np.linspace(0, len(users) - 1, size).astype(np.int64)]
        return users[np.lexsort((users, self._n_liked[users]))]

    def in_common(self, one: int, other: int, user: int | None) -> int:
        """The number of users other than `user` who liked both items."""
        few, many = sorted((self.likers(one, user), self.likers(other, user)), key=len)
        if not len(few):
            return 0
        at = np.minimum(np.searchsorted(many, few), len(many) - 1)
        return int(np.count_nonzero(many[at] == few))

    def kind(self, user: int, item: int) -> int:
        """The index of the schema's interaction by which the user liked the item."""
        return int(self._kind[np.searchsorted(self._key, user * self._n_items + item)])

    def liked_sources(self, sources: IntArray, users: IntArray) -> tuple[IntArray, IntArray]:
        """The source nodes that these users liked, grouped by user.

        Returns positions in `sources`, and for each the position of its user in `users`. A repeated user is
        looked up once.
        """
        position, is_source = np.zeros(self._n_items, np.int64), np.zeros(self._n_items, bool)
        items = np.flatnonzero(sources < self._n_items)
        position[sources[items]], is_source[sources[items]] = items, True
        each, again = np.unique(users, return_inverse=True)
        count = self._n_liked[each]
        liked = self._liked.indices[spans(self._liked.indptr[each].astype(np.int64), count)]
        hit = is_source[liked]
        source = position[liked[hit]]
        found = np.bincount(np.repeat(np.arange(len(each)), count)[hit], minlength=len(each))
        start, count = (np.cumsum(found) - found)[again], found[again]
        return source[spans(start, count)], np.repeat(np.arange(len(users)), count)
