"""The part of the Bolt store that serves ingestion: batches, checkpoints and undoing runs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from neo4j import ManagedTransaction, Record
from typing_extensions import override

from kg.errors import GraphError, UnknownIdError
from kg.names import quoted
from kg.schema import CHECKPOINT_LABEL, RUN_LABEL, RUN_PROPERTY
from kg.store.bolt_session import BoltSession
from kg.store.records import Checkpoint, NodeRow, NotNewError, RelationRow, RunRecord, Undone
from kg.store.statements import (
    BUMP,
    NODE_BATCH,
    NULL,
    READ_BATCH,
    RELATION_BATCH,
    batches,
    collected,
    node_statement,
    relation_statement,
)
from kg.store.store import RunStore

_CHECKPOINT = (
    f"MERGE (c:{CHECKPOINT_LABEL} {{id: $trailmix_id}}) SET c.run = $trailmix_run, "
    "c.place = $trailmix_place, c.rows = $trailmix_done, c.written = $trailmix_written, "
    "c.unchanged = $trailmix_unchanged"
)

_FORGET_CHECKPOINTS = f"MATCH (c:{CHECKPOINT_LABEL}) WHERE c.run = $trailmix_run DELETE c"
_FINISH = f"MATCH (r:{RUN_LABEL} {{id: $trailmix_run}}) SET r.state = 'finished'"
_FORGET = f"MATCH (r:{RUN_LABEL} {{id: $trailmix_run}}) DELETE r"


class BoltRuns(BoltSession, RunStore):
    """The methods of the Bolt store for ingestion runs."""

    @override
    def begin_run(self, run: RunRecord) -> None:
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

    @override
    def end_run(self, run_id: str) -> None:
        self._do(_FORGET_CHECKPOINTS, _FINISH, trailmix_run=run_id)

    @override
    def runs(self) -> list[RunRecord]:
        found = self._read(
            f"MATCH (r:{RUN_LABEL}) RETURN r.id AS id, r.input AS input, r.mapping AS mapping, "
            "r.began AS began, r.state AS state"
        )
        return sorted((RunRecord(**dict(row)) for row in found), key=lambda run: (run.began, run.id))

    @override
    def checkpoints(self, run_id: str) -> dict[str, Checkpoint]:
        found = self._read(
            f"MATCH (c:{CHECKPOINT_LABEL}) WHERE c.run = $trailmix_run RETURN c.run AS run, "
            "c.place AS place, c.rows AS rows, c.written AS written, c.unchanged AS unchanged",
            trailmix_run=run_id,
        )
        return {row["place"]: Checkpoint(**dict(row)) for row in found}

    @override
    def has_nodes(self, label: str) -> bool:
        return bool(self._read(f"MATCH (n:{quoted(label)}) RETURN 1 AS one LIMIT 1"))

    @override
    def has_relations(self, kind: str) -> bool:
        return bool(self._read(f"MATCH ()-[r:{quoted(kind)}]->() RETURN 1 AS one LIMIT 1"))

    @override
    def stored_nodes(
        self, label: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (n:{quoted(label)} {{id: key}}) "
            f"RETURN collect(n.id) AS ids{_collected_columns('n', properties)}"
        )
        stored: dict[str, dict[str, Any]] = {}
        for batch in batches(ids, READ_BATCH):
            for row in self._read(statement, trailmix_keys=batch):
                stored |= zip(row["ids"], _properties(row, properties), strict=True)
        return stored

    @override
    def stored_relations(
        self, kind: str, pairs: Sequence[tuple[str, str]], properties: Sequence[str]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        head, tail = self._ends(kind)
        statement = (
            f"UNWIND $trailmix_keys AS key MATCH (h:{quoted(head)} {{id: key.head}})-[r:{quoted(kind)}]->"
            f"(t:{quoted(tail)} {{id: key.tail}}) RETURN collect(h.id) AS heads, collect(t.id) AS tails"
            f"{_collected_columns('r', properties)}"
        )
        stored: dict[tuple[str, str], dict[str, Any]] = {}
        for batch in batches(pairs, READ_BATCH):
            keys = [{"head": h, "tail": t} for h, t in batch]
            for row in self._read(statement, trailmix_keys=keys):
                found = zip(row["heads"], row["tails"], strict=True)
                stored |= zip(found, _properties(row, properties), strict=True)
        return stored

    @override
    def write_batch(
        self,
        nodes: Mapping[str, Sequence[NodeRow]],
        relations: Mapping[str, Sequence[RelationRow]],
        checkpoint: Checkpoint,
        *,
        new: Collection[str] = (),
        changes: bool = True,
    ) -> None:
        ends = {kind: self._ends(kind) for kind in relations}

        def work(transaction: ManagedTransaction) -> None:
            created: dict[str, set[str]] = {}
            for label, rows in nodes.items():
                for batch in batches(rows, NODE_BATCH):
                    statement = node_statement(label, f"n.{RUN_PROPERTY} = $trailmix_run, ")
                    done = transaction.run(
                        statement, trailmix_rows=batch, trailmix_run=checkpoint.run
                    ).consume()
                    if label in new and done.counters.nodes_created != len(batch):
                        raise NotNewError(label)
                if label in new:
                    created[label] = {row["id"] for row in rows}
            for kind, edges in relations.items():
                added = 0
                for clause, part in _by_clause(edges, *(created.get(end, set()) for end in ends[kind])):
                    for some in batches(part, RELATION_BATCH):
                        added += _write_relations(transaction, kind, ends[kind], some, checkpoint.run, clause)
                if kind in new and added != len(edges):
                    raise NotNewError(kind)
            # one statement whose records are not awaited, because each answer costs a server round trip
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

    @override
    def undo_run(self, run_id: str) -> Undone:
        if run_id not in {run.id for run in self.runs()}:
            raise UnknownIdError("run", run_id)
        schema = self.schema()
        relations = sum(
            self._undo(h, f"-[x:{quoted(t)}]->()", run_id)[0] for t, (h, _) in schema.ends.items()
        )
        undone = [self._undo(x.label, "", run_id) for x in schema.labels]
        self._do(_FORGET_CHECKPOINTS, _FORGET, BUMP, trailmix_run=run_id)
        return Undone(sum(gone for gone, _ in undone), relations, sum(kept for _, kept in undone))

    def _undo(self, label: str, onward: str, run_id: str) -> tuple[int, int]:
        """Undo one label, or one type with its head label; returns the numbers of deleted and of kept."""
        pattern = f"({'h' if onward else 'x'}:{quoted(label)} {{id: key}}){onward}"
        every = f"UNWIND $trailmix_keys AS key MATCH {pattern} WHERE x.{RUN_PROPERTY}"
        alone = " AND NOT (x)--()" if not onward else ""
        listed = f"' ' + x.{RUN_PROPERTY} + ' '"
        gone = kept = 0
        for keys in self._provenance_batches(label):
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

    def _provenance_batches(self, label: str) -> Iterator[Sequence[Any]]:
        """The ids of a label's nodes in batches, without those that no run can have written."""
        keys = self._read(f"MATCH (n:{quoted(label)}) RETURN collect(n.id) AS ids")[0]["ids"]
        return batches([key for key in keys if isinstance(key, str)], READ_BATCH)

    def _do(self, *statements: str, **parameters: Any) -> int:
        """Run statements in a separate transaction; returns the number `n` of the last one's result, or 0."""

        def work(transaction: ManagedTransaction) -> int:
            rows: list[Record] = []
            for statement in statements:
                rows = list(transaction.run(statement, parameters))
            return int(rows[0]["n"]) if rows else 0

        with self._session() as session:
            done: int = session.execute_write(work)
            return done


def _by_clause(
    rows: Sequence[RelationRow], new_heads: Collection[str], new_tails: Collection[str]
) -> Iterator[tuple[str, Sequence[RelationRow]]]:
    """The rows to CREATE, then those to MERGE.

    A relation of a node that the same transaction created is new, so it need not be searched for; ArcadeDB
    searches all relations of the head. Rows with equal ends are merged, whatever they are.
    """
    if len({(row["head"], row["tail"]) for row in rows}) < len(rows):
        yield "MERGE", rows
        return
    new = [row["head"] in new_heads or row["tail"] in new_tails for row in rows]
    yield "CREATE", [row for row, is_new in zip(rows, new, strict=True) if is_new]
    yield "MERGE", [row for row, is_new in zip(rows, new, strict=True) if not is_new]


def _write_relations(
    transaction: ManagedTransaction,
    kind: str,
    ends: tuple[str, str],
    rows: Sequence[RelationRow],
    run: str,
    clause: str,
) -> int:
    """Write relations by CREATE or MERGE; returns how many of them are new."""
    statement = relation_statement(kind, *ends, f"r.{RUN_PROPERTY} = $trailmix_run, ", clause)
    result = transaction.run(statement, trailmix_rows=rows, trailmix_run=run)
    found = sum(row["found"] for row in result)
    if found != len(rows):
        raise GraphError(
            f"{kind}: {len(rows) - found} of {len(rows)} relations did not find their nodes; "
            "something else deletes from this graph: run the ingestion again"
        )
    return int(result.consume().counters.relationships_created)


def _collected_columns(variable: str, names: Sequence[str]) -> str:
    """Additional columns for a RETURN clause, one collected list per property."""
    return "".join(f", {collected(variable, name)} AS p{n}" for n, name in enumerate(names))


def _properties(row: Record, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    lists = [row[f"p{n}"] for n in range(len(names))]
    first = row[0]
    for n in range(len(first)):
        found = {name: None if x[n] == NULL else x[n] for name, x in zip(names, lists, strict=True)}
        if not isinstance(found.get(RUN_PROPERTY, ""), str):
            found[RUN_PROPERTY] = None  # another program wrote it, so it is no provenance
        yield found
