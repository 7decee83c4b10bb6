"""Which items a relation joins to the nodes that a filter names."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.sparse as sp

from kg.graph import BoolArray, GraphSnapshot, look
from kg.names import composed
from kg.nearest_name import nearest_of_many
from kg.shown import shown


@dataclass(frozen=True, eq=False)
class JoinedItems:
    """The items that one relation type joins to the nodes of one label, whatever its direction."""

    items: sp.csr_array
    """Nodes of the label x items; an entry is a relation."""

    def mask(self, nodes: Sequence[int] | None = None) -> BoolArray:
        """The items that are joined to one of some nodes, by their index in the label; None: to any."""
        found = np.zeros(self.items.shape[1], bool)
        starts, items = self.items.indptr, self.items.indices
        if nodes is None:
            found[items] = True
        for node in nodes or ():
            found[items[starts[node] : starts[node + 1]]] = True
        return found


def joined_items(snapshot: GraphSnapshot, kind: str, label: str) -> JoinedItems:
    """The items of a relation type that joins items and nodes of `label`; among items in both directions."""
    facts = snapshot.triples.select(snapshot.triples.relation == snapshot.relations.index(kind))
    head, tail = snapshot.schema.ends[kind]
    pairs = [(facts.tail, facts.head)] if head == snapshot.items.label else []
    pairs += [(facts.head, facts.tail)] if tail == snapshot.items.label else []
    nodes, items = (np.concatenate(column) for column in zip(*pairs, strict=True))
    shape = len(snapshot.vocabulary(label)), snapshot.n_items
    there = np.ones(len(items), np.int8), (nodes - snapshot.offsets[label], items)
    return JoinedItems(sp.csr_array(there, shape=shape))


class NodeNames:
    """Finds the nodes of a label by id or name; the names of users are not looked at."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self._snapshot = snapshot
        self._by_look = cache(_ByLook(snapshot))

    def find(self, label: str, text: str) -> tuple[list[int], str]:
        """The indices of the nodes that a text means, and what to say of it, "" for nothing.

        `Label:x` is x. An id is the one node that has it, and with it all of its name where the id is the
        name; any other text is the name of all nodes that have it.
        """
        for own in self._forms(label, text):
            by_id = self._snapshot.vocabulary(label).find(own)
            by_name = self._named(label, own)
            if by_id is not None and by_id not in by_name:
                return [by_id], self._ambiguous(label, own, by_id, by_name)
            if by_name:
                return by_name, ""
        return [], ""

    def unknown(self, label: str, text: str, *, suggest: bool) -> str:
        """What to say of a text that means nothing, if `suggest` with the nearest name."""
        prefix, _, rest = text.partition(":")
        labels = [x.label for x in self._snapshot.schema.labels]
        if rest and composed(prefix) in labels and composed(prefix) != label:
            return f"the relation joins items to {label}, not to {composed(prefix)}"
        own = self._forms(label, text)[0]
        known = self._names(label) if suggest and label != self._snapshot.users.label else ()
        return f"no {label} has the id or name {shown(own)}{nearest_of_many(own, known)}"

    def _forms(self, label: str, text: str) -> list[str]:
        prefix, _, rest = text.partition(":")
        return [rest, text] if rest and composed(prefix) == label else [text]

    def _named(self, label: str, name: str) -> list[int]:
        if label == self._snapshot.users.label:
            return []
        return self._by_look(label).get(look(name), [])

    def _names(self, label: str) -> Sequence[str]:
        first = self._snapshot.offsets[label]
        return self._snapshot.names[first : first + len(self._snapshot.vocabulary(label))]

    def _ambiguous(self, label: str, text: str, by_id: int, by_name: Sequence[int]) -> str:
        if not by_name:
            return ""
        ids = self._snapshot.vocabulary(label).ids
        others = ", ".join(shown(ids[n]) for n in by_name[:3])
        name = shown(self._names(label)[by_id])
        return (
            f"{shown(text)} is the id of {name}, which counts, and the name of {others}; write the id instead"
        )


@dataclass(frozen=True)
class _ByLook:
    """From a label to the indices of its nodes by the look of their names."""

    snapshot: GraphSnapshot

    def __call__(self, label: str) -> dict[str, list[int]]:
        first = self.snapshot.offsets[label]
        found: dict[str, list[int]] = {}
        for n in range(len(self.snapshot.vocabulary(label))):
            found.setdefault(look(self.snapshot.names[first + n]), []).append(n)
        return found
