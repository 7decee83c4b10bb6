"""Changes of single items since a snapshot was read, and the snapshot with these changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from kg.graph import BoolArray, GraphSnapshot, IntArray, Triples, Vocabulary
from kg.property_columns import TEXT, with_values
from kg.schema import GROUP_PROPERTY, GraphSchema
from kg.store.records import PropertyValue
from kg.store.stored_values import display_text

Operation = Literal["put", "patch", "delete"]


@dataclass(frozen=True)
class NamedEntity:
    """An entity that a relation leads to, by label and id; it is made where the graph does not have it."""

    label: str
    id: str
    name: str


@dataclass(frozen=True)
class ItemChange:
    """One change of one item; items that the graph does not have are made."""

    id: str
    operation: Operation
    """put: the item is what is given here, and nothing else. patch: what is not given stays."""
    properties: Mapping[str, PropertyValue] = field(default_factory=dict)
    """By name, the item's name and its text among them; None removes one."""
    relations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By type, the ids of all nodes at the other end."""
    entities: tuple[NamedEntity, ...] = ()
    """Entities that these relations may need made."""

    def is_of_properties_alone(self, schema: GraphSchema) -> bool:
        """Whether name, text, group and facts of the item stay as they are, and the item was there before."""
        own = {schema.item.name_property, TEXT, GROUP_PROPERTY}
        return self.operation == "patch" and not self.relations and own.isdisjoint(self.properties)


@dataclass(frozen=True, eq=False)
class ChangedSnapshot:
    """A snapshot with changes; the numbers of the items that were there stay as they are."""

    snapshot: GraphSnapshot
    node_numbers: IntArray
    """The new number of each item and entity of the earlier snapshot, int64."""
    changed: IntArray
    """The items whose text or facts may be others now, and the new ones, int64, ascending."""
    deleted: BoolArray
    """Which items were deleted, bool [n_items]; they keep their number."""


def other_label(schema: GraphSchema, kind: str) -> str | None:
    """The label at the other end of an item's relations of a type; None: the type joins no items.

    Where a type joins items to items, those of an item are the ones that begin at it.
    """
    head, tail = schema.ends[kind]
    item = schema.item.label
    if head == item:
        return tail
    return head if tail == item else None


def item_relations(schema: GraphSchema) -> dict[str, str]:
    """By type, the label at the other end, of all relations that items have."""
    found = ((x.type, other_label(schema, x.type)) for x in schema.relations)
    return {kind: label for kind, label in found if label is not None}


def with_changes(snapshot: GraphSnapshot, changes: Sequence[ItemChange]) -> ChangedSnapshot:
    """The snapshot after some changes, in order; relations to what no node is are left out."""
    grown, numbers = _with_nodes(snapshot, changes)
    return _Changes(grown).apply(changes, numbers, snapshot.n_items)


class _Changes:
    def __init__(self, snapshot: GraphSnapshot) -> None:
        """`snapshot` has all nodes already."""
        self._snapshot, self._schema = snapshot, snapshot.schema
        self._names, self._texts = list(snapshot.names), list(snapshot.texts)
        self._groups = list(snapshot.same_as) or [""] * snapshot.n_items
        self._years = dict(snapshot.years)
        self._properties: dict[int, dict[str, PropertyValue]] = {}
        self._replaced: set[int] = set()
        self._dropped: set[tuple[int, int]] = set()
        self._added: dict[tuple[int, int], tuple[int, ...]] = {}

    def apply(self, changes: Sequence[ItemChange], numbers: IntArray, n_before: int) -> ChangedSnapshot:
        snapshot = self._snapshot
        deleted = np.zeros(snapshot.n_items, bool)
        changed = set(range(n_before, snapshot.n_items))
        for change in changes:
            item = snapshot.items.index(change.id)
            if change.operation != "patch":  # a patch that came too late does not bring an item back
                deleted[item] = change.operation == "delete"
            if change.operation == "put" or change.relations or TEXT in change.properties:
                changed.add(item)
            if change.operation != "delete":
                self._change(item, change)
        grown = replace(
            snapshot,
            names=tuple(self._names),
            texts=tuple(self._texts),
            triples=self._triples(),
            same_as=tuple(self._groups) if any(self._groups) else (),
            years=self._years,
            item_properties=with_values(
                snapshot.item_properties,
                self._schema.item,
                snapshot.n_items,
                self._properties,
                self._replaced,
            ),
        )
        return ChangedSnapshot(grown, numbers, np.array(sorted(changed), np.int64), deleted)

    def _change(self, item: int, change: ItemChange) -> None:
        whole = change.operation == "put"
        if whole:
            self._properties[item] = {}
            self._replaced.add(item)
        self._properties.setdefault(item, {}).update(change.properties)
        name = self._schema.item.name_property
        if whole or name in change.properties:
            self._names[item] = display_text(change.properties.get(name)) or change.id
        if whole or TEXT in change.properties:
            self._texts[item] = display_text(change.properties.get(TEXT), " ") or ""
        if whole or GROUP_PROPERTY in change.properties:
            self._groups[item] = display_text(change.properties.get(GROUP_PROPERTY)) or ""
        kinds = item_relations(self._schema)
        for number, relation in enumerate(self._snapshot.relations):
            if relation in kinds and (whole or relation in change.relations):
                ends = (self._node(kinds[relation], x) for x in change.relations.get(relation, ()))
                self._dropped.add((number, item))
                self._added[number, item] = tuple(dict.fromkeys(x for x in ends if x is not None))

    def _node(self, label: str, external_id: str) -> int | None:
        found = self._snapshot.vocabulary(label).find(external_id)
        return None if found is None else self._snapshot.offsets[label] + found

    def _triples(self) -> Triples:
        facts = self._snapshot.triples
        if not self._dropped:
            return facts
        outward = np.array([self._schema.relation(x).head == self._schema.item.label for x in self._types])
        own = np.where(outward[facts.relation], facts.head, facts.tail).astype(np.int64)
        keys = own * len(self._types) + facts.relation
        kept = ~np.isin(keys, [item * len(self._types) + kind for kind, item in self._dropped])
        rows = [
            (item, kind, other) if outward[kind] else (other, kind, item)
            for (kind, item), others in self._added.items()
            for other in others
        ]
        new = np.array(rows, np.int32).reshape(-1, 3).T
        stays = facts.select(kept)
        return Triples.in_order(*(np.concatenate(x) for x in zip(vars(stays).values(), new, strict=True)))

    @property
    def _types(self) -> tuple[str, ...]:
        return self._snapshot.relations


def _with_nodes(snapshot: GraphSnapshot, changes: Iterable[ItemChange]) -> tuple[GraphSnapshot, IntArray]:
    """The snapshot with all new items and entities, without any fact, and the new number of each node."""
    new: dict[str, dict[str, str]] = {v.label: {} for v in snapshot.vocabularies}
    for change in changes:
        new[snapshot.items.label].setdefault(change.id, change.id)
        for entity in change.entities:
            new[entity.label].setdefault(entity.id, entity.name)
    vocabularies: list[Vocabulary] = []
    names: list[str] = []
    numbers: list[IntArray] = []
    for old in snapshot.vocabularies:
        first = snapshot.offsets[old.label]
        added = {x: name for x, name in new[old.label].items() if x not in old}
        numbers.append(np.arange(len(old)) + len(names))
        vocabularies.append(Vocabulary(old.label, (*old.ids, *added)) if added else old)
        names += [*snapshot.names[first : first + len(old)], *added.values()]
    n_new = len(vocabularies[0]) - snapshot.n_items
    number = np.concatenate(numbers).astype(np.int64)
    facts = snapshot.triples
    grown = replace(
        snapshot,
        vocabularies=tuple(vocabularies),
        names=tuple(names),
        texts=(*snapshot.texts, *[""] * n_new),
        # the numbers grow with the earlier ones, so the triples stay in order
        triples=Triples(
            number[facts.head].astype(np.int32), facts.relation, number[facts.tail].astype(np.int32)
        ),
        same_as=(*snapshot.same_as, *[""] * n_new) if snapshot.same_as else (),
        years={int(number[node]): year for node, year in snapshot.years.items()},
        item_properties=with_values(snapshot.item_properties, snapshot.schema.item, len(vocabularies[0]), {}),
    )
    return grown, number[: snapshot.first_user]
