"""The outbox: events are kept on disk from the reply to the client until the graph has them, and longer.

SQLite in WAL mode with a full synchronisation for each commit. A thread commits what several requests brought
together, so that they share one. Several processes of a machine may write to one outbox.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from kg.errors import OutboxError, OutboxFullError

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
_TIMEOUT = 10.0
"""Seconds that a process waits for another one's commit."""


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
        self._lock = threading.Lock()
        self._queue: SimpleQueue[tuple[Sequence[StoredEvent], Future[list[StoredEvent]]]] = SimpleQueue()
        self._reading: sqlite3.Connection | None = None
        self._writer: threading.Thread | None = None
        self.commits = 0
        """How many commits this object has made; another process makes others."""

    @property
    def exists(self) -> bool:
        """Whether any event was ever kept here."""
        return self._file.exists()

    @property
    def _file(self) -> Path:
        return self.folder / "events.sqlite3"

    def add(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Keep events; returns those that are new, with their numbers, once they are on disk.

        All of them or, if it raises, none.
        """
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="outbox", daemon=True)
                self._writer.start()
        done: Future[list[StoredEvent]] = Future()
        self._queue.put((events, done))
        return done.result()

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
        with self._read() as connection:
            return connection.execute(last, (user_id, since, since)).fetchone()[0] or 0

    def listed(self, state: State | None, limit: int) -> list[StoredEvent]:
        """The last events of a state, or of any, newest first."""
        if state is None:
            return self._select("ORDER BY number DESC LIMIT ?", limit)
        return self._select("WHERE state = ? ORDER BY number DESC LIMIT ?", state, limit)

    def counts(self) -> dict[str, int]:
        """The number of events by state."""
        with self._read() as connection:
            return dict(connection.execute("SELECT state, count(*) FROM events GROUP BY state"))

    def version(self) -> int:
        """A number that changes whenever another connection has written."""
        with self._read() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def delivered(self, numbers: Iterable[int]) -> None:
        """The graph has these events."""
        now = time.time()
        rows = [(now, number) for number in numbers]
        self._change(
            "UPDATE events SET state = 'delivered', delivered_at = ?, reason = '' WHERE number = ?", rows
        )

    def refused(self, reasons: Iterable[tuple[int, str]]) -> None:
        """The graph refuses these events, by number, each for a reason."""
        rows = [(reason, number) for number, reason in reasons]
        self._change("UPDATE events SET state = 'dead', reason = ? WHERE number = ?", rows)

    def replay(self, ids: Sequence[str] | None) -> int:
        """Deliver refused events again: these, or all (None); returns how many."""
        update = "UPDATE events SET state = 'pending', reason = '' WHERE state = 'dead'"
        if ids is None:
            return self._change(update, [()])
        return self._change(f"{update} AND id = ?", [(x,) for x in ids])

    def forget_user(self, user_id: str) -> int:
        """Remove all events of a user; returns how many."""
        return self._change("DELETE FROM events WHERE user_id = ?", [(user_id,)])

    def prune(self, delivered_before: float) -> int:
        """Remove events that the graph has had since before a time; returns how many."""
        delete = "DELETE FROM events WHERE state = 'delivered' AND delivered_at < ?"
        return self._change(delete, [(delivered_before,)])

    def _select(self, clause: str, *values: str | float) -> list[StoredEvent]:
        with self._read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM events {clause}", values).fetchall()  # noqa: S608
        return [_event(row) for row in rows]

    def _change(self, statement: str, rows: Sequence[tuple[str | float, ...]]) -> int:
        if not rows:
            return 0
        with self._errors(), _opened(self.folder, self._file) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            return connection.executemany(statement, rows).rowcount

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors():
            if self._reading is None:
                self._reading = _connected(self.folder, self._file)
            yield self._reading

    def _write_all(self) -> None:
        """Commit what waits in the queue, all of it together; runs in a thread of its own."""
        connection: sqlite3.Connection | None = None
        while True:
            waiting = [self._queue.get()]
            while not self._queue.empty():
                waiting.append(self._queue.get())
            try:
                with self._errors():
                    connection = connection or _connected(self.folder, self._file)
                    found = _inserted(connection, [events for events, _ in waiting])
            except Exception as error:  # noqa: BLE001 - every waiting request must be told
                for _, done in waiting:
                    done.set_exception(error)
            else:
                self.commits += 1
                for (_, done), own in zip(waiting, found, strict=True):
                    done.set_result(own)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            full = "full" in str(error) or getattr(error, "errno", None) == 28  # ENOSPC
            kind = OutboxFullError if full else OutboxError
            raise kind(f"{self._file}: {error}; the events of this request are not kept") from None


def _inserted(
    connection: sqlite3.Connection, requests: Sequence[Sequence[StoredEvent]]
) -> list[list[StoredEvent]]:
    """Insert the events of several requests in one transaction; returns the new ones of each."""
    insert = (
        "INSERT INTO events (id, user_id, item_id, interaction, value, time, posted, accepted_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    )
    now, found = time.time(), []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for events in requests:
            new = []
            for x in events:
                values = (x.id, x.user_id, x.item_id, x.interaction, x.value, x.time, x.posted, now)
                cursor = connection.execute(insert, values)
                if cursor.rowcount:
                    new.append(_numbered(x, int(cursor.lastrowid or 0)))
            found.append(new)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return found


def _numbered(event: StoredEvent, number: int) -> StoredEvent:
    return StoredEvent(**{**vars(event), "number": number})


def _event(row: tuple[object, ...]) -> StoredEvent:
    names = _COLUMNS.split(", ")
    return StoredEvent(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]


def _connected(folder: Path, file: Path) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite3.connect(file, timeout=_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Set up the file; SQLite itself does not wait for another process that switches it to WAL just now."""
    end = time.monotonic() + _TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


@contextmanager
def _opened(folder: Path, file: Path) -> Iterator[sqlite3.Connection]:
    connection = _connected(folder, file)
    try:
        yield connection
    finally:
        connection.close()
