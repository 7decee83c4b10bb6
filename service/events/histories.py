"""What users did since a snapshot, by the types of events of its graph."""

from collections.abc import Mapping
from dataclasses import dataclass

from kg.schema import GraphSchema
from service.events.live import LiveEvents
from service.events.outbox import StoredEvent
from service.events.types import EventType, event_types


@dataclass(frozen=True)
class LiveEvent:
    """An event that the snapshot may not have."""

    item_id: str
    kind: int | None
    """The index of its interaction in the schema of the snapshot; None: it has no such interaction."""
    liked: bool
    disliked: bool
    number: int
    """Its place among all events."""
    time: int
    """Epoch seconds, UTC."""


class LiveHistories:
    """The live events of a machine as one snapshot's graph understands them."""

    def __init__(
        self, live: LiveEvents, schema: GraphSchema, configured: Mapping[str, str], since: float
    ) -> None:
        """The snapshot was read at `since`, epoch seconds; `configured` as for `event_types`.

        Raises:
            SettingsError: as `event_types`.
        """
        self._live, self.since = live, since
        self.types = event_types(schema, configured)
        """The types of events that may be posted, by name."""
        self._types = {x.interaction.type: x for x in self.types.values()}
        self._kinds = {x.type: n for n, x in enumerate(schema.interactions)}

    def of(self, user_id: str, until: int | None = None) -> list[LiveEvent]:
        """What a user did since the snapshot, up to an event's number (None: to the last), oldest first.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        found = self._live.of(user_id, self.since)
        return [self._understood(x) for x in found if until is None or x.number <= until]

    def last(self, user_id: str) -> int:
        """The number of the user's last event, 0 without one since the snapshot.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        return self._live.last(user_id, self.since)

    def _understood(self, event: StoredEvent) -> LiveEvent:
        kind = self._types.get(event.interaction)
        return LiveEvent(
            event.item_id,
            self._kinds.get(event.interaction),
            kind is not None and kind.is_like(event.value),
            EventType.is_dislike(event.value),
            event.number,
            event.time,
        )
