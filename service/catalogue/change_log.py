"""The change log: changes of items and users, on disk from the reply until the graph has them, and longer."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from kg.item_changes import ItemChange, NamedEntity, Operation
from service.events.delivery_log import DeliveryLog, State

Kind = Literal["item", "user"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    operation TEXT NOT NULL,
    body TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    delivered_at REAL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS changes_by_state ON changes (state, number);
CREATE INDEX IF NOT EXISTS changes_by_id ON changes (kind, id, number);
"""
_COLUMNS = "number, kind, id, operation, body, state, delivered_at, reason"


@dataclass(frozen=True)
class StoredChange:
    """A change of one node as the log keeps it."""

    kind: Kind
    id: str
    operation: Operation
    body: str
    """Properties, relations and named entities as in `ItemChange`, as JSON."""
    number: int = 0
    """Its place among all changes, from 1; 0: not kept yet."""
    state: State = "pending"
    delivered_at: float | None = None
    """When the graph had it, epoch seconds."""
    reason: str = ""
    """Why the graph refused it."""

    @classmethod
    def of(cls, kind: Kind, change: ItemChange) -> "StoredChange":
        """A change that is to be kept."""
        body = {name: value for name, value in asdict(change).items() if name not in ("id", "operation")}
        return cls(kind, change.id, change.operation, json.dumps(body, ensure_ascii=False))

    @property
    def change(self) -> ItemChange:
        """What is to be changed."""
        found = json.loads(self.body)
        relations = {kind: tuple(ids) for kind, ids in found["relations"].items()}
        entities = tuple(NamedEntity(**x) for x in found["entities"])
        return ItemChange(self.id, self.operation, found["properties"], relations, entities)


class ChangeLog(DeliveryLog[StoredChange]):
    """The changes of one home folder; a client names them by their numbers."""

    table, schema, columns, key = "changes", _SCHEMA, _COLUMNS, "number"

    def add(self, changes: Sequence[StoredChange]) -> list[StoredChange]:
        """Keep changes in order; returns them with their numbers once they are on disk: all or none."""
        return self.storage.commit(lambda connection: _inserted(connection, changes))

    def last_operation(self, kind: Kind, external_id: str, moment: float) -> Operation | None:
        """The last operation on a node among `missing_since(moment)`; None without one."""
        clause = "WHERE kind = ? AND id = ? AND state <> 'dead' AND coalesce(delivered_at, ?) >= ?"
        found = self._select(f"{clause} ORDER BY number DESC LIMIT 1", kind, external_id, moment, moment)
        return found[0].operation if found else None

    def missing_since(self, moment: float) -> list[StoredChange]:
        """The changes, in order, that the graph did not have before a moment, epoch seconds.

        Those that it refused are not among them.
        """
        clause = "WHERE state <> 'dead' AND coalesce(delivered_at, ?) >= ? ORDER BY number"
        return self._select(clause, moment, moment)

    def of(self, kind: Kind, external_id: str) -> list[StoredChange]:
        """All kept changes of one node, in order."""
        return self._select("WHERE kind = ? AND id = ? ORDER BY number", kind, external_id)

    def forget_user(self, user_id: str) -> int:
        """Remove all changes of a user; returns how many."""
        return self.storage.change("DELETE FROM changes WHERE kind = 'user' AND id = ?", [(user_id,)])

    @staticmethod
    def _record(values: dict[str, Any]) -> StoredChange:
        return StoredChange(**values)


def _inserted(connection: sqlite3.Connection, changes: Sequence[StoredChange]) -> list[StoredChange]:
    insert = "INSERT INTO changes (kind, id, operation, body, accepted_at) VALUES (?, ?, ?, ?, ?)"
    now, found = time.time(), []
    for x in changes:
        cursor = connection.execute(insert, (x.kind, x.id, x.operation, x.body, now))
        found.append(replace(x, number=int(cursor.lastrowid or 0)))
    return found
