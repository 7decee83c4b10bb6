"""What is kept on disk from the reply to the client until the graph has it, and longer."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from kg.errors import GraphServerError, GraphUnavailableError, TrailmixError
from service.events.storage import Storage

State = Literal["pending", "delivered", "dead"]


class Numbered(Protocol):
    """A record of a log."""

    @property
    def number(self) -> int:
        """Its place among all records of the log, from 1."""


RecordT = TypeVar("RecordT")
NumberedT = TypeVar("NumberedT", bound=Numbered)


class DeliveryLog(ABC, Generic[RecordT]):
    """One table of records with a number and a state; safe to share between threads, not across a fork.

    Every method raises OutboxFullError if the disk is full, and OutboxError if the file cannot be read or
    written.
    """

    table: ClassVar[str]
    """Its name; the file has it too."""
    schema: ClassVar[str]
    """The statements that make it, with at least number, state, delivered_at and reason."""
    columns: ClassVar[str]
    """The columns that `_record` takes."""
    key: ClassVar[str]
    """The column by which a client names a record."""

    def __init__(self, folder: Path) -> None:
        """Opened at first use; `folder` is made then."""
        self.folder = folder
        self.storage = Storage(folder / f"{self.table}.sqlite3", self.schema)

    @staticmethod
    @abstractmethod
    def _record(values: dict[str, Any]) -> RecordT:
        """A record from the values of its columns."""

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept here."""
        return self.storage.exists

    def pending(self, limit: int) -> list[RecordT]:
        """The first records that the graph does not have yet."""
        return self._select("WHERE state = 'pending' ORDER BY number LIMIT ?", limit)

    def listed(self, state: State | None, limit: int) -> list[RecordT]:
        """The last records of a state, or of any, newest first."""
        if state is None:
            return self._select("ORDER BY number DESC LIMIT ?", limit)
        return self._select("WHERE state = ? ORDER BY number DESC LIMIT ?", state, limit)

    def counts(self) -> dict[str, int]:
        """The number of records by state."""
        count = f"SELECT state, count(*) FROM {self.table} GROUP BY state"  # noqa: S608
        with self.storage.read() as connection:
            return dict(connection.execute(count))

    def delivered(self, numbers: Iterable[int]) -> None:
        """The graph has these records."""
        now = time.time()
        update = (
            f"UPDATE {self.table} SET state = 'delivered', delivered_at = ?, reason = '' WHERE number = ?"  # noqa: S608
        )
        self.storage.change(update, [(now, number) for number in numbers])

    def refused(self, reasons: Iterable[tuple[int, str]]) -> None:
        """The graph refuses these records, by number, each for a reason."""
        update = f"UPDATE {self.table} SET state = 'dead', reason = ? WHERE number = ?"  # noqa: S608
        self.storage.change(update, [(reason, number) for number, reason in reasons])

    def replay(self, keys: Sequence[str] | Sequence[int] | None) -> int:
        """Deliver refused records again: these, by `key`, or all (None); returns how many."""
        update = f"UPDATE {self.table} SET state = 'pending', reason = '' WHERE state = 'dead'"  # noqa: S608
        if keys is None:
            return self.storage.change(update, [()])
        return self.storage.change(f"{update} AND {self.key} = ?", [(x,) for x in keys])

    def prune(self, delivered_before: float) -> int:
        """Remove records that the graph has had since before a time; returns how many."""
        delete = f"DELETE FROM {self.table} WHERE state = 'delivered' AND delivered_at < ?"  # noqa: S608
        return self.storage.change(delete, [(delivered_before,)])

    def _select(self, clause: str, *values: str | float) -> list[RecordT]:
        select = f"SELECT {self.columns} FROM {self.table} {clause}"  # noqa: S608
        with self.storage.read() as connection:
            rows = connection.execute(select, values).fetchall()
        names = self.columns.split(", ")
        return [self._record(dict(zip(names, row, strict=True))) for row in rows]


def isolate_refused(
    records: Sequence[NumberedT],
    write: Callable[[Sequence[NumberedT]], None],
    refused: Callable[[NumberedT, str], None],
    errors: tuple[type[TrailmixError], ...],
) -> None:
    """Write records; of those that the graph refuses together, find the ones that it refuses alone.

    `errors` say that it refuses them; `refused` is called with each one refused alone, and why.

    Raises:
        GraphUnavailableError, GraphServerError: nothing is wrong with the records.
    """
    try:
        write(records)
    except (GraphUnavailableError, GraphServerError):
        raise
    except errors as error:
        if len(records) == 1:
            refused(records[0], str(error))
            return
        middle = len(records) // 2
        for half in (records[:middle], records[middle:]):
            isolate_refused(half, write, refused, errors)
