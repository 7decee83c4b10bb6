"""The driver of a Bolt store: sessions, transactions, and the schema that validates labels and types."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from neo4j import GraphDatabase, ManagedTransaction, Record
from typing_extensions import override

from kg.errors import GraphSchemaError, QueryError
from kg.schema import SCHEMA_LABEL, GraphSchema
from kg.store.bolt import DRIVER_OPTIONS, free_query, translated, writing_clause
from kg.store.connection import Connection
from kg.store.records import ServerInfo
from kg.store.statements import BUMP, READ_BATCH, batches
from kg.store.store import SchemaStore


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

    @override
    def prepare(self, schema: GraphSchema) -> GraphSchema:
        # constraints come first: without their indexes every MERGE scans its label
        self._constrain(SCHEMA_LABEL)
        stored = self._stored_schema()
        merged = stored.merged(schema) if stored else schema
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
            raise GraphSchemaError(f"the graph at {self.connection.address} is empty; run trailmix ingest")
        return self._schema

    def _stored_schema(self) -> GraphSchema | None:
        rows = self._read(f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) RETURN s.json AS json")
        return GraphSchema.model_validate_json(rows[0]["json"]) if rows else None

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
        with self._session() as session:
            session.run(
                f"CREATE CONSTRAINT trailmix_{label}_id IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
            ).consume()

    def _key_batches(self, label: str) -> Iterator[Sequence[str]]:
        """The ids of a label in batches, because the server would hold a whole answer in memory."""
        keys = self._read(f"MATCH (n:{label}) RETURN collect(n.id) AS ids")[0]["ids"]
        return batches(keys, READ_BATCH)


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
