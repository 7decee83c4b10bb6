"""What this process knows of users beyond the model's snapshot: the events of the outbox, in memory."""

import threading
from collections import OrderedDict

from service.events.outbox import Outbox, StoredEvent

MAX_USERS = 100_000
"""Users whose events are kept in memory; those of others are read from the outbox."""
MAX_USER_EVENTS = 1_000
"""The last events of one user that count."""


class LiveEvents:
    """The events of the outbox by user; safe to share between threads.

    Each question looks whether anyone has written to the outbox, so that an event of any process on the
    machine is known to the next request.
    """

    def __init__(self, outbox: Outbox) -> None:
        """Reads the outbox when first asked."""
        self._outbox = outbox
        self._lock = threading.Lock()
        self._users: OrderedDict[str, list[StoredEvent]] = OrderedDict()
        self._some_left_out = False
        self._last = 0
        self._version = -1

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

    def read_anew(self) -> None:
        """Forget what is in memory; what the graph has had for long is then no longer kept here."""
        with self._lock:
            self._users.clear()
            self._last, self._version, self._some_left_out = 0, -1, False

    def _catch_up(self) -> None:
        if not self._outbox.exists:
            return
        version = self._outbox.version()
        if version == self._version:
            return
        for event in self._outbox.since(self._last):
            own = self._users.setdefault(event.user_id, [])
            own.append(event)
            del own[:-MAX_USER_EVENTS]
            self._users.move_to_end(event.user_id)
            if len(self._users) > MAX_USERS:
                self._users.popitem(last=False)
                self._some_left_out = True
            self._last = event.number
        self._version = version
