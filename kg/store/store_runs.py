"""The statements of ingestion: batches with their provenance and checkpoint, and undoing them.

A batch is one transaction: its nodes, its relations and the checkpoint that says so. Every node and relation
it makes carries `trailmix_run`: the ids of the runs that brought it, with blanks between, "+" for any after
the third. What was there before, or was written by something other than a run, has none and is never undone.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, TypeVar

from neo4j import ManagedTransaction, Record

from kg.errors import GraphError, UnknownIdError
from kg.schema import CHECKPOINT_LABEL, RUN_LABEL, RUN_PROPERTY, SCHEMA_LABEL, GraphSchema

NODE_BATCH = 5_000
RELATION_BATCH = 10_000
READ_BATCH = 2_000

PropertyValue = str | int | float | bool | list[str] | list[int] | list[float] | None
"""What a node or relation may hold; None removes the property, and reads back as None."""

T = TypeVar("T")


class NodeRow(TypedDict):
    """One node to write; `properties` may not hold `id`."""

    id: str
    properties: dict[str, PropertyValue]


class RelationRow(TypedDict):
    """One relation or interaction to write, by the ids of its ends."""

    head: str
    tail: str
    properties: dict[str, PropertyValue]


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
    """How far a run is with one file; written in the transaction of the batch that came so far."""

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


def brought_by(known: str | None, run: str) -> str | None:
    """The provenance of what is there already, once `run` has named it too; None stays None."""
    if known is None or {run, "+"} & set(known.split()):
        return known
    return f"{known} {run if len(known.split()) < 3 else '+'}"


def node_statement(label: str, first: str = "") -> str:
    """Creates or updates nodes; `first` is set before their properties are."""
    return f"UNWIND $trailmix_rows AS row MERGE (n:{label} {{id: row.id}}) SET {first}n += row.properties"


def relation_statement(kind: str, head: str, tail: str, first: str = "") -> str:
    """Creates or updates relations, `first` set before their properties; says how many found their ends."""
    return (
        f"UNWIND $trailmix_rows AS row MATCH (h:{head} {{id: row.head}}) "
        f"MATCH (t:{tail} {{id: row.tail}}) MERGE (h)-[r:{kind}]->(t) SET {first}r += row.properties "
        "RETURN count(*) AS found"
    )


BUMP = f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) SET s.revision = s.revision + 1"

_CHECKPOINT = (
    f"MERGE (c:{CHECKPOINT_LABEL} {{id: $trailmix_id}}) SET c.run = $trailmix_run, "
    "c.place = $trailmix_place, c.rows = $trailmix_done, c.written = $trailmix_written, "
    "c.unchanged = $trailmix_unchanged"
)

_FORGET_CHECKPOINTS = f"MATCH (c:{CHECKPOINT_LABEL}) WHERE c.run = $trailmix_run DELETE c"
_FINISH = f"MATCH (r:{RUN_LABEL} {{id: $trailmix_run}}) SET r.state = 'finished'"
_FORGET = f"MATCH (r:{RUN_LABEL} {{id: $trailmix_run}}) DELETE r"


class NotNewError(Exception):
    """Something that a batch was to create is there already."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class RunStatements:
    """The part of a graph store that ingestion writes through."""

    @abstractmethod
    def _session(self) -> AbstractContextManager[Any]: ...
    @abstractmethod
    def _ends(self, name: str) -> tuple[str, str]: ...
    @abstractmethod
    def _constrain(self, label: str) -> None: ...
    @abstractmethod
    def _read(self, statement: str, **parameters: Any) -> list[Record]: ...
    @abstractmethod
    def schema(self) -> GraphSchema:
        """The schema the graph holds now."""

    def begin_run(self, run: RunRecord) -> None:
        """Remember that a run began."""
        for label in (RUN_LABEL, CHECKPOINT_LABEL):
            self._constrain(label)
        self._do(
            f"MERGE (r:{RUN_LABEL} {{id: $trailmix_id}}) SET r.input = $trailmix_input, "
            "r.mapping = $trailmix_mapping, r.began = $trailmix_began, r.state = $trailmix_state",
            trailmix_id=run.id,
            trailmix_input=run.input,
            trailmix_mapping=run.mapping,
            trailmix_began=run.began,
            trailmix_state=run.state,
        )

    def end_run(self, run_id: str) -> None:
        """Remember that it is finished; its checkpoints have done their work."""
        self._do(_FORGET_CHECKPOINTS, _FINISH, trailmix_run=run_id)

    def runs(self) -> list[RunRecord]:
        """All runs that are not undone, the oldest first."""
        found = self._read(
            f"MATCH (r:{RUN_LABEL}) RETURN r.id AS id, r.input AS input, r.mapping AS mapping, "
            "r.began AS began, r.state AS state"
        )
        return sorted((RunRecord(**dict(row)) for row in found), key=lambda run: (run.began, run.id))

    def checkpoints(self, run_id: str) -> dict[str, Checkpoint]:
        """How far a run is, by place."""
        found = self._read(
            f"MATCH (c:{CHECKPOINT_LABEL}) WHERE c.run = $trailmix_run RETURN c.run AS run, "
            "c.place AS place, c.rows AS rows, c.written AS written, c.unchanged AS unchanged",
            trailmix_run=run_id,
        )
        return {row["place"]: Checkpoint(**dict(row)) for row in found}

    def has_nodes(self, label: str) -> bool:
        """Whether there is any node of a label of the schema."""
        return bool(self._read(f"MATCH (n:{label}) RETURN 1 AS one LIMIT 1"))

    def has_relations(self, kind: str) -> bool:
        """Whether there is any relation or interaction of a type of the schema."""
        return bool(self._read(f"MATCH ()-[r:{kind}]->() RETURN 1 AS one LIMIT 1"))

    def stored_nodes(
        self, label: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Those of the nodes that are there, by id, with these properties."""
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (n:{label} {{id: key}}) "
            f"RETURN collect(n.id) AS ids{_collected('n', properties)}"
        )
        stored: dict[str, dict[str, Any]] = {}
        for batch in batches(ids, READ_BATCH):
            for row in self._read(statement, trailmix_keys=batch):
                stored |= zip(row["ids"], _properties(row, properties), strict=True)
        return stored

    def stored_relations(
        self, kind: str, pairs: Sequence[tuple[str, str]], properties: Sequence[str]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """Those of the relations that are there, by the ids of their ends, with these properties."""
        head, tail = self._ends(kind)
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (h:{head} {{id: key.head}})-[r:{kind}]->"
            f"(t:{tail} {{id: key.tail}}) RETURN collect(h.id) AS heads, collect(t.id) AS tails"
            f"{_collected('r', properties)}"
        )
        stored: dict[tuple[str, str], dict[str, Any]] = {}
        for batch in batches(pairs, READ_BATCH):
            keys = [{"head": h, "tail": t} for h, t in batch]
            for row in self._read(statement, trailmix_keys=keys):
                found = zip(row["heads"], row["tails"], strict=True)
                stored |= zip(found, _properties(row, properties), strict=True)
        return stored

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

        All is brought by the checkpoint's run, but for rows that say `trailmix_run` themselves.

        Raises:
            NotNewError: of a label or type in `new` something was there already; nothing was written.
            GraphError: a relation did not find its ends; nothing was written.
        """
        ends = {kind: self._ends(kind) for kind in relations}

        def work(transaction: ManagedTransaction) -> None:
            for label, rows in nodes.items():
                for batch in batches(rows, NODE_BATCH):
                    statement = node_statement(label, f"n.{RUN_PROPERTY} = $trailmix_run, ")
                    done = transaction.run(
                        statement, trailmix_rows=batch, trailmix_run=checkpoint.run
                    ).consume()
                    if label in new and done.counters.nodes_created != len(batch):
                        raise NotNewError(label)
            for kind, edges in relations.items():
                for some in batches(edges, RELATION_BATCH):
                    _write_relations(transaction, kind, ends[kind], some, checkpoint.run, kind in new)
            # one statement and nothing to wait for but its acceptance: each answer costs a turn of the server
            transaction.run(
                f"{_CHECKPOINT} WITH c {BUMP}" if changes else _CHECKPOINT,
                trailmix_id=f"{checkpoint.run} {checkpoint.place}",
                trailmix_run=checkpoint.run,
                trailmix_place=checkpoint.place,
                trailmix_done=checkpoint.rows,
                trailmix_written=checkpoint.written,
                trailmix_unchanged=checkpoint.unchanged,
            )

        with self._session() as session:
            session.execute_write(work)

    def undo_run(self, run_id: str) -> Undone:
        """Remove what that run alone brought; killed on its way, it can be called again.

        What other runs named too stays, and so do nodes to which relations of others lead. Properties that
        the run changed on what was there before keep their new values.

        Raises:
            UnknownIdError: there is no such run.
        """
        if run_id not in {run.id for run in self.runs()}:
            raise UnknownIdError("run", run_id)
        schema = self.schema()
        types = {r.type: r.head for r in schema.relations}
        types |= {i.type: schema.user.label for i in schema.interactions}
        relations = sum(self._undo(h, f"-[x:{t}]->()", run_id)[0] for t, h in types.items())
        undone = [self._undo(x.label, "", run_id) for x in schema.labels]
        self._do(_FORGET_CHECKPOINTS, _FORGET, BUMP, trailmix_run=run_id)
        return Undone(sum(gone for gone, _ in undone), relations, sum(kept for _, kept in undone))

    def _undo(self, label: str, onward: str, run_id: str) -> tuple[int, int]:
        """Undo one label, or one type with its head label; how many are gone and how many nodes stay."""
        pattern = f"(h:{label} {{id: key}}){onward}" if onward else f"(x:{label} {{id: key}})"
        every = f"UNWIND $trailmix_keys AS key MATCH {pattern} WHERE x.{RUN_PROPERTY}"
        alone = " AND NOT (x)--()" if not onward else ""
        listed = f"' ' + x.{RUN_PROPERTY} + ' '"
        gone = kept = 0
        ids = self._read(f"MATCH (n:{label}) RETURN collect(n.id) AS ids")[0]["ids"]
        for keys in batches(ids, READ_BATCH):
            given = {"trailmix_keys": keys, "trailmix_run": run_id}
            gone += self._do(f"{every} = $trailmix_run{alone} DELETE x RETURN count(*) AS n", **given)
            kept += self._do(
                f"{every} = $trailmix_run SET x.{RUN_PROPERTY} = null RETURN count(*) AS n", **given
            )
            self._do(
                f"{every} CONTAINS $trailmix_run SET x.{RUN_PROPERTY} = "
                f"trim(replace({listed}, ' ' + $trailmix_run + ' ', ' ')) RETURN count(*) AS n",
                **given,
            )
        return gone, kept

    def _do(self, *statements: str, **parameters: Any) -> int:
        """Run statements in one transaction of their own; the number that the last returns, if any."""

        def work(transaction: ManagedTransaction) -> int:
            rows: list[Record] = []
            for statement in statements:
                rows = list(transaction.run(statement, parameters))
            return int(rows[0]["n"]) if rows else 0

        with self._session() as session:
            done: int = session.execute_write(work)
            return done


def _write_relations(
    transaction: ManagedTransaction,
    kind: str,
    ends: tuple[str, str],
    rows: Sequence[RelationRow],
    run: str,
    must_be_new: bool,
) -> None:
    statement = relation_statement(kind, *ends, f"r.{RUN_PROPERTY} = $trailmix_run, ")
    result = transaction.run(statement, trailmix_rows=rows, trailmix_run=run)
    found = sum(row["found"] for row in result)
    if found != len(rows):
        raise GraphError(
            f"{kind}: {len(rows) - found} of {len(rows)} relations did not find their nodes; "
            "something else deletes from this graph: run the ingestion again"
        )
    if must_be_new and result.consume().counters.relationships_created != len(rows):
        raise NotNewError(kind)


def _collected(variable: str, names: Sequence[str]) -> str:
    """Further columns of a RETURN, a list for each property; {} stands for null, which collect() skips."""
    return "".join(f", collect(coalesce({variable}.{name}, {{}})) AS p{n}" for n, name in enumerate(names))


def _properties(row: Record, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    lists = [row[f"p{n}"] for n in range(len(names))]
    first = row[0]
    for n in range(len(first)):
        yield {name: None if x[n] == {} else x[n] for name, x in zip(names, lists, strict=True)}


def batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Rows, at most `size` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
