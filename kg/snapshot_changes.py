"""What a graph has that an earlier snapshot of it has not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.graph import BoolArray, GraphSnapshot, IntArray, Vocabulary

AnyInts = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class NewSince:
    """The numbers of what came between two snapshots."""

    events: int
    """Events that the earlier one has not, or has with another value or time."""
    users: int
    items: int


def new_since(earlier: GraphSnapshot, now: GraphSnapshot) -> NewSince:
    """Count what `now` has and `earlier` has not, by external ids; what is gone is not counted."""
    users, items = _places(earlier.users, now.users.ids), _places(earlier.items, now.items.ids)
    known = _known_events(earlier, now, users, items)
    return NewSince(int((~known).sum()), int((users < 0).sum()), int((items < 0).sum()))


def _known_events(earlier: GraphSnapshot, now: GraphSnapshot, users: IntArray, items: IntArray) -> BoolArray:
    """Whether `earlier` has each event of `now`; users and items of `now` by their places in `earlier`."""
    old, events = earlier.interactions, now.interactions
    if not len(old.user) or not len(events.user):
        return np.zeros(len(events.user), bool)
    types = {x.type: n for n, x in enumerate(earlier.schema.interactions)}
    kinds = np.array([types.get(x.type, -1) for x in now.schema.interactions])
    user, item, kind = users[events.user], items[events.item], kinds[events.kind]
    keys, own = _keys(earlier, old.user, old.item, old.kind), _keys(earlier, user, item, kind)
    order = np.argsort(keys)
    at = order[np.searchsorted(keys[order], own).clip(max=len(keys) - 1)]
    found: BoolArray = (user >= 0) & (item >= 0) & (kind >= 0) & (keys[at] == own)
    found &= (old.value[at] == events.value) & (old.time[at] == events.time)
    return found


def _keys(snapshot: GraphSnapshot, user: AnyInts, item: AnyInts, kind: AnyInts) -> IntArray:
    """A number for each pair and type."""
    return (user.astype(np.int64) * snapshot.n_items + item) * len(snapshot.schema.interactions) + kind


def _places(vocabulary: Vocabulary, ids: Sequence[str]) -> IntArray:
    found = (vocabulary.find(x) for x in ids)
    return np.fromiter((-1 if n is None else n for n in found), np.int64, len(ids))
