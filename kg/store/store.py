"""What a graph store can do, as small capabilities; a function asks for the one that it needs.

    SchemaStore                what the graph may hold
    ├── ReadStore              all nodes and relations, as columns or in batches
    ├── WriteStore             nodes and relations that no ingestion brings
    ├── EventStore             one user's events
    ├── PrivacyStore           all that is stored of one user, and its deletion
    └── RunStore               ingestions: batches with their provenance, checkpoints, undoing
        GraphStore             all of these
        └── ServerStore        a GraphStore on a server, which also answers free Cypher statements

A store is one class that passes the contract suite `tests/store_contract.py`; `connect.py` alone names it.
Every method of a store on a server raises GraphUnavailableError where no server answers or it refuses the
login, and QueryError where it refuses a statement.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

from kg.schema import GraphSchema
from kg.store.connection import Connection
from kg.store.records import (
    Checkpoint,
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
    """What the graph may hold: its schema."""

    def schema(self) -> GraphSchema:
        """The schema the graph holds now.

        Raises:
            GraphSchemaError: it holds none, because nothing was ingested.
        """

    def prepare(self, schema: GraphSchema) -> GraphSchema:
        """Make the graph ready for `schema`, beside what it already holds; returns both merged.

        Raises:
            GraphSchemaError: the graph holds a schema that disagrees.
        """


class ReadStore(SchemaStore, Protocol):
    """Reads whole labels and types, in no particular order.

    Every method that takes a label or a type raises GraphSchemaError where the schema has none of that name.
    """

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
        """All nodes of a label with all that they hold, some at a time: id, and properties without the id."""

    def scan_relations(self, type: str) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:  # noqa: A002
        """All relations or interactions of a type, some at a time: ids of head and tail, and properties."""

    def counts(self) -> GraphCounts:
        """How many nodes each label and how many relations each type of the schema has."""

    def state(self) -> str:
        """A name for what the graph holds now, in hex digits; it differs wherever the content may.

        Every write of ours moves it on, except one that changes provenance alone.

        Raises:
            GraphSchemaError: nothing was ingested.
        """


class WriteStore(SchemaStore, Protocol):
    """Writes nodes and relations that no ingestion brings, so undoing one does not remove them.

    Every method that takes a label or a type raises GraphSchemaError where the schema has none of that name,
    and ValueError where a property has no proper name.
    """

    def upsert_nodes(self, label: str, rows: Sequence[NodeRow]) -> None:
        """Create the nodes, or set the given properties of those that exist; the last row of an id wins."""

    def upsert_relations(self, type: str, rows: Sequence[RelationRow]) -> int:  # noqa: A002
        """Create relations or interactions, or set the given properties of those that exist.

        There is at most one relation of a type from one head to one tail. Returns how many rows found both
        of their ends; the others are left out.
        """

    def delete_relations(self, type: str, *, but: tuple[str, str]) -> int:  # noqa: A002
        """Delete the relations of a type whose property (name, value) is not `but`; returns how many."""

    def clear(self) -> None:
        """Delete all nodes, relations, runs and the schema."""


class EventStore(SchemaStore, Protocol):
    """Reads one user's events."""

    def read_events(self, user_id: str) -> list[EventRow]:
        """One user's events of every interaction type, newest first; those without a time come last."""


class PrivacyStore(SchemaStore, Protocol):
    """Reads and deletes all that is stored of one user."""

    def read_user(self, user_id: str) -> UserRecord | None:
        """All that is stored of one user, or None."""

    def delete_user(self, user_id: str) -> int | None:
        """Delete a user with every event and other relation; returns how many, or None without such a user.

        What was interrupted is completed by calling it again.
        """


class RunStore(SchemaStore, Protocol):
    """Ingestions: their batches, how far they came, and undoing them.

    A batch is one transaction: its nodes, its relations and the checkpoint that counts them. Every node and
    relation that it creates carries `trailmix_run`, its provenance (see `records.brought_by`).
    """

    def begin_run(self, run: RunRecord) -> None:
        """Remember that a run began."""

    def end_run(self, run_id: str) -> None:
        """Remember that it is finished, and forget its checkpoints."""

    def runs(self) -> list[RunRecord]:
        """All runs that are not undone, the oldest first."""

    def checkpoints(self, run_id: str) -> dict[str, Checkpoint]:
        """How far an unfinished run is, by place."""

    def has_nodes(self, label: str) -> bool:
        """Whether there is any node of a label of the schema."""

    def has_relations(self, kind: str) -> bool:
        """Whether there is any relation or interaction of a type of the schema."""

    def stored_nodes(
        self, label: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Those of the nodes that are there, by id, with these properties."""

    def stored_relations(
        self, kind: str, pairs: Sequence[tuple[str, str]], properties: Sequence[str]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """Those of the relations that are there, by the ids of their ends, with these properties."""

    def write_batch(
        self,
        nodes: Mapping[str, Sequence[NodeRow]],
        relations: Mapping[str, Sequence[RelationRow]],
        checkpoint: Checkpoint,
        *,
        new: Collection[str] = (),
        changes: bool = True,
    ) -> None:
        """Write a batch and its checkpoint in one transaction; `changes` is false if it is provenance alone.

        The checkpoint's run brings all of it, except rows that name their own `trailmix_run`.

        Raises:
            NotNewError: of a label or type in `new` something was there already; nothing was written.
            GraphError: a relation did not find its ends; nothing was written.
        """

    def undo_run(self, run_id: str) -> Undone:
        """Remove what that run alone brought; killed on its way, it can be called again.

        What other runs named too stays, and so do nodes to which relations of others lead. Properties that
        the run changed on what was there before keep their new values.

        Raises:
            UnknownIdError: there is no such run.
        """


class GraphStore(ReadStore, WriteStore, EventStore, PrivacyStore, RunStore, Protocol):
    """A property graph with all capabilities, and a context manager that closes it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_exception: object) -> None: ...

    def close(self) -> None:
        """Give the connections back."""


class ServerStore(GraphStore, Protocol):
    """A graph store on a server that speaks Bolt; it connects when first used."""

    connection: Connection

    def info(self) -> ServerInfo:
        """Which server answers, e.g. neo4j 5.26.30."""

    def query(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout: float = 30.0,
        write: bool = False,
    ) -> list[dict[str, Any]]:
        """Run any Cypher statement and return its records in plain values; `timeout` is in seconds.

        Neo4j ends the statement with its client; our ArcadeDB goes on for up to five minutes.
        Not to be called from inside a running event loop.

        Without `write`, statements with a writing clause are refused here, because ArcadeDB accepts writes
        in read sessions. That guards against mistakes; it is no fence against an attacker.

        Raises:
            QueryError: refused, failed, or not done in time.
        """
