"""The protocols of a graph store, one per capability; a function requires only those that it uses.

    SchemaStore                the schema of the graph
    ├── ReadStore              all nodes and relations, as columns or in batches
    ├── WriteStore             nodes and relations written outside of ingestion runs
    ├── EventStore             one user's events
    ├── PrivacyStore           all stored data of one user, and its deletion
    └── RunStore               ingestions: batches with their provenance, checkpoints, undoing
        GraphStore             all of these
        └── ServerStore        a GraphStore and a BoundedReadStore on a server, which also answers free Cypher
    BoundedReadStore           reading statements of an administrator, within bounds
    └── RuleStore              the same, and which ids exist

A store is a class that passes the contract suite `tests/store_contract.py`; only `connect.py` names the
class. Every method of a store on a server raises GraphUnavailableError if no server answers or the server
refuses the login, and QueryError if the server refuses a statement.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

from kg.schema import GraphSchema
from kg.store.connection import Connection
from kg.store.records import (
    BoundedRead,
    Checkpoint,
    End,
    EventRow,
    GraphCounts,
    NodeColumns,
    NodeRow,
    RelationColumns,
    RelationRow,
    RunRecord,
    ServerInfo,
    Undone,
    UserRecord,
)


class SchemaStore(Protocol):
    """Reads and extends the schema of the graph."""

    def schema(self) -> GraphSchema:
        """The current schema of the graph.

        Raises:
            GraphSchemaError: the graph has no schema, because nothing was ingested.
        """

    def prepare(self, schema: GraphSchema) -> GraphSchema:
        """Merge `schema` into the stored schema and create its constraints; returns the merged schema.

        Raises:
            GraphSchemaError: the stored schema conflicts with `schema`.
        """


class ReadStore(SchemaStore, Protocol):
    """Reads whole labels and types, in no particular order.

    Every method with a label or type argument raises GraphSchemaError if the schema does not contain it.
    """

    def property_names(self, label: str) -> list[str]:
        """The names of all properties that a node of a label has, but for `id`, the commonest first."""

    def read_nodes(self, label: str, properties: Sequence[str] = ()) -> NodeColumns:
        """All nodes of a label; a property that a node lacks is None.

        Raises:
            ValueError: a property has no proper name.
        """

    def read_relations(self, type: str, properties: Sequence[str] = ()) -> RelationColumns:  # noqa: A002
        """All relations or interactions of a type, grouped by head; a property that one lacks is None.

        Raises:
            ValueError: a property has no proper name.
        """

    def scan_nodes(self, label: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        """All nodes of a label in batches of (id, all properties except the id)."""

    def scan_relations(self, type: str) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:  # noqa: A002
        """All relations or interactions of a type in batches of (head id, tail id, all properties)."""

    def counts(self) -> GraphCounts:
        """The number of nodes per label and of relations per type of the schema."""

    def state(self) -> str:
        """A version string of the content, in hex digits; it changes whenever the content may have changed.

        Every write of Trailmix changes it, except a write of provenance only.

        Raises:
            GraphSchemaError: the graph has no schema, because nothing was ingested.
        """


class WriteStore(SchemaStore, Protocol):
    """Writes nodes and relations outside of ingestion runs; undoing a run does not remove them.

    Every method with a label or type argument raises GraphSchemaError if the schema does not contain it, and
    ValueError if the name of a property is invalid.
    """

    def upsert_nodes(self, label: str, rows: Sequence[NodeRow]) -> None:
        """Create the nodes, or set the given properties of those that exist; the last row of an id wins."""

    def upsert_relations(self, type: str, rows: Sequence[RelationRow]) -> int:  # noqa: A002
        """Create relations or interactions, or set the given properties of those that exist.

        There is at most one relation of a type from one head to one tail. Rows without an existing head and
        tail are skipped; returns the number of the other rows.
        """

    def delete_relations(self, type: str, *, but: tuple[str, str]) -> int:  # noqa: A002
        """Delete the relations of a type whose property `but[0]` is not `but[1]`; returns their number."""

    def replace_nodes(self, label: str, rows: Sequence[NodeRow]) -> None:
        """Create the nodes, or give those that exist these properties and no others."""

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Delete nodes with all their relations; returns how many nodes there were.

        After an interruption, calling it again completes the deletion.
        """

    def delete_relations_of(self, type: str, ids: Sequence[str], *, end: End) -> int:  # noqa: A002
        """Delete all relations of a type that have one of these nodes at that end; returns their number."""

    def clear(self) -> None:
        """Delete all nodes, relations, runs and the schema."""


class EventStore(SchemaStore, Protocol):
    """Reads one user's events."""

    def read_events(self, user_id: str) -> list[EventRow]:
        """One user's events of every interaction type, newest first; those without a time come last."""


class PrivacyStore(SchemaStore, Protocol):
    """Reads and deletes all stored data of one user."""

    def read_user(self, user_id: str) -> UserRecord | None:
        """All stored data of one user, or None if the user is unknown."""

    def delete_user(self, user_id: str) -> int | None:
        """Delete a user with all events and other relations; returns their number, None for an unknown user.

        After an interruption, calling it again completes the deletion.
        """


class RunStore(SchemaStore, Protocol):
    """Stores ingestion runs: their batches and checkpoints, and undoes them.

    A batch is one transaction with its nodes, its relations and its checkpoint. Every node and relation that
    it creates has the property `trailmix_run`, its provenance (see `records.brought_by`).
    """

    def begin_run(self, run: RunRecord) -> None:
        """Store the record of a run that begins."""

    def end_run(self, run_id: str) -> None:
        """Mark the run as finished, and delete its checkpoints."""

    def runs(self) -> list[RunRecord]:
        """All runs that were not undone, oldest first."""

    def checkpoints(self, run_id: str) -> dict[str, Checkpoint]:
        """The checkpoints of an unfinished run, by place."""

    def has_nodes(self, label: str) -> bool:
        """Whether the graph has any node of a label of the schema."""

    def has_relations(self, kind: str) -> bool:
        """Whether the graph has any relation or interaction of a type of the schema."""

    def stored_nodes(
        self, label: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """The given properties of the nodes that exist, by id."""

    def stored_relations(
        self, kind: str, pairs: Sequence[tuple[str, str]], properties: Sequence[str]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """The given properties of the relations that exist, by (head id, tail id)."""

    def write_batch(
        self,
        nodes: Mapping[str, Sequence[NodeRow]],
        relations: Mapping[str, Sequence[RelationRow]],
        checkpoint: Checkpoint,
        *,
        new: Collection[str] = (),
        changes: bool = True,
    ) -> None:
        """Write a batch and its checkpoint in one transaction; `changes` is false for provenance only.

        The provenance of the rows is the run of the checkpoint, unless a row has its own `trailmix_run`.

        Raises:
            NotNewError: a row of a label or type in `new` already exists; nothing was written.
            GraphError: the head or tail of a relation does not exist; nothing was written.
        """

    def undo_run(self, run_id: str) -> Undone:
        """Remove the nodes and relations that only this run contains; can be repeated after an interruption.

        Nodes and relations of other runs stay, and so do nodes with remaining relations. Properties of
        earlier nodes and relations that the run changed keep their new values.

        Raises:
            UnknownIdError: no run has that id.
        """


class BoundedReadStore(SchemaStore, Protocol):
    """Runs Cypher statements that an administrator wrote and that may only read, within bounds."""

    def check_read(
        self,
        statement: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float,
        procedures: Collection[str] = (),
    ) -> None:
        """Check a statement without running it, by its text and by the engine's EXPLAIN.

        Raises:
            StatementRefusedError: it writes, calls what is not one of `procedures` or not a known function,
                might not end, names a label or type that the schema lacks, or is no Cypher.
        """

    def bounded_read(
        self, statement: str, parameters: Mapping[str, Any], *, timeout: float, max_rows: int
    ) -> BoundedRead:
        """Run a statement that was checked; it ends at the latest after `timeout` seconds or `max_rows` rows.

        Raises:
            StatementRefusedError: it failed, wrote, or went over a bound; it does not go on.
        """


class RuleStore(BoundedReadStore, Protocol):
    """Runs the queries of rules, and says which of the ids that they return exist."""

    def stored_nodes(
        self, label: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """As `RunStore.stored_nodes`."""


class GraphStore(ReadStore, WriteStore, EventStore, PrivacyStore, RunStore, Protocol):
    """A property graph with all capabilities, and a context manager that closes it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_exception: object) -> None: ...

    def close(self) -> None:
        """Close the connections."""


class ServerStore(GraphStore, BoundedReadStore, Protocol):
    """A graph store on a server that speaks Bolt; it connects when first used."""

    connection: Connection

    def info(self) -> ServerInfo:
        """The name and version of the server, e.g. neo4j 5.26.30."""

    def query(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout: float = 30.0,
        write: bool = False,
    ) -> list[dict[str, Any]]:
        """Run any Cypher statement and return its records as plain values; `timeout` is in seconds.

        Neo4j ends the statement when its client disconnects; the managed ArcadeDB continues it for up to five
        minutes. The method must not be called inside a running event loop.

        Without `write`, the method refuses statements with a writing clause, because ArcadeDB accepts writes
        in read sessions. The check prevents mistakes; it does not stop an attacker.

        Raises:
            QueryError: the statement was refused, failed, or did not finish in time.
        """
