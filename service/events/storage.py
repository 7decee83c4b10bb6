"""A durable SQLite file: WAL mode, and a full synchronisation for each commit.

A thread commits what several requests brought together, so that they share one synchronisation. Several
processes of a machine may write to one file.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from kg.errors import OutboxError, OutboxFullError

_TIMEOUT = 10.0
"""Seconds that a process waits for another one's commit."""
_NO_SPACE = 28
"""ENOSPC."""

_T = TypeVar("_T")

Write = Callable[[sqlite3.Connection], _T]


class Storage:
    """One file; safe to share between threads, not across a fork.

    Opened at first use; its folder is made then. Every method raises OutboxFullError if the disk is full, and
    OutboxError if the file cannot be read or written.
    """

    def __init__(self, file: Path, schema: str) -> None:
        """`schema` are the statements that make its tables where they are missing."""
        self.file, self._schema = file, schema
        self._lock = threading.Lock()
        self._queue: SimpleQueue[tuple[Write[Any], Future[Any]]] = SimpleQueue()
        self._reading: sqlite3.Connection | None = None
        self._writer: threading.Thread | None = None
        self.commits = 0
        """How many commits this object has made by `commit`; another process makes others."""

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept here."""
        return self.file.exists()

    def commit(self, write: Write[_T]) -> _T:
        """The result of `write`, once what it wrote is on disk; all of it or, if it raises, nothing.

        It shares its transaction with others that wait at the same time.
        """
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="storage", daemon=True)
                self._writer.start()
        done: Future[_T] = Future()
        self._queue.put((write, done))
        return done.result()

    def change(self, statement: str, rows: Sequence[tuple[str | float, ...]]) -> int:
        """Execute a statement for each row in a transaction of its own; returns how many rows it changed."""
        if not rows:
            return 0
        with self._errors(), self._opened() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            return connection.executemany(statement, rows).rowcount

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from; others wait meanwhile."""
        with self._lock, self._errors():
            if self._reading is None:
                self._reading = self._connected()
            yield self._reading

    def version(self) -> int:
        """A number that changes whenever another connection has written."""
        with self.read() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def _write_all(self) -> None:
        """Commit what waits in the queue, all of it together; runs in a thread of its own."""
        connection: sqlite3.Connection | None = None
        while True:
            waiting = [self._queue.get()]
            while not self._queue.empty():
                waiting.append(self._queue.get())
            try:
                with self._errors():
                    connection = connection or self._connected()
                    found = _together(connection, [write for write, _ in waiting])
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
            full = "full" in str(error) or getattr(error, "errno", None) == _NO_SPACE
            kind = OutboxFullError if full else OutboxError
            raise kind(f"{self.file}: {error}; nothing of this request is kept") from None

    def _connected(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(
            self.file, timeout=_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Set up the file; SQLite does not wait for another process that switches it to WAL just now."""
        end = time.monotonic() + _TIMEOUT
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(self._schema)
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = self._connected()
        try:
            yield connection
        finally:
            connection.close()


def _together(connection: sqlite3.Connection, writes: Sequence[Write[Any]]) -> list[Any]:
    """The results of several writes in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = [write(connection) for write in writes]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return found
