"""The part of the Bolt store that reads whole labels and types, and one user's events."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from neo4j import Record
from typing_extensions import override

from kg.names import quoted
from kg.schema import SCHEMA_LABEL
from kg.store.bolt_session import BoltSession
from kg.store.records import (
    EventRow,
    GraphCounts,
    NodeColumns,
    RelationColumns,
    check_property_names,
    newest_first,
)
from kg.store.statements import NULL, collected, held
from kg.store.store import EventStore, ReadStore
from kg.store.stored_values import event_time, event_value, stored_ids, texts_of_ids


class BoltReads(BoltSession, ReadStore, EventStore):
    """The read methods of the Bolt store."""

    @override
    def property_names(self, label: str) -> list[str]:
        self._check_label(label)
        statement = f"MATCH (n:{quoted(label)}) UNWIND keys(n) AS name RETURN name, count(*) AS n"
        counts = {row["name"]: -row["n"] for row in self._read(statement) if row["name"] != "id"}
        return sorted(counts, key=lambda name: (counts[name], name))

    @override
    def read_nodes(self, label: str, properties: Sequence[str] = ()) -> NodeColumns:
        self._check_label(label)
        check_property_names(properties)
        wanted = ", ".join(["collect(n.id)", *(collected("n", name) for name in properties)])
        statement = f"UNWIND $trailmix_keys AS key MATCH (n:{quoted(label)} {{id: key}}) RETURN {wanted}"
        ids, *values = self._read_by_key(label, statement, 1 + len(properties))
        return NodeColumns(texts_of_ids(label, ids), dict(zip(properties, values, strict=True)))

    @override
    def read_relations(self, type: str, properties: Sequence[str] = ()) -> RelationColumns:
        head, tail = self._ends(type)
        check_property_names(properties)
        wanted = ", ".join([collected("t", "id"), *(collected("r", name) for name in properties)])
        statement = (
            f"UNWIND $trailmix_keys AS key {_relations_of_key(head, type, tail)} "
            f"RETURN [key] AS head, [count(*)] AS found, {wanted}"
        )
        keys, counts, tails, *values = self._read_by_key(head, statement, 3 + len(properties))
        heads = [
            key for key, count in zip(texts_of_ids(head, keys), counts, strict=True) for _ in range(count)
        ]
        return RelationColumns(heads, texts_of_ids(tail, tails), dict(zip(properties, values, strict=True)))

    @override
    def scan_nodes(self, label: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        self._check_label(label)
        match = f"MATCH (n:{quoted(label)} {{id: key}})"
        statement = f"UNWIND $trailmix_keys AS key {match} RETURN collect(properties(n)) AS found"
        for keys in self._key_batches(label):
            found = self._read(statement, trailmix_keys=keys)[0]["found"]
            ids = texts_of_ids(label, [properties.pop("id") for properties in found])
            yield list(zip(ids, map(held, found), strict=True))

    @override
    def scan_relations(self, type: str) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
        head, tail = self._ends(type)
        statement = (
            f"UNWIND $trailmix_keys AS key {_relations_of_key(head, type, tail)} "
            "RETURN key, collect([t.id, properties(r)]) AS found"
        )
        for keys in self._key_batches(head):
            rows = self._read(statement, trailmix_keys=keys)
            found = [(row["key"], *pair) for row in rows for pair in row["found"]]
            heads = texts_of_ids(head, [key for key, _, _ in found])
            tails = texts_of_ids(tail, [end for _, end, _ in found])
            yield [(h, t, held(x[2])) for h, t, x in zip(heads, tails, found, strict=True)]

    @override
    def read_events(self, user_id: str) -> list[EventRow]:
        schema = self._schema or self.schema()
        user, item = schema.user.label, schema.item.label
        events = [
            _event(x.type, user_id, texts_of_ids(item, [row["item"]])[0], row)
            for x in schema.interactions
            for row in self._read(
                f"UNWIND $trailmix_keys AS key {_relations_of_key(user, x.type, item)} "
                "RETURN t.id AS item, r.value AS value, r.time AS time",
                trailmix_keys=stored_ids(user_id),
            )
        ]
        return sorted(events, key=newest_first)

    @override
    def counts(self) -> GraphCounts:
        schema = self.schema()
        return GraphCounts(
            {
                x.label: self._count(f"MATCH (n:{quoted(x.label)}) RETURN count(n) AS n")
                for x in schema.labels
            },
            {
                name: self._count(f"MATCH ()-[r:{quoted(name)}]->() RETURN count(r) AS n")
                for name in schema.ends
            },
        )

    @override
    def state(self) -> str:
        # our own writes change the identity and the revision; additions and deletions by other clients change
        # the counts, but their updates in place go unnoticed
        counts = self.counts()
        mark = self._read(f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) RETURN s.identity, s.revision")
        return hashlib.sha256(repr((list(map(tuple, mark)), counts)).encode()).hexdigest()[:16]

    def _count(self, statement: str) -> int:
        return int(self._read(statement)[0]["n"])

    def _read_by_key(self, label: str, statement: str, width: int) -> list[list[Any]]:
        """Run a statement for batches of a label's ids (`$trailmix_keys`); returns its `width` columns."""
        columns: list[list[Any]] = [[] for _ in range(width)]
        for keys in self._key_batches(label):
            for record in self._read(statement, trailmix_keys=keys):
                for column, values in zip(columns, record, strict=True):
                    column.extend(values)
        return [[None if x == NULL else x for x in c] if NULL in c else c for c in columns]


def _event(kind: str, user: str, item: str, row: Record) -> EventRow:
    value = None if row["value"] is None else event_value(kind, user, item, row["value"])
    return EventRow(type=kind, item=item, value=value, time=event_time(kind, user, item, row["time"]))


def _relations_of_key(head: str, kind: str, tail: str) -> str:
    """A clause that matches the relations r of a type from the node with the id `key` to nodes t."""
    return f"MATCH (h:{quoted(head)} {{id: key}})-[r:{quoted(kind)}]->(t:{quoted(tail)})"
