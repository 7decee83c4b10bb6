"""What `POST /events` takes and answers."""

import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, Field, JsonValue, ValidationError, field_validator

from service.contract import Contract, Id
from service.events.outbox import StoredEvent
from service.events.types import EventType
from service.json_lines import read_values
from service.problems import field_advice, json_pointer

MAX_EVENTS = 1_000
MAX_CONTEXT = 10_000
"""Characters of an event's context as JSON."""
FIRST_TIME = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
LATEST_AHEAD = 86_400.0
"""Seconds that a timestamp may lie in the future: clocks differ, and some write local time."""


class PostedEvent(Contract):
    """One event."""

    event_id: Id | None = Field(
        None,
        description="An event of an accepted id is a duplicate; without an id, every post counts.",
    )
    type: str = Field(description="An interaction of the graph, or one of the types in docs/http-api.md.")
    user_id: Id = Field(description="A user; an id that nobody has is a new user.")
    item_id: Id = Field(description="An item.")
    value: float | None = Field(None, allow_inf_nan=False, description="Such as a rating.")
    timestamp: float | str | None = Field(
        None, description="Seconds since 1970 or ISO 8601; one without an offset is UTC. The default is now."
    )
    request_id: str | None = Field(
        None, max_length=128, description="Of the recommendation that led to the event."
    )
    context: dict[str, JsonValue] | None = Field(
        None, description="Anything else; it is kept with the event."
    )

    @field_validator("timestamp")
    @classmethod
    def _seconds(cls, given: float | str | None) -> float | None:
        if given is None:
            return None
        seconds = _parsed(given) if isinstance(given, str) else given
        if FIRST_TIME <= seconds / 1000 <= time.time() + LATEST_AHEAD:
            raise ValueError(f"{given} looks like milliseconds; send seconds since 1970")
        if not FIRST_TIME <= seconds <= time.time() + LATEST_AHEAD:
            raise ValueError(f"{given} is before 1990 or in the future; send seconds since 1970, or ISO 8601")
        return seconds

    @field_validator("context")
    @classmethod
    def _short(cls, given: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        if given is not None and len(json.dumps(given)) > MAX_CONTEXT:
            raise ValueError(f"has more than {MAX_CONTEXT:,} characters as JSON")
        return given


class RejectedEvent(BaseModel):
    """Why an event was not taken."""

    index: int
    """Its place among the events of the request, from 0."""
    pointer: str
    """A JSON Pointer into the event; "" is the whole event."""
    reason: str


class EventsAnswer(BaseModel):
    """How many events are kept now, and which are not."""

    accepted: int
    duplicates: int
    rejected: list[RejectedEvent]


def read_events(
    body: bytes, mimetype: str, types: Mapping[str, EventType]
) -> tuple[list[StoredEvent], list[RejectedEvent]]:
    """The events of a request body, and why others are not taken.

    Raises:
        InvalidRequestError: the body cannot be read at all, or has too many events.
    """
    given = read_values(body, mimetype, MAX_EVENTS, "events", wrapped="events")
    accepted: list[StoredEvent] = []
    rejected: list[RejectedEvent] = []
    for index, one in enumerate(given):
        try:
            accepted.append(_stored(PostedEvent.model_validate(one), types))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            advice = field_advice(first, list(PostedEvent.model_fields))
            rejected.append(RejectedEvent(index=index, pointer=json_pointer(first), reason=advice))
        except _RejectedError as error:
            rejected.append(RejectedEvent(index=index, pointer=error.pointer, reason=str(error)))
    return accepted, rejected


class _RejectedError(Exception):
    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(reason)
        self.pointer = pointer


def _stored(event: PostedEvent, types: Mapping[str, EventType]) -> StoredEvent:
    kind = types.get(event.type)
    if kind is None:
        raise _RejectedError(
            "/type", f"no event type is called {event.type[:80]!r}; there are {', '.join(types)}"
        )
    return StoredEvent(
        id=event.event_id or uuid.uuid4().hex,
        user_id=event.user_id,
        item_id=event.item_id,
        interaction=kind.interaction.type,
        value=kind.value_of(event.value),
        time=int(time.time() if event.timestamp is None else event.timestamp),
        posted=event.model_dump_json(exclude_none=True),
    )


def _parsed(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no time; send seconds since 1970, or ISO 8601") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
