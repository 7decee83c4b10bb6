"""What this process knows of items and users beyond a snapshot: the changes of the change log."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from kg.item_changes import ItemChange
from service.catalogue.change_log import ChangeLog, StoredChange

LOOK_INTERVAL = 0.2
"""Seconds between two looks at what other processes have written."""


@dataclass(frozen=True)
class MissingChanges:
    """The changes that a snapshot does not have."""

    changes: Sequence[StoredChange] = ()

    @property
    def last(self) -> int:
        """The number of the last one; 0 without one."""
        return self.changes[-1].number if self.changes else 0

    def after(self, earlier: "MissingChanges") -> "MissingChanges | None":
        """Those that came after earlier ones; None: not all of the earlier ones are among these."""
        n = len(earlier.changes)
        same = [x.number for x in self.changes[:n]] == [x.number for x in earlier.changes]
        return MissingChanges(self.changes[n:]) if same else None

    @property
    def items(self) -> list[ItemChange]:
        """Those of items, in order."""
        return [x.change for x in self.changes if x.kind == "item"]

    @property
    def users(self) -> list[ItemChange]:
        """Those of users, in order."""
        return [x.change for x in self.changes if x.kind == "user"]


class LiveCatalogue:
    """The changes of a change log; safe to share between threads.

    What this process has written is known at once, what others on the machine have written a moment later.
    """

    def __init__(self, log: ChangeLog) -> None:
        """Reads the log when first asked."""
        self._log = log
        self._lock = threading.Lock()
        self._version = -1
        self._commits = -1
        self._next_look = 0.0
        self._number = 0

    def version(self) -> int:
        """A number that grows whenever the log has changed.

        Raises:
            OutboxError: the log cannot be read.
        """
        with self._lock:
            commits, now = self._log.storage.commits, time.monotonic()
            if commits == self._commits and now < self._next_look:
                return self._number
            self._commits, self._next_look = commits, now + LOOK_INTERVAL
            if self._log.exists:
                version = self._log.storage.version()
                self._number += version != self._version
                self._version = version
            return self._number

    def missing_since(self, moment: float) -> MissingChanges:
        """The changes that a snapshot which was read at a moment, epoch seconds, may not have.

        Raises:
            OutboxError: the log cannot be read.
        """
        return MissingChanges(self._log.missing_since(moment) if self._log.exists else ())
