"""The outbox: events are kept on disk from the reply to the client until the graph has them, and longer."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.events.delivery_log import DeliveryLog, State

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    interaction TEXT NOT NULL,
    value REAL,
    time INTEGER NOT NULL,
    posted TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    delivered_at REAL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS events_by_state ON events (state, number);
CREATE INDEX IF NOT EXISTS events_by_user ON events (user_id);
"""
_COLUMNS = "number, id, user_id, item_id, interaction, value, time, posted, state, delivered_at, reason"


@dataclass(frozen=True)
class StoredEvent:
    """An event as the outbox keeps it."""

    id: str
    user_id: str
    item_id: str
    interaction: str
    """Its type in the graph."""
    value: float | None
    time: int
    """Epoch seconds, UTC."""
    posted: str
    """The event as it was posted, as JSON."""
    number: int = 0
    """Its place among all events, from 1; 0: not kept yet."""
    state: State = "pending"
    delivered_at: float | None = None
    """When the graph had it, epoch seconds."""
    reason: str = ""
    """Why the graph refused it."""


class Outbox(DeliveryLog[StoredEvent]):
    """The events of one home folder; a client names them by their ids."""

    table, schema, columns, key = "events", _SCHEMA, _COLUMNS, "id"

    def add(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Keep events; returns those that are new, with their numbers, once they are on disk.

        All of them or, if it raises, none.
        """
        return self.storage.commit(lambda connection: _inserted(connection, events))

    def since(self, number: int) -> list[StoredEvent]:
        """The events after a number, in order."""
        return self._select("WHERE number > ? ORDER BY number", number)

    def of_user(self, user_id: str) -> list[StoredEvent]:
        """All kept events of one user, in order."""
        return self._select("WHERE user_id = ? ORDER BY number", user_id)

    def last_of_user(self, user_id: str, since: float) -> int:
        """The number of a user's last event that the graph did not have before a moment; 0 without one."""
        last = "SELECT max(number) FROM events WHERE user_id = ? AND coalesce(delivered_at, ?) >= ?"
        with self.storage.read() as connection:
            return connection.execute(last, (user_id, since, since)).fetchone()[0] or 0

    def forget_user(self, user_id: str) -> int:
        """Remove all events of a user; returns how many."""
        return self.storage.change("DELETE FROM events WHERE user_id = ?", [(user_id,)])

    @staticmethod
    def _record(values: dict[str, Any]) -> StoredEvent:
        return StoredEvent(**values)


def _inserted(connection: sqlite3.Connection, events: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Insert events; returns the new ones."""
    insert = (
        "INSERT INTO events (id, user_id, item_id, interaction, value, time, posted, accepted_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    )
    now, new = time.time(), []
    for x in events:
        values = (x.id, x.user_id, x.item_id, x.interaction, x.value, x.time, x.posted, now)
        cursor = connection.execute(insert, values)
        if cursor.rowcount:
            new.append(replace(x, number=int(cursor.lastrowid or 0)))
    return new
