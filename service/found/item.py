"""What the graph knows of one item."""

from functools import cached_property

import numpy as np

from kg.errors import UnknownIdError
from kg.explanation.adjacency import FactAdjacency
from kg.graph import GraphSnapshot, IntArray
from service.contract import PathNode
from service.found.contract import ItemAnswer, ItemFact
from service.request_reader import Lookups


class ItemView:
    """Shows items of a snapshot; safe to share between threads."""

    def __init__(self, lookups: Lookups, facts: FactAdjacency) -> None:
        self._snapshot, self._lookups, self._facts = lookups.snapshot, lookups, facts

    def show(self, item_id: str) -> ItemAnswer:
        """The item of an id.

        Raises:
            UnknownIdError: no item has it, or the item was deleted.
        """
        snapshot = self._snapshot
        item = snapshot.items.index(item_id)
        if self._lookups.is_deleted(item):
            raise UnknownIdError(snapshot.items.label, item_id)
        return ItemAnswer(
            item_id=item_id,
            label=snapshot.items.label,
            title=snapshot.names[item],
            display_title=snapshot.display_names[item],
            text=snapshot.texts[item],
            facts=self._facts_of(item),
            likes=int(self._likes[item]),
            near_duplicates=self._near_duplicates(item),
        )

    def _facts_of(self, item: int) -> list[ItemFact]:
        """In the order of the schema's relations, then of the nodes."""
        entries, _ = self._facts.rows(np.array([item]))
        order = np.lexsort((self._facts.neighbour[entries], self._facts.relation[entries]))
        found = []
        for entry in entries[order].tolist():
            node, edge = int(self._facts.neighbour[entry]), self._facts.edge(entry)
            if not self._lookups.is_deleted(node):
                found.append(
                    ItemFact(
                        relation=edge.relation, direction=edge.direction, node=node_ref(self._snapshot, node)
                    )
                )
        return found

    def _near_duplicates(self, item: int) -> list[PathNode]:
        group = self._snapshot.item_group
        others = np.flatnonzero(group == group[item]).tolist()
        return [node_ref(self._snapshot, n) for n in others if n != item and not self._lookups.is_deleted(n)]

    @cached_property
    def _likes(self) -> IntArray:
        """The number of users who liked each item, int64 [n_items]."""
        return np.bincount(self._snapshot.liked.indices, minlength=self._snapshot.n_items)


def node_ref(snapshot: GraphSnapshot, node: int) -> PathNode:
    """An item or entity by label, id and name."""
    label, external_id = snapshot.locate(node)
    return PathNode(label=label, id=external_id, name=snapshot.names[node])
