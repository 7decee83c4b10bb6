"""The records that a graph store accepts and returns: rows, columns, runs and counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from kg.names import check_name

PropertyValue = str | int | float | bool | list[str] | list[int] | list[float] | None
"""The value of a property; writing None removes the property, and a missing property reads as None."""


End = Literal["head", "tail"]
"""An end of a relation."""


class NodeRow(TypedDict):
    """One node to write; `properties` must not contain `id`."""

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
    """The nodes of one label: ids, and one list of the same length per property."""

    ids: list[str]
    properties: dict[str, list[Any]]


@dataclass(frozen=True)
class RelationColumns:
    """The relations of one type: ids of heads and tails, and one list of the same length per property."""

    heads: list[str]
    tails: list[str]
    properties: dict[str, list[Any]]


@dataclass(frozen=True)
class UserRecord:
    """All stored data of one user."""

    properties: dict[str, Any]
    """The user's properties, including the id."""
    relations: list[dict[str, Any]]
    """Each has `type`, `direction` (out: from the user), `properties`, and `label`, `id` and `name` of the
    other end."""


@dataclass(frozen=True)
class GraphCounts:
    """The number of nodes per label and of relations per type, including interactions."""

    nodes: dict[str, int]
    relations: dict[str, int]


@dataclass(frozen=True)
class BoundedRead:
    """What a statement returned."""

    columns: tuple[str, ...]
    """Their names; empty where ArcadeDB returned no row."""
    rows: list[tuple[Any, ...]]
    seconds: float


@dataclass(frozen=True)
class ServerInfo:
    """The name and version of a server."""

    engine: Literal["neo4j", "arcadedb"]
    version: str


@dataclass(frozen=True)
class RunRecord:
    """The record of one ingestion in the graph."""

    id: str
    input: str
    """The hash of the mapping and all files."""
    mapping: str
    """The hash of the mapping without the files."""
    began: int
    """Start time in epoch seconds, UTC."""
    state: Literal["running", "finished"] = "running"


@dataclass(frozen=True)
class Checkpoint:
    """The progress of a run in one file, stored in the same transaction as the last written batch."""

    run: str
    place: str
    """The source and the file."""
    rows: int
    """The number of the last row that was written."""
    written: int
    unchanged: int


@dataclass(frozen=True)
class Undone:
    """The counts of an undone run: what was removed, and the nodes kept because other data uses them."""

    nodes: int
    relations: int
    kept: int


class NotNewError(Exception):
    """A node or relation that a batch would create already exists."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def brought_by(known: str | None, run: str) -> str | None:
    """The provenance of an existing node or relation after `run` also contains it; None stays None.

    Provenance is the space-separated ids of the runs that contain a node or relation; "+" replaces all ids
    after the third. A node or relation that no run wrote has no provenance.
    """
    if known is None or {run, "+"} & set(known.split()):
        return known
    return f"{known} {run if len(known.split()) < 3 else '+'}"


def check_property_names(names: Iterable[str], taken: Iterable[str] = ()) -> None:
    """Check that the names are valid names of properties.

    Raises:
        ValueError: a name is in `taken`, or is not a name (`kg.names`).
    """
    for name in names:
        if name in taken:
            raise ValueError(f"{name!r} cannot name a property: it is kept for the key")
        try:
            check_name(name)
        except ValueError as error:
            raise ValueError(f"{name!r} cannot name a property: {error}") from None


def newest_first(event: EventRow) -> tuple[float, str, str]:
    """The order of a user's events, as a key to sort by: those without a time come last."""
    time = event["time"]
    return (float("inf") if time is None else -time, event["item"], event["type"])
