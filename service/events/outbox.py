"""The outbox: events are kept on disk from the reply to the client until the graph has them, and longer."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.events.storage import Storage

State = Literal["pending", "delivered", "dead"]

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


class Outbox:
    """The events of one home folder; safe to share between threads, not across a fork."""

    def __init__(self, folder: Path) -> None:
        """Opened at first use; `folder` is made then.

        Raises nothing here. Every method raises OutboxFullError if the disk is full, and OutboxError if the
        file cannot be read or written.
        """
        self.folder = folder
        self.storage = Storage(folder / "events.sqlite3", _SCHEMA)

    @property
    def exists(self) -> bool:
        """Whether any event was ever kept here."""
        return self.storage.exists

    def add(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Keep events; returns those that are new, with their numbers, once they are on disk.

        All of them or, if it raises, none.
        """
        return self.storage.commit(lambda connection: _inserted(connection, events))

    def since(self, number: int) -> list[StoredEvent]:
        """The events after a number, in order."""
        return self._select("WHERE number > ? ORDER BY number", number)

    def pending(self, limit: int) -> list[StoredEvent]:
        """The first events that the graph does not have yet."""
        return self._select("WHERE state = 'pending' ORDER BY number LIMIT ?", limit)

    def of_user(self, user_id: str) -> list[StoredEvent]:
        """All kept events of one user, in order."""
        return self._select("WHERE user_id = ? ORDER BY number", user_id)

    def last_of_user(self, user_id: str, since: float) -> int:
        """The number of a user's last event that the graph did not have before a moment; 0 without one."""
        last = "SELECT max(number) FROM events WHERE user_id = ? AND coalesce(delivered_at, ?) >= ?"
        with self.storage.read() as connection:
            return connection.execute(last, (user_id, since, since)).fetchone()[0] or 0

    def listed(self, state: State | None, limit: int) -> list[StoredEvent]:
        """The last events of a state, or of any, newest first."""
        if state is None:
            return self._select("ORDER BY number DESC LIMIT ?", limit)
        return self._select("WHERE state = ? ORDER BY number DESC LIMIT ?", state, limit)

    def counts(self) -> dict[str, int]:
        """The number of events by state."""
        with self.storage.read() as connection:
            return dict(connection.execute("SELECT state, count(*) FROM events GROUP BY state"))

    def delivered(self, numbers: Iterable[int]) -> None:
        """The graph has these events."""
        now = time.time()
        rows = [(now, number) for number in numbers]
        self.storage.change(
            "UPDATE events SET state = 'delivered', delivered_at = ?, reason = '' WHERE number = ?", rows
        )

    def refused(self, reasons: Iterable[tuple[int, str]]) -> None:
        """The graph refuses these events, by number, each for a reason."""
        rows = [(reason, number) for number, reason in reasons]
        self.storage.change("UPDATE events SET state = 'dead', reason = ? WHERE number = ?", rows)

    def replay(self, ids: Sequence[str] | None) -> int:
        """Deliver refused events again: these, or all (None); returns how many."""
        update = "UPDATE events SET state = 'pending', reason = '' WHERE state = 'dead'"
        if ids is None:
            return self.storage.change(update, [()])
        return self.storage.change(f"{update} AND id = ?", [(x,) for x in ids])

    def forget_user(self, user_id: str) -> int:
        """Remove all events of a user; returns how many."""
        return self.storage.change("DELETE FROM events WHERE user_id = ?", [(user_id,)])

    def prune(self, delivered_before: float) -> int:
        """Remove events that the graph has had since before a time; returns how many."""
        delete = "DELETE FROM events WHERE state = 'delivered' AND delivered_at < ?"
        return self.storage.change(delete, [(delivered_before,)])

    def _select(self, clause: str, *values: str | float) -> list[StoredEvent]:
        with self.storage.read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM events {clause}", values).fetchall()  # noqa: S608
        return [_event(row) for row in rows]


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
            new.append(_numbered(x, int(cursor.lastrowid or 0)))
    return new


def _numbered(event: StoredEvent, number: int) -> StoredEvent:
    return StoredEvent(**{**vars(event), "number": number})


def _event(row: tuple[object, ...]) -> StoredEvent:
    names = _COLUMNS.split(", ")
    return StoredEvent(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
