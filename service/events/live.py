"""What this process knows of users beyond the model's snapshot: the events of the outbox, in memory."""

import threading
import time
from collections import OrderedDict
from dataclasses import replace

from service.events.outbox import Outbox, StoredEvent

MAX_EVENTS = 200_000
"""Events in memory, some 400 bytes each; those of users beyond are read from the outbox."""
LOOK_INTERVAL = 0.2
"""Seconds between two looks at what other processes have written."""
MAX_USER_EVENTS = 1_000
"""The last events of one user that count."""


class LiveEvents:
    """The events of the outbox by user; safe to share between threads.

    What this process has written to the outbox is known to the next question, what others on the machine have
    written a moment later.
    """

    def __init__(self, outbox: Outbox) -> None:
        """Reads the outbox when first asked."""
        self._outbox = outbox
        self._lock = threading.Lock()
        self._users: OrderedDict[str, list[StoredEvent]] = OrderedDict()
        self._n_events = 0
        self._some_left_out = False
        self._last = 0
        self._version = -1
        self._commits = -1
        self._next_look = 0.0

    def of(self, user_id: str, since: float) -> list[StoredEvent]:
        """The events of a user, by time, that the graph did not have before a moment, epoch seconds.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        with self._lock:
            self._catch_up()
            own = self._users.get(user_id, [])
            if not own and self._some_left_out:
                own = self._outbox.of_user(user_id)[-MAX_USER_EVENTS:]
            new = [x for x in own if x.delivered_at is None or x.delivered_at >= since]
        return sorted(new, key=lambda x: (x.time, x.number))

    def last(self, user_id: str, since: float) -> int:
        """The number of a user's last event; 0 where the graph had it before a moment, or there is none.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        with self._lock:
            self._catch_up()
            own = self._users.get(user_id)
            if not own:
                return self._outbox.last_of_user(user_id, since) if self._some_left_out else 0
            last = own[-1]
            return last.number if last.delivered_at is None or last.delivered_at >= since else 0

    def read_anew(self) -> None:
        """Forget what is in memory; what the graph has had for long is then no longer kept here."""
        with self._lock:
            self._users.clear()
            self._last, self._version, self._some_left_out, self._n_events = 0, -1, False, 0
            self._next_look = 0.0

    def _catch_up(self) -> None:
        commits, now = self._outbox.storage.commits, time.monotonic()
        if commits == self._commits and now < self._next_look:
            return
        self._commits, self._next_look = commits, now + LOOK_INTERVAL
        if not self._outbox.exists:
            return
        version = self._outbox.storage.version()
        if version == self._version:
            return
        for event in self._outbox.since(self._last):
            self._remember(event)
            self._last = event.number
        self._version = version

    def _remember(self, event: StoredEvent) -> None:
        if self._some_left_out and event.user_id not in self._users:
            return  # what is kept of a user in memory is all that there is
        own = self._users.setdefault(event.user_id, [])
        own.append(replace(event, posted=""))
        self._n_events += 1
        if len(own) > MAX_USER_EVENTS:
            del own[0]
            self._n_events -= 1
        self._users.move_to_end(event.user_id)
        while self._n_events > MAX_EVENTS and len(self._users) > 1:
            _, gone = self._users.popitem(last=False)
            self._n_events -= len(gone)
            self._some_left_out = True
