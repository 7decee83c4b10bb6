"""The driver of a Bolt store: sessions, transactions, and the schema that validates labels and types."""

import re
import shlex
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from neo4j import GraphDatabase, ManagedTransaction, Record
from pydantic import ValidationError
from typing_extensions import override

from kg.errors import DataError, GraphSchemaError, QueryError
from kg.names import quoted
from kg.schema import SCHEMA_LABEL, GraphSchema
from kg.shown import shown
from kg.store.address import check_address
from kg.store.bolt import DRIVER_OPTIONS, free_query, translated, writing_clause
from kg.store.bounded_read import bounded_read, explained
from kg.store.connection import Connection
from kg.store.read_check import check_read
from kg.store.records import BoundedRead, ServerInfo
from kg.store.statements import BUMP, READ_BATCH, batches, id_constraint
from kg.store.store import SchemaStore
from kg.store.stored_values import check_ids, described


class BoltSession(SchemaStore):
    """Runs statements and knows the schema; the parts of `BoltGraphStore` build on it.

    Writes and reads go through the driver's managed transactions, which retry deadlocks, lost updates and
    short outages.
    """

    delete_batch: ClassVar[int] = 10_000
    """The number of relations or nodes that one transaction deletes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._schema: GraphSchema | None = None
        check_address(connection)
        with translated(connection):
            self._driver = GraphDatabase.driver(connection.uri, auth=connection.auth, **DRIVER_OPTIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def info(self) -> ServerInfo:
        """The name and version of the server, e.g. neo4j 5.26.30."""
        with translated(self.connection):
            agent = self._driver.get_server_info().agent
        if found := re.search(r"ArcadeDB ([\w.]+)", agent):
            return ServerInfo("arcadedb", found[1])
        return ServerInfo("neo4j", agent.rpartition("/")[2])

    def query(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout: float = 30.0,
        write: bool = False,
    ) -> list[dict[str, Any]]:
        """Run any Cypher statement; see `ServerStore`."""
        if not write and (clause := writing_clause(statement)):
            raise QueryError(f"{clause} writes to the graph, and this query is read-only")
        rows = free_query(self.connection, statement, parameters, timeout=timeout, write=write)
        if write:
            self._bump()
        return rows

    def check_read(
        self,
        statement: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float,
        procedures: Collection[str] = (),
    ) -> None:
        """Check a statement that may only read; see `BoundedReadStore`."""
        check_read(statement, parameters, self.schema(), procedures)
        explained(self.connection, statement, parameters, timeout=timeout, procedures=procedures)

    def bounded_read(
        self, statement: str, parameters: Mapping[str, Any], *, timeout: float, max_rows: int
    ) -> BoundedRead:
        """Run a checked statement within bounds; see `BoundedReadStore`."""
        return bounded_read(self.connection, statement, parameters, timeout=timeout, max_rows=max_rows)

    @override
    def prepare(self, schema: GraphSchema) -> GraphSchema:
        # constraints come first: without their indexes every MERGE scans its label
        self._constrain(SCHEMA_LABEL)
        stored = self._stored_schema()
        merged = stored.merged(schema) if stored else schema
        self._check_fits_engine(merged)
        for label in merged.labels:
            self._check_ids_are_text(label.label)
        for label in merged.labels:
            self._constrain(label.label)
        self._schema = merged
        if merged == stored:
            return merged  # writing it again would advance the revision
        self._write(
            f"MERGE (s:{SCHEMA_LABEL} {{id: 'schema'}}) ON CREATE SET s.identity = $identity, s.revision = 0 "
            "SET s.json = $json",
            identity=uuid.uuid4().hex,
            json=merged.model_dump_json(),
        )
        return merged

    @override
    def schema(self) -> GraphSchema:
        self._schema = self._stored_schema()
        if self._schema is None:
            raise GraphSchemaError(f"the graph at {self.connection.address} {self._without_schema()}")
        return self._schema

    def _without_schema(self) -> str:
        """What a graph without our schema is, and what to do."""
        others = self._read("MATCH (n) RETURN labels(n) AS labels LIMIT 1")
        if not others:
            return "is empty; run trailmix ingest"
        label = next(iter(others[0]["labels"]), "none")
        return f"holds nodes of another program (label {shown(label)}) and no schema; run trailmix ingest"

    def _stored_schema(self) -> GraphSchema | None:
        rows = self._read(f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) RETURN s.json AS json")
        try:
            return GraphSchema.model_validate_json(rows[0]["json"]) if rows else None
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise GraphSchemaError(
                f"the node {SCHEMA_LABEL} of the graph at {self.connection.address} holds no readable schema "
                f"({problem}); use another database, or delete the node and ingest again"
            ) from None

    def _check_fits_engine(self, schema: GraphSchema) -> None:
        """Raise GraphSchemaError for a label that is also a relation type, if the engine is ArcadeDB."""
        both = {x.label for x in schema.labels} & schema.ends.keys()
        if both and self.info().engine == "arcadedb":
            raise GraphSchemaError(
                f"{min(both)} is a label and a relation type, which ArcadeDB cannot hold; rename one of them"
            )

    def _check_ids_are_text(self, label: str) -> None:
        """Raise DataError for ids of another type, which another program stored.

        A MERGE by the text "7" would make a twin of the node with the integer 7 on Neo4j. On ArcadeDB the
        index would be one of integers, in which "007" and "7" are equal.
        """
        match = f"MATCH (n:{quoted(label)}) WHERE n.id IS NOT NULL AND NOT n.id IS :: STRING"
        found = self._read(f"{match} WITH n.id AS id RETURN count(id) AS n, head(collect(id)) AS one")[0]
        if found["n"]:
            raise DataError(
                f"{label}: {_nodes(found['n'])} an id that is not text, such as "
                f"{described(found['one'])}; nothing was written, because such a node could get a twin; "
                "make the ids text first: " + write_command(f"{match} SET n.id = toString(n.id)")
            )

    def _check_label(self, name: str) -> None:
        self._schema_with(name, lambda schema: [x.label for x in schema.labels])

    def _ends(self, kind: str) -> tuple[str, str]:
        """The labels of head and tail of a relation or interaction type."""
        return self._schema_with(kind, lambda schema: list(schema.ends)).ends[kind]

    def _schema_with(self, name: str, names: Callable[[GraphSchema], list[str]]) -> GraphSchema:
        """The schema, read again if it lacks the name, because another client may have added it."""
        schema = self._schema or self.schema()
        if name not in names(schema):
            schema = self.schema()
        if name not in names(schema):
            raise GraphSchemaError(f"no {name!r} in this graph; it has {', '.join(names(schema))}")
        return schema

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with translated(self.connection), self._driver.session(database=self.connection.database) as session:
            yield session

    def _read(self, statement: str, **parameters: Any) -> list[Record]:
        with self._session() as session:
            rows: list[Record] = session.execute_read(work(statement, parameters))
            return rows

    def _write(self, statement: str, **parameters: Any) -> list[Record]:
        """Run one statement and advance the revision in one transaction."""
        with self._session() as session:
            rows: list[Record] = session.execute_write(work(statement, parameters, BUMP))
            return rows

    def _delete_all(self, statement: str, **parameters: Any) -> int:
        """Run a statement that deletes one batch and returns its size `n`, until nothing matches."""
        deleted = 0
        while n := self._write(statement, **parameters)[0]["n"]:
            deleted += n
        return deleted

    def _bump(self) -> None:
        with self._session() as session:
            session.execute_write(work(BUMP, {}))

    def _constrain(self, label: str) -> None:
        try:
            with self._session() as session:
                session.run(id_constraint(label)).consume()
        except QueryError:
            match = f"MATCH (n:{quoted(label)}) WHERE n.id IS NOT NULL WITH n.id AS id, count(*) AS n"
            if not (twins := self._read(f"{match} WHERE n > 1 RETURN id, n LIMIT 1")):
                raise
            raise DataError(
                f"{label}: {twins[0]['n']:,} nodes have the id {twins[0]['id']!r}, which is unique; "
                "give the others another id, or delete them; nothing was written"
            ) from None

    def _key_batches(self, label: str) -> Iterator[Sequence[Any]]:
        """The ids of a label in batches, because the server would hold a whole answer in memory.

        Raises:
            DataError: a node has no id, an id that cannot be read, or the id of another node.
        """
        match = f"MATCH (n:{quoted(label)})"
        found = self._read(f"{match} RETURN collect(n.id) AS ids, count(*) AS n")[0]
        if missing := found["n"] - len(found["ids"]):
            absent = f"{match} WHERE n.id IS NULL"
            node = self._read(f"{absent} RETURN elementId(n) AS element LIMIT 1")
            raise DataError(
                f"{label}: {_nodes(missing)} no property id"
                + (f", such as the node with the element id {node[0]['element']}" if node else "")
                + f"; give them ids, or delete them: {write_command(f'{absent} DETACH DELETE n')}"
            )
        check_ids(label, found["ids"])
        return batches(found["ids"], READ_BATCH)


def write_command(statement: str) -> str:
    """The shell command that runs a statement which writes."""
    return f"trailmix graph cypher --write {shlex.quote(statement)}"


def _nodes(number: int) -> str:
    return "1 node has" if number == 1 else f"{number:,} nodes have"


def work(
    statement: str, parameters: Mapping[str, Any], *more: str
) -> Callable[[ManagedTransaction], list[Record]]:
    """A unit of work that runs one statement, then the others, and returns the records of the first."""

    def run(transaction: ManagedTransaction) -> list[Record]:
        rows = list(transaction.run(statement, dict(parameters)))
        for one in more:
            transaction.run(one).consume()
        return rows

    return run
