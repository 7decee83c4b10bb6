"""The graph store: the only place that speaks Cypher.

One Cypher text and one driver serve Neo4j 5 and ArcadeDB. What was measured on both shapes the statements:
one label a node (with two, ArcadeDB's MERGE skips the index and takes 10 to 30 times as long); labels and
types spelled out (dynamic ones scan every node on Neo4j and are ignored by ArcadeDB); no `elementId`; reading
collected per head node, because a record costs the driver about 40 microseconds, however short it is;
parameters with names that are nobody's id, because ArcadeDB 26.10 takes the id "$rows" for the parameter.
"""

import asyncio
import hashlib
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self, TypedDict, TypeVar

from neo4j import GraphDatabase, ManagedTransaction, Record

from kg.errors import GraphSchemaError, QueryError
from kg.schema import RUN_PROPERTY, SCHEMA_LABEL, GraphSchema
from kg.store.bolt import DRIVER_OPTIONS, run_free, translated, writing_clause
from kg.store.bolt import Connection as Connection  # a store's callers make one
from kg.store.store_runs import (
    BUMP,
    NODE_BATCH,
    READ_BATCH,
    RELATION_BATCH,
    RunStatements,
    batches,
    node_statement,
    relation_statement,
)
from kg.store.store_runs import NodeRow as NodeRow  # a store's callers make rows
from kg.store.store_runs import PropertyValue as PropertyValue
from kg.store.store_runs import RelationRow as RelationRow

DELETE_BATCH = 10_000

T = TypeVar("T")


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


class GraphStore(RunStatements):
    """A property graph on a server that speaks Bolt; connects when first used, and is a context manager.

    Every method raises GraphUnavailableError where no server answers or it refuses the login, and QueryError
    where it refuses a statement. Writes and reads go through the driver's managed transactions, which retry
    deadlocks, lost updates and short outages.
    """

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
        """Give the connections back."""
        self._driver.close()

    def info(self) -> ServerInfo:
        """Which server answers, e.g. neo4j 5.26.30."""
        with translated(self.connection):
            agent = self._driver.get_server_info().agent
        if found := re.search(r"ArcadeDB ([\w.]+)", agent):
            return ServerInfo("arcadedb", found[1])
        return ServerInfo("neo4j", agent.rpartition("/")[2])

    def prepare(self, schema: GraphSchema) -> GraphSchema:
        """Make the graph ready for `schema`, beside what it already holds; returns both merged.

        Uniqueness constraints come first: without their indexes every MERGE scans its label.

        Raises:
            GraphSchemaError: the graph holds a schema that disagrees.
        """
        self._constrain(SCHEMA_LABEL)
        stored = self._stored_schema()
        merged = stored.merged(schema) if stored else schema
        for label in merged.labels:
            self._constrain(label.label)
        self._schema = merged
        if merged == stored:
            return merged  # writing it once more would seem to be a change
        self._write(
            f"MERGE (s:{SCHEMA_LABEL} {{id: 'schema'}}) ON CREATE SET s.identity = $identity, s.revision = 0 "
            "SET s.json = $json",
            identity=uuid.uuid4().hex,
            json=merged.model_dump_json(),
        )
        return merged

    def schema(self) -> GraphSchema:
        """The schema the graph holds now.

        Raises:
            GraphSchemaError: it holds none, because nothing was ingested.
        """
        self._schema = self._stored_schema()
        if self._schema is None:
            raise GraphSchemaError(f"the graph at {self.connection.address} is empty; run trailmix ingest")
        return self._schema

    def upsert_nodes(self, label: str, rows: Sequence[NodeRow]) -> None:
        """Create the nodes, or set the given properties of those that exist; the last row of an id wins.

        No run brought what is written here, so undoing one does not remove it.

        Raises:
            GraphSchemaError: the schema has no such label.
            ValueError: a property has no proper name, or is `id`.
        """
        self._known(label, self._labels)
        statement = f"{node_statement(label)} REMOVE n.{RUN_PROPERTY}"
        for batch in batches(rows, NODE_BATCH):
            _check_names({name for row in batch for name in row["properties"]}, taken=("id",))
            self._write(statement, trailmix_rows=batch)

    def upsert_relations(self, type: str, rows: Sequence[RelationRow]) -> int:  # noqa: A002
        """Create relations or interactions, or set the given properties of those that exist.

        There is at most one relation of a type from one head to one tail. Returns how many rows found both
        of their ends; the others are left out. No run brought what is written here.

        Raises:
            GraphSchemaError: the schema has no such relation or interaction type.
            ValueError: a property has no proper name.
        """
        head, tail = self._ends(type)
        statement = relation_statement(type, head, tail).replace("RETURN", f"REMOVE r.{RUN_PROPERTY} RETURN")
        found = 0
        for batch in batches(rows, RELATION_BATCH):
            _check_names({name for row in batch for name in row["properties"]})
            found += self._write(statement, trailmix_rows=batch)[0]["found"]
        return found

    def read_nodes(self, label: str, properties: Sequence[str] = ()) -> NodeColumns:
        """All nodes of a label, in no particular order; a property that a node lacks is None.

        Raises:
            GraphSchemaError: the schema has no such label.
        """
        self._known(label, self._labels)
        _check_names(properties)
        wanted = ", ".join(["collect(n.id)", *(_collected("n", name) for name in properties)])
        statement = f"UNWIND $trailmix_keys AS key MATCH (n:{label} {{id: key}}) RETURN {wanted}"
        ids, *values = self._read_by_key(label, statement, 1 + len(properties))
        return NodeColumns(ids, dict(zip(properties, values, strict=True)))

    def read_relations(self, type: str, properties: Sequence[str] = ()) -> RelationColumns:  # noqa: A002
        """All relations or interactions of a type, grouped by head; a property that one lacks is None.

        Raises:
            GraphSchemaError: the schema has no such relation or interaction type.
        """
        head, tail = self._ends(type)
        _check_names(properties)
        wanted = ", ".join(["collect(t.id)", *(_collected("r", name) for name in properties)])
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (h:{head} {{id: key}})-[r:{type}]->(t:{tail}) "
            f"RETURN [key] AS head, [count(*)] AS found, {wanted}"
        )
        keys, counts, tails, *values = self._read_by_key(head, statement, 3 + len(properties))
        heads = [key for key, count in zip(keys, counts, strict=True) for _ in range(count)]
        return RelationColumns(heads, tails, dict(zip(properties, values, strict=True)))

    def read_events(self, user_id: str) -> list[EventRow]:
        """One user's events of every interaction type, newest first; those without a time come last."""
        schema = self._schema or self.schema()
        user, item = schema.user.label, schema.item.label
        events = [
            EventRow(type=x.type, item=row["item"], value=row["value"], time=row["time"])
            for x in schema.interactions
            for row in self._read(
                f"MATCH (u:{user} {{id: $trailmix_user}})-[r:{x.type}]->(i:{item}) "
                "RETURN i.id AS item, r.value AS value, r.time AS time",
                trailmix_user=user_id,
            )
        ]
        return sorted(events, key=_newest_first)

    def counts(self) -> GraphCounts:
        """How much of everything in the schema the graph holds."""
        schema = self.schema()
        types = list(_ends_of(schema))
        return GraphCounts(
            {x.label: self._count(f"MATCH (n:{x.label}) RETURN count(n) AS n") for x in schema.labels},
            {name: self._count(f"MATCH ()-[r:{name}]->() RETURN count(r) AS n") for name in types},
        )

    def state(self) -> str:
        """A name for what the graph holds now, 16 hex digits; it differs wherever the content may.

        Made from the store's identity, a revision that every write of ours moves on, and the counts, which
        give away what other clients added or deleted (but not what they changed in place).

        Raises:
            GraphSchemaError: nothing was ingested.
        """
        counts = self.counts()
        mark = self._read(f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) RETURN s.identity, s.revision")
        return hashlib.sha256(repr((list(map(tuple, mark)), counts)).encode()).hexdigest()[:16]

    def query(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout: float = 30.0,
        write: bool = False,
    ) -> list[dict[str, Any]]:
        """Run any Cypher statement and return its records; `timeout` is in seconds.

        Neo4j ends the statement with its client; our ArcadeDB goes on for up to five minutes.
        Not to be called from inside a running event loop.

        Without `write`, statements with a writing clause are refused here, because ArcadeDB accepts writes
        in read sessions. That guards against mistakes; it is no fence against an attacker.

        Raises:
            QueryError: refused, failed, or not done in time.
        """
        if not write and (clause := writing_clause(statement)):
            raise QueryError(f"{clause} writes to the graph, and this query is read-only")
        access = "WRITE" if write else "READ"
        with translated(self.connection):
            try:
                rows = asyncio.run(
                    asyncio.wait_for(
                        run_free(self.connection, statement, dict(parameters or {}), access),
                        timeout,
                    )
                )
            except TimeoutError:
                raise QueryError(f"the query was ended after {timeout:g} s") from None
        if write:
            self._bump()
        return rows

    def clear(self) -> None:
        """Delete all nodes, relations and the schema; constraints stay."""
        # relations first: those of 10,000 well joined nodes are too many for one transaction
        for pattern, one in (("()-[x]->()", "DELETE x"), ("(x)", "DETACH DELETE x")):
            statement = f"MATCH {pattern} WITH x LIMIT {DELETE_BATCH} {one} RETURN count(*) AS n"
            with self._session() as session:
                while session.execute_write(_work(statement, {}))[0]["n"]:
                    pass
        self._schema = None

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with translated(self.connection), self._driver.session(database=self.connection.database) as session:
            yield session

    def _read(self, statement: str, **parameters: Any) -> list[Record]:
        with self._session() as session:
            rows: list[Record] = session.execute_read(_work(statement, parameters))
            return rows

    def _read_by_key(self, label: str, statement: str, width: int) -> list[list[Any]]:
        """Run a statement that returns `width` lists for all ids of a label, some `$trailmix_keys` at a time.

        In one go the server would hold the whole answer before it sends the first record.
        """
        keys = self._read(f"MATCH (n:{label}) RETURN collect(n.id) AS ids")[0]["ids"]
        columns: list[list[Any]] = [[] for _ in range(width)]
        for batch in batches(keys, READ_BATCH):
            for record in self._read(statement, trailmix_keys=batch):
                for column, values in zip(columns, record, strict=True):
                    column.extend(values)
        return [
            [None if x == _NULL else x for x in column] if _NULL in column else column for column in columns
        ]

    def _write(self, statement: str, **parameters: Any) -> list[Record]:
        """Run one statement and move the revision on, in one transaction."""
        with self._session() as session:
            rows: list[Record] = session.execute_write(_work(statement, parameters, BUMP))
            return rows

    def _bump(self) -> None:
        with self._session() as session:
            session.execute_write(_work(BUMP, {}))

    def _constrain(self, label: str) -> None:
        with self._session() as session:
            session.run(
                f"CREATE CONSTRAINT trailmix_{label}_id IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
            ).consume()

    def _count(self, statement: str) -> int:
        return int(self._read(statement)[0]["n"])

    def _stored_schema(self) -> GraphSchema | None:
        rows = self._read(f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) RETURN s.json AS json")
        return GraphSchema.model_validate_json(rows[0]["json"]) if rows else None

    def _known(self, name: str, names: Callable[[GraphSchema], Mapping[str, T]]) -> T:
        """What the schema has under a name; a miss looks at the server again, where it may be new."""
        schema = self._schema or self.schema()
        if name not in names(schema):
            schema = self.schema()
        if name not in names(schema):
            raise GraphSchemaError(f"no {name!r} in this graph; it has {', '.join(names(schema))}")
        return names(schema)[name]

    @staticmethod
    def _labels(schema: GraphSchema) -> dict[str, str]:
        return {x.label: x.label for x in schema.labels}

    def _ends(self, name: str) -> tuple[str, str]:
        return self._known(name, _ends_of)

    def scan_nodes(self, label: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        """All nodes of a label with all that they hold, some at a time: id, and properties without the id.

        Raises:
            GraphSchemaError: the schema has no such label.
        """
        self._known(label, self._labels)
        match = f"MATCH (n:{label} {{id: key}})"
        statement = f"UNWIND $trailmix_keys AS key {match} RETURN collect(properties(n)) AS found"
        for keys in self._key_batches(label):
            found = self._read(statement, trailmix_keys=keys)[0]["found"]
            yield [(held.pop("id"), _held(held)) for held in found]

    def scan_relations(self, type: str) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:  # noqa: A002
        """All relations or interactions of a type, some at a time: ids of head and tail, and properties.

        Raises:
            GraphSchemaError: the schema has no such relation or interaction type.
        """
        head, tail = self._ends(type)
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (h:{head} {{id: key}})-[r:{type}]->(t:{tail}) "
            "RETURN key, collect([t.id, properties(r)]) AS found"
        )
        for keys in self._key_batches(head):
            rows = self._read(statement, trailmix_keys=keys)
            yield [(row["key"], end, _held(held)) for row in rows for end, held in row["found"]]

    def read_user(self, user_id: str) -> UserRecord | None:
        """All that is stored of one user, or None."""
        schema = self.schema()
        user = f"MATCH (u:{schema.user.label} {{id: $trailmix_user}})"
        found = self._read(f"{user} RETURN properties(u) AS held", trailmix_user=user_id)
        if not found:
            return None
        names = dict.fromkeys(x.name_property for x in schema.labels)
        called = "coalesce({})".format(", ".join([*(f"x.{name}" for name in names), "x.id"]))
        wanted = f"labels(x)[0] AS label, x.id AS id, {called} AS name, properties(r) AS properties"
        relations = [
            {**row, "direction": direction, "properties": _held(row["properties"])}
            for direction, pattern in (("out", "(u)-[r]->(x)"), ("in", "(u)<-[r]-(x)"))
            for row in self._read(
                f"{user} MATCH {pattern} RETURN type(r) AS type, {wanted}", trailmix_user=user_id
            )
        ]
        return UserRecord(_held(found[0]["held"]), relations)

    def delete_user(self, user_id: str) -> int | None:
        """Delete a user with every event and other relation, and say how many; None: there was no such user.

        The node goes last, so what was interrupted is completed by doing it again.
        """
        user = f"MATCH (u:{self.schema().user.label} {{id: $trailmix_user}})"
        if not self._read(f"{user} RETURN u.id AS id", trailmix_user=user_id):
            return None
        some = f"{user}-[r]-() WITH DISTINCT r LIMIT {DELETE_BATCH} DELETE r RETURN count(*) AS n"
        gone = 0
        while n := self._write(some, trailmix_user=user_id)[0]["n"]:
            gone += n
        self._write(f"{user} DETACH DELETE u", trailmix_user=user_id)
        return gone

    def delete_relations(self, type: str, *, but: tuple[str, str]) -> int:  # noqa: A002
        """Delete the relations of a type whose property (name, value) is not `but`; returns how many.

        Raises:
            GraphSchemaError: the schema has no such relation or interaction type.
            ValueError: the property has no proper name.
        """
        head, tail = self._ends(type)
        _check_names([but[0]])
        statement = (
            f"MATCH (:{head})-[r:{type}]->(:{tail}) WHERE coalesce(r.{but[0]}, '') <> $trailmix_value "
            f"WITH r LIMIT {DELETE_BATCH} DELETE r RETURN count(*) AS n"
        )
        gone = 0
        while n := self._write(statement, trailmix_value=but[1])[0]["n"]:
            gone += n
        return gone

    def _key_batches(self, label: str) -> Iterator[Sequence[str]]:
        keys = self._read(f"MATCH (n:{label}) RETURN collect(n.id) AS ids")[0]["ids"]
        return batches(keys, READ_BATCH)


_NULL: dict[str, Any] = {}
"""Stands for null in collected lists, from which collect() would leave it out; no property can be a map."""


def _ends_of(schema: GraphSchema) -> dict[str, tuple[str, str]]:
    """Head and tail label of each relation and interaction type."""
    ends = {x.type: (x.head, x.tail) for x in schema.relations}
    return ends | {x.type: (schema.user.label, schema.item.label) for x in schema.interactions}


def _work(
    statement: str, parameters: Mapping[str, Any], *more: str
) -> Callable[[ManagedTransaction], list[Record]]:
    """A unit of work that runs one statement, then others, and returns the first one's records."""

    def run(transaction: ManagedTransaction) -> list[Record]:
        rows = list(transaction.run(statement, dict(parameters)))
        for one in more:
            transaction.run(one).consume()
        return rows

    return run


def _collected(variable: str, name: str) -> str:
    return f"collect(coalesce({variable}.{name}, {{}}))"


def _newest_first(event: EventRow) -> tuple[float, str, str]:
    time = event["time"]
    return (float("inf") if time is None else -time, event["item"], event["type"])


def _check_names(names: Sequence[str] | set[str], taken: Sequence[str] = ()) -> None:
    for name in names:
        if name in taken or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
            raise ValueError(f"{name!r} cannot name a property: letters, digits and _ only, and not id")


def _held(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}
