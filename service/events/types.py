"""The types of events that the service accepts, and what each is in the graph."""

from collections.abc import Mapping
from dataclasses import dataclass

from kg.errors import SettingsError
from kg.schema import GraphSchema, InteractionSchema

NEVER_LIKED = 1.0
"""The least value of a like, for interactions whose events have a lower value."""

_TYPES = {
    "view": ("VIEWED", "viewed", 0.0),
    "click": ("CLICKED", "clicked", 0.0),
    "purchase": ("PURCHASED", "bought", NEVER_LIKED),
    "dislike": ("DISLIKED", "disliked", -1.0),
    "not_interested": ("NOT_INTERESTED", "dismissed", -1.0),
}
"""By type: the interaction, its verb, and the value of its events."""

OWN_INTERACTIONS: Mapping[str, InteractionSchema] = {
    interaction: InteractionSchema(type=interaction, liked_at_least=NEVER_LIKED, verb=verb)
    for interaction, verb, _ in _TYPES.values()
}
"""The interactions of these types, which are added to a graph with the first event of the type."""


@dataclass(frozen=True)
class EventType:
    """One type of event."""

    name: str
    """The `type` of a posted event."""
    interaction: InteractionSchema
    """What the event is in the graph; added to the schema where the graph does not have it yet."""
    value: float | None = None
    """The value of such an event in the graph; None: the event's own."""

    def value_of(self, given: float | None) -> float | None:
        """The value in the graph of an event that was posted with this value."""
        return given if self.value is None else self.value

    def is_like(self, value: float | None) -> bool:
        """Whether an event with this value in the graph counts as liked, as in training."""
        return value is None or value >= max(self.interaction.liked_at_least or 0.0, 0.0)

    @staticmethod
    def is_dislike(value: float | None) -> bool:
        """Whether an event with this value in the graph counts as disliked."""
        return value is not None and value < 0


def event_types(schema: GraphSchema, configured: Mapping[str, str]) -> dict[str, EventType]:
    """All types by name: the interactions of the graph, `view`, `click`, `purchase`, `dislike` and
    `not_interested`, and those of `TRAILMIX_EVENT_TYPES`, each `INTERACTION` or `INTERACTION=value`.

    Raises:
        SettingsError: a configured type is an interaction that the graph does not have, or has a bad value.
    """
    stored = {x.type: x for x in schema.interactions}
    found = {name: EventType(name, interaction) for name, interaction in stored.items()}
    for name, (interaction, _, value) in _TYPES.items():
        own = stored.get(interaction, OWN_INTERACTIONS[interaction])
        found.setdefault(name, EventType(name, own, value))
    for name, target in configured.items():
        interaction, _, number = target.partition("=")
        if interaction not in stored:
            raise SettingsError(
                f"TRAILMIX_EVENT_TYPES: {name!r} is {interaction!r}, which is no interaction of the graph; "
                f"it has {', '.join(stored)}"
            )
        found[name] = EventType(name, stored[interaction], _number(name, number))
    return found


def _number(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"TRAILMIX_EVENT_TYPES: the value of {name!r} is {text!r}, no number") from None
