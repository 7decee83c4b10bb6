"""Delivery of events from the outbox into the graph, by one thread on a machine.

Every write sets what is there already, so an event that was written before a crash, and not yet marked, is
written again without a trace. Of several events of one type between the same user and item the graph keeps
the latest.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

import structlog

from kg.errors import GraphError, GraphSchemaError, OutboxError
from kg.schema import GraphSchema
from kg.store.records import RelationRow
from kg.store.store import GraphStore
from service.catalogue.change_log import ChangeLog
from service.catalogue.delivery import deliver_changes
from service.events.delivery_log import isolate_refused
from service.events.outbox import Outbox, StoredEvent
from service.events.types import OWN_INTERACTIONS
from service.file_lock import exclusive_lock

_log = structlog.get_logger()


@dataclass(frozen=True)
class DeliveryConfig:
    """How events are brought into the graph."""

    batch: int = 500
    """The most events of one write."""
    interval: float = 0.2
    """Seconds between two looks at an empty outbox."""
    first_wait: float = 0.5
    """Seconds until the next try where the graph does not answer; doubled for each further one."""
    longest_wait: float = 5.0
    """The most seconds between two tries."""
    keep_delivered: float = 30 * 86_400.0
    """Seconds that a delivered event is kept, so that the same event is known as a duplicate."""
    prune_interval: float = 3_600.0
    """Seconds between two removals of older ones."""


class Delivery:
    """Brings the events of an outbox into the graph; only one at a time does, whichever process it is in."""

    def __init__(
        self,
        outbox: Outbox,
        open_store: Callable[[], GraphStore],
        config: DeliveryConfig | None = None,
        changes: ChangeLog | None = None,
    ) -> None:
        """`open_store` is called when there is something to deliver.

        `changes` of items and users are delivered before the events that may need them.
        """
        self._outbox, self._open_store = outbox, open_store
        self._config, self._changes = config or DeliveryConfig(), changes
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._store: GraphStore | None = None
        self._failures = 0
        self._next_prune = 0.0

    def start(self) -> None:
        """Deliver in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the batch that it writes."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._close()

    def deliver(self) -> int:
        """Write the first batch of pending changes, or else of events; returns how many there were.

        Raises:
            GraphError: the graph does not answer; nothing of the batch is lost.
            OutboxError: the outbox cannot be read or written.
        """
        if changes := self._deliver_changes():
            return changes
        events = self._outbox.pending(self._config.batch) if self._outbox.exists else []
        if not events:
            return 0
        self._store = self._store or self._open_store()
        self._write(self._store, events)
        return len(events)

    def _deliver_changes(self) -> int:
        if self._changes is None or not self._changes.exists or not self._changes.pending(1):
            return 0
        self._store = self._store or self._open_store()
        return deliver_changes(self._changes, self._store, self._config.batch)

    def _run(self) -> None:
        lock = None
        while not self._stop.is_set():
            try:
                lock = lock or self._lock()
                busy = lock is not None and self._step()
            except (GraphError, OutboxError) as error:
                self._failures += 1
                _log.warning("delivery_waits", reason=str(error), failures=self._failures)
                self._close()
                self._stop.wait(self._wait())
                continue
            except Exception as error:  # noqa: BLE001 - the thread has to go on
                self._failures += 1
                _log.error("delivery_failed", exc_info=error)
                self._stop.wait(self._config.longest_wait)
                continue
            self._failures = 0
            if not busy:
                self._stop.wait(self._config.interval)
        if lock:
            lock.close()

    def _step(self) -> bool:
        """Deliver a batch and prune where it is time; returns whether the batch was full."""
        count = self.deliver()
        now = time.time()
        if now >= self._next_prune:
            self._next_prune = now + self._config.prune_interval
            for kept in (self._outbox, self._changes):
                if kept is not None and kept.exists:
                    kept.prune(now - self._config.keep_delivered)
        return count == self._config.batch

    def _wait(self) -> float:
        config = self._config
        longest = min(config.first_wait * 2.0 ** min(self._failures - 1, 10), config.longest_wait)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def _lock(self) -> IO[str] | None:
        """The lock of whoever delivers; None: another process does. The system frees it if this one dies."""
        try:
            self._outbox.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return exclusive_lock(self._outbox.folder / "delivery.lock")
        except OSError as error:
            raise OutboxError(f"{self._outbox.folder}: {error}") from None

    def _close(self) -> None:
        if self._store is not None:
            store, self._store = self._store, None
            store.close()

    def _write(self, store: GraphStore, events: Sequence[StoredEvent]) -> None:
        schema = self._prepared(store, events)
        by_type: dict[str, list[StoredEvent]] = {}
        for event in events:
            by_type.setdefault(event.interaction, []).append(event)
        for interaction, own in by_type.items():
            write = partial(self._write_type, store, schema, interaction)
            isolate_refused(own, write, self._refused, (GraphError,))

    def _refused(self, event: StoredEvent, reason: str) -> None:
        self._outbox.refused([(event.number, reason)])
        _log.warning("event_refused", event_id=event.id, reason=reason)

    def _prepared(self, store: GraphStore, events: Sequence[StoredEvent]) -> GraphSchema:
        """The schema of the graph, with the interactions of the events in it."""
        schema = store.schema()
        known = {x.type for x in schema.interactions}
        new = {x.interaction for x in events} - known
        added = [own for name, own in OWN_INTERACTIONS.items() if name in new]
        if not added:
            return schema
        return store.prepare(schema.model_copy(update={"interactions": (*schema.interactions, *added)}))

    def _write_type(
        self, store: GraphStore, schema: GraphSchema, interaction: str, events: Sequence[StoredEvent]
    ) -> None:
        """Write the events of one type, and mark them as delivered or refused."""
        if interaction not in {x.type for x in schema.interactions}:
            raise GraphSchemaError(f"the graph has no interaction {interaction}")
        item_label, user_label = schema.item.label, schema.user.label
        items = store.stored_nodes(item_label, sorted({x.item_id for x in events}), [])
        taken = [x for x in events if x.item_id in items]
        if taken:
            users = {x.user_id for x in taken}
            known = store.stored_nodes(user_label, sorted(users), [])
            new = sorted(users - set(known))
            if new:
                store.upsert_nodes(user_label, [{"id": x, "properties": {}} for x in new])
            rows = self._newest(store, interaction, taken)
            if rows and store.upsert_relations(interaction, rows) < len(rows):
                raise GraphSchemaError(f"the graph did not take all {interaction} relations")
        self._outbox.delivered(x.number for x in taken)
        missing = [x for x in events if x.item_id not in items]
        self._outbox.refused((x.number, f"no {item_label} has the id {x.item_id!r}") for x in missing)

    @staticmethod
    def _newest(store: GraphStore, interaction: str, events: Sequence[StoredEvent]) -> list[RelationRow]:
        """One row for each user and item: the latest event, if the graph has no later one."""
        latest: dict[tuple[str, str], StoredEvent] = {}
        for event in events:
            pair = (event.user_id, event.item_id)
            if pair not in latest or event.time >= latest[pair].time:
                latest[pair] = event
        stored = store.stored_relations(interaction, list(latest), ["time"])
        return [
            {"head": user, "tail": item, "properties": {"value": event.value, "time": event.time}}
            for (user, item), event in latest.items()
            if not _is_later(stored.get((user, item), {}).get("time"), event.time)
        ]


def _is_later(stored: object, time_of_event: int) -> bool:
    return isinstance(stored, int | float) and stored > time_of_event
