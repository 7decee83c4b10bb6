"""What goes into a graph store and comes out of it: rows, columns, runs and counts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

PropertyValue = str | int | float | bool | list[str] | list[int] | list[float] | None
"""What a node or relation may hold; None removes the property, and reads back as None."""


class NodeRow(TypedDict):
    """One node to write; `properties` may not hold `id`."""

    id: str
    properties: dict[str, PropertyValue]


class RelationRow(TypedDict):
    """One relation or interaction to write, by the ids of its ends."""

    head: str
    tail: str
    properties: dict[str, PropertyValue]


class EventRow(TypedDict):
    """One event of one user: interaction type, item id, value and epoch seconds UTC."""

    type: str
    item: str
    value: float | None
    time: int | None


@dataclass(frozen=True)
class NodeColumns:
    """The nodes of one label: ids, and one list of the same length for each property."""

    ids: list[str]
    properties: dict[str, list[Any]]


@dataclass(frozen=True)
class RelationColumns:
    """The relations of one type: the ids of the ends, and one list of the same length for each property."""

    heads: list[str]
    tails: list[str]
    properties: dict[str, list[Any]]


@dataclass(frozen=True)
class UserRecord:
    """All that is stored of one user."""

    properties: dict[str, Any]
    """With the id."""
    relations: list[dict[str, Any]]
    """Each with `type`, `direction` (out: from the user), `properties`, and of the other end `label`, `id`,
    `name`."""


@dataclass(frozen=True)
class GraphCounts:
    """How many nodes each label and how many relations each type has, interactions included."""

    nodes: dict[str, int]
    relations: dict[str, int]


@dataclass(frozen=True)
class ServerInfo:
    """Which server answers."""

    engine: Literal["neo4j", "arcadedb"]
    version: str


@dataclass(frozen=True)
class RunRecord:
    """One ingestion, as the graph remembers it."""

    id: str
    input: str
    """A hash of the mapping and all files."""
    mapping: str
    """A hash of the mapping alone."""
    began: int
    """Epoch seconds, UTC."""
    state: Literal["running", "finished"] = "running"


@dataclass(frozen=True)
class Checkpoint:
    """How much of one file a run has written; stored in the same transaction as the batch it counts."""

    run: str
    place: str
    """The source and the file."""
    rows: int
    """The number of the last row that is done."""
    written: int
    unchanged: int


@dataclass(frozen=True)
class Undone:
    """What undoing a run removed, and how many nodes stay because others use them."""

    nodes: int
    relations: int
    kept: int


class NotNewError(Exception):
    """Something that a batch was to create is there already."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def brought_by(known: str | None, run: str) -> str | None:
    """The provenance of what is there already, once `run` has named it too; None stays None.

    Provenance is the ids of the runs that brought a node or relation, with blanks between, "+" for any after
    the third. What something other than a run wrote has none.
    """
    if known is None or {run, "+"} & set(known.split()):
        return known
    return f"{known} {run if len(known.split()) < 3 else '+'}"


def check_property_names(names: Iterable[str], taken: Iterable[str] = ()) -> None:
    """Refuse what cannot name a property.

    Raises:
        ValueError: a name is in `taken`, or is not made of letters, digits and underscores.
    """
    for name in names:
        if name in taken or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
            raise ValueError(f"{name!r} cannot name a property: letters, digits and _ only, and not id")


def newest_first(event: EventRow) -> tuple[float, str, str]:
    """The order of a user's events, as a key to sort by: those without a time come last."""
    time = event["time"]
    return (float("inf") if time is None else -time, event["item"], event["type"])
