"""The context of a query for one user: the input of the model, the sources of paths, and exclusions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from embeddings.data.dataset import TimeArray
from embeddings.model.model import UNKNOWN_TIMES, Query
from kg.explanation.paths import Sources
from kg.graph import BoolArray, FloatArray, IntArray
from service.contract import Remark, UserState
from service.paging import FIRST_PAGE, Page
from service.understanding.contract import UnderstoodText


@dataclass(eq=False)
class QueryContext:
    """Filled by the readers of the request's fields, one after another; nodes and items are numbers."""

    n_items: int
    user: int | None = None
    """The user's index; None if the graph does not contain the user."""
    history: dict[int, int | None] = field(default_factory=dict)
    """Liked item -> index of the interaction by which it was liked, or None: stated. Oldest first."""
    likes: dict[int, None] = field(default_factory=dict)
    """Liked entities, oldest first."""
    seen: set[int] = field(default_factory=set)
    """Items that the user did anything with since the snapshot."""
    disliked: dict[int, None] = field(default_factory=dict)
    """Items that the user disliked since the snapshot, and what the request dislikes, oldest first."""
    muted: list[int] = field(default_factory=list)
    """Entities and items that have less weight than they would have."""
    session: dict[int, None] = field(default_factory=dict)
    """Items of the history that belong to this visit, the newest last."""
    text: FloatArray | None = None
    """The unit vector of what the free text wants."""
    times: TimeArray = field(default_factory=lambda: UNKNOWN_TIMES)
    """First, median and last time of the likes that the graph knows."""
    excluded: BoolArray = field(init=False)
    """Items that must not be recommended, bool [n_items]."""
    restricted: bool = False
    """Whether the request itself says which items may be recommended; the ranker then ranks no others."""
    boosts: list[tuple[BoolArray, float]] = field(default_factory=list)
    """Items to rank up or down, bool [n_items], each with a weight from -1 to 1."""
    rejected: list[int] = field(default_factory=list)
    """Entities and items that the free text rejects by name."""
    rejected_meanings: list[int] = field(default_factory=list)
    """Entities that a rejected clause means in other words."""
    rejected_vectors: FloatArray | None = None
    """Unit vectors of the rejected clauses of the free text, one row each."""
    understood: UnderstoodText | None = None
    """The structure of the free text."""
    page: Page = FIRST_PAGE
    """What the pages before showed."""
    shown: BoolArray | None = None
    """The items on the pages before and their near-duplicates, bool [n_items]; they are scored as before."""
    last_event: int = 0
    """The number of the user's last event that counts."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Factors of what scorers contribute, by name."""
    exclusions: list[tuple[str, BoolArray]] = field(default_factory=list)
    """Why items are excluded, each with the items, bool [n_items]."""
    warnings: list[Remark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.excluded = np.zeros(self.n_items, bool)

    def exclude(self, reason: str, items: BoolArray) -> None:
        """Do not recommend these items, bool [n_items]; `reason` completes "3 items ...": "disliked"."""
        self.exclusions.append((reason, items))
        self.excluded |= items

    def exclude_shown(self) -> None:
        """Do not recommend what the pages before showed, once all items are scored."""
        if self.shown is not None:
            self.exclusions.append(("on the pages before", self.shown))
            self.excluded = self.excluded | self.shown  # another array: the query has the one before

    def like(self, node: int, kind: int | None) -> None:
        """Add a liked item or entity; an item that is there already moves to the end, as liked last."""
        if node < self.n_items:
            self.history.pop(node, None)
            self.history[node] = kind
        else:
            self.likes[node] = None

    def dislike(self, node: int) -> None:
        """Add a disliked item or entity; it is liked no more."""
        self.reject([node])
        self.disliked.pop(node, None)
        self.disliked[node] = None

    def reject(self, nodes: Iterable[int]) -> None:
        """Take entities and items out of what is liked; later likes of them count again."""
        for node in nodes:
            self.rejected.append(node)
            self.history.pop(node, None)
            self.session.pop(node, None)
            self.likes.pop(node, None)

    def warn(self, pointer: str, detail: str) -> None:
        """Add a remark on one field of the request; `pointer` is a JSON Pointer (RFC 6901)."""
        self.warnings.append(Remark(pointer=pointer, detail=detail))

    def user_state(self, hot_from: int) -> UserState:
        """How much is known: hot from `hot_from` liked items on, cold without anything."""
        if len(self.history) >= hot_from:
            return "hot"
        return "cold" if self.is_empty() else "warm"

    def is_empty(self) -> bool:
        """Whether nothing is known that the user likes or wants."""
        return not self.history and not self.likes and self.text is None

    def query(self) -> Query:
        """The query that the model scores."""
        return Query(
            _numbers(self.history),
            _numbers(self.likes),
            self.text,
            self.times,
            session=_numbers(self.session),
            excluded=self.excluded if self.restricted else None,
            weights=self.weights,
        )

    def keep_only(self, items: BoolArray, reason: str) -> None:
        """Recommend no others than these items, bool [n_items]; `reason` is as for `exclude`."""
        self.exclude(reason, ~items)
        self.restricted = True

    def sources(self, oldest_weight: float) -> Sources:
        """Where paths begin: liked items, weighted from `oldest_weight` to 1, and stated preferences, 1."""
        n_likes = len(self.likes)
        weights = np.concatenate([np.linspace(1, oldest_weight, len(self.history))[::-1], np.ones(n_likes)])
        kinds = (*self.history.values(), *[None] * n_likes)
        weights[[kind is None for kind in kinds]] = 1
        nodes = np.concatenate([_numbers(self.history), _numbers(self.likes)])
        return Sources(nodes, weights.astype(np.float32), kinds, self.user)


def _numbers(values: Iterable[int]) -> IntArray:
    return np.array(list(values), np.int64)
