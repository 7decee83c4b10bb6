"""The interests of a user: what the liked items have in common, against the whole catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from kg.graph import Float64Array, GraphSnapshot, IntArray
from service.found.item import node_ref
from service.profile.contract import Interest

MOST = 20
"""The most entities of a label."""
SHOWN_ITEMS = 5
LEAST_LATE = 5
"""The last liked items are a fifth of them, and at least so many."""
LEAST_AVOIDED = 3
"""An entity is avoided only where the user did something with so many of its items."""


class Interests:
    """Compares histories with the catalogue of a snapshot; safe to share between threads."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _items(self) -> sp.csr_array:
        """Entities x items, ones where a fact joins the two."""
        snapshot, facts = self._snapshot, self._snapshot.triples
        near = np.concatenate([facts.head, facts.tail])
        far = np.concatenate([facts.tail, facts.head])
        own = (near >= snapshot.n_items) & (near < snapshot.first_user) & (far < snapshot.n_items)
        shape = (snapshot.first_user - snapshot.n_items, snapshot.n_items)
        ones = np.ones(int(own.sum()), np.float32)
        matrix = sp.csr_array((ones, (near[own] - snapshot.n_items, far[own])), shape=shape)
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    @cached_property
    def _shares(self) -> Float64Array:
        """The share of all items that have each entity, float64 [entities]."""
        return np.diff(self._items.indptr) / max(self._snapshot.n_items, 1)

    @cached_property
    def _labels(self) -> IntArray:
        """The place of each entity's label among the schema's, int64 [entities]."""
        sizes = [len(v) for v in self._snapshot.vocabularies[1:-1]]
        return np.repeat(np.arange(len(sizes)), sizes)

    def of(
        self, liked: Sequence[int], not_liked: Sequence[int]
    ) -> tuple[dict[str, list[Interest]], dict[str, list[Interest]]]:
        """Interests, and what is avoided, by label; `liked` are items, oldest first."""
        late = liked[-max(len(liked) // 5, LEAST_LATE) :]
        have, late_have, others = (self._counts(x) for x in (liked, late, not_liked))
        weight = have / max(len(liked), 1)
        lift = weight / np.maximum(self._shares, 1e-12)
        strength = np.where(lift > 1, weight * np.log(np.maximum(lift, 1)), 0.0)
        seen = have + others
        usual = len(liked) / max(len(liked) + len(not_liked), 1)
        few = (seen >= LEAST_AVOIDED) & (have / np.maximum(seen, 1) < usual / 2)
        avoided = np.where(few, others, 0.0)

        counts = _Counts(liked, weight, late_have / max(len(late), 1), lift, have, others)
        return self._told(strength, counts), self._told(avoided, counts)

    def _told(self, values: Float64Array, counts: "_Counts") -> dict[str, list[Interest]]:
        """The entities with the highest values, by label."""
        found = self._by_label(values)
        return {label: [self._interest(x, counts) for x in entities] for label, entities in found.items()}

    def _interest(self, entity: int, counts: "_Counts") -> Interest:
        node = self._snapshot.n_items + entity
        starts = self._items.indptr
        own = set(self._items.indices[starts[entity] : starts[entity + 1]].tolist())
        newest = [item for item in reversed(counts.liked) if item in own][:SHOWN_ITEMS]
        return Interest(
            id=self._snapshot.locate(node)[1],
            name=self._snapshot.names[node],
            weight=round(float(counts.weight[entity]), 4),
            lately=round(float(counts.lately[entity]), 4),
            lift=round(float(counts.lift[entity]), 2),
            liked_items=int(counts.have[entity]),
            other_items=int(counts.others[entity]),
            items=[node_ref(self._snapshot, item) for item in newest],
        )

    def _counts(self, items: Sequence[int]) -> Float64Array:
        """How many of the items have each entity, float64 [entities]."""
        chosen = np.zeros(self._snapshot.n_items, np.float32)
        chosen[list(items)] = 1
        return np.asarray(self._items @ chosen, np.float64)

    def _by_label(self, values: Float64Array) -> dict[str, list[int]]:
        """The entities with the highest positive values, by label."""
        order = np.argsort(-values, kind="stable")
        order = order[values[order] > 0]
        names = [v.label for v in self._snapshot.vocabularies[1:-1]]
        found = {name: order[self._labels[order] == n][:MOST].tolist() for n, name in enumerate(names)}
        return {name: entities for name, entities in found.items() if entities}


@dataclass(frozen=True, eq=False)
class _Counts:
    """How a history has each entity, float64 [entities] each."""

    liked: Sequence[int]
    weight: Float64Array
    lately: Float64Array
    lift: Float64Array
    have: Float64Array
    others: Float64Array
