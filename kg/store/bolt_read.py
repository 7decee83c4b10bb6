"""The part of the Bolt store that reads whole labels and types, and one user's events."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from typing_extensions import override

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


class BoltReads(BoltSession, ReadStore, EventStore):
    """The read methods of the Bolt store."""

    @override
    def read_nodes(self, label: str, properties: Sequence[str] = ()) -> NodeColumns:
        self._check_label(label)
        check_property_names(properties)
        wanted = ", ".join(["collect(n.id)", *(collected("n", name) for name in properties)])
        statement = f"UNWIND $trailmix_keys AS key MATCH (n:{label} {{id: key}}) RETURN {wanted}"
        ids, *values = self._read_by_key(label, statement, 1 + len(properties))
        return NodeColumns(ids, dict(zip(properties, values, strict=True)))

    @override
    def read_relations(self, type: str, properties: Sequence[str] = ()) -> RelationColumns:
        head, tail = self._ends(type)
        check_property_names(properties)
        wanted = ", ".join(["collect(t.id)", *(collected("r", name) for name in properties)])
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (h:{head} {{id: key}})-[r:{type}]->(t:{tail}) "
            f"RETURN [key] AS head, [count(*)] AS found, {wanted}"
        )
        keys, counts, tails, *values = self._read_by_key(head, statement, 3 + len(properties))
        heads = [key for key, count in zip(keys, counts, strict=True) for _ in range(count)]
        return RelationColumns(heads, tails, dict(zip(properties, values, strict=True)))

    @override
    def scan_nodes(self, label: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        self._check_label(label)
        match = f"MATCH (n:{label} {{id: key}})"
        statement = f"UNWIND $trailmix_keys AS key {match} RETURN collect(properties(n)) AS found"
        for keys in self._key_batches(label):
            found = self._read(statement, trailmix_keys=keys)[0]["found"]
            yield [(properties.pop("id"), held(properties)) for properties in found]

    @override
    def scan_relations(self, type: str) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
        head, tail = self._ends(type)
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (h:{head} {{id: key}})-[r:{type}]->(t:{tail}) "
            "RETURN key, collect([t.id, properties(r)]) AS found"
        )
        for keys in self._key_batches(head):
            rows = self._read(statement, trailmix_keys=keys)
            yield [(row["key"], end, held(properties)) for row in rows for end, properties in row["found"]]

    @override
    def read_events(self, user_id: str) -> list[EventRow]:
        schema = self._schema or self.schema()
        user, item = schema.user.label, schema.item.label
        events = [
            EventRow(type=x.type, item=row["item"], value=row["value"], time=row["time"])
            for x in schema.interactions
            for row in self._read(
                f"MATCH (u:{user} {{id: $trailmix_user}})-[r:{x.type}]->(i:{item}) "
                "RETURN i.id AS item, r.value AS value, r.time AS time",
                trailmix_user=user_id,
            )
        ]
        return sorted(events, key=newest_first)

    @override
    def counts(self) -> GraphCounts:
        schema = self.schema()
        return GraphCounts(
            {x.label: self._count(f"MATCH (n:{x.label}) RETURN count(n) AS n") for x in schema.labels},
            {name: self._count(f"MATCH ()-[r:{name}]->() RETURN count(r) AS n") for name in schema.ends},
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
