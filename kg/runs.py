"""One ingestion into a store: batches become transactions, and rows are told by what became of them.

Where a label or type was empty when the run began, everything is taken to be new, and the server's counters
confirm it; where they do not, and for all that held something, what is there is read and compared first, and
what would not change is not written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kg.schema import RUN_PROPERTY
from kg.store import GraphStore
from kg.store_runs import Checkpoint, NodeRow, NotNewError, RelationRow, brought_by

Row = TypeVar("Row", NodeRow, RelationRow)


@dataclass
class Batch:
    """Rows of a file that are written together; each node and relation with the row that names it."""

    nodes: dict[str, list[tuple[int, NodeRow]]] = field(default_factory=dict)
    relations: dict[str, list[tuple[int, RelationRow]]] = field(default_factory=dict)


@dataclass
class _Plan:
    """What of a batch has to be written, and the rows that bring something."""

    nodes: dict[str, list[NodeRow]] = field(default_factory=dict)
    relations: dict[str, list[RelationRow]] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    changed: tuple[int, int] = (0, 0)


class RunWriter:
    """Writes the batches of one run; a run that goes on after it was killed compares everything."""

    def __init__(self, store: GraphStore, run_id: str, *, resumed: bool = False) -> None:
        self.run_id = run_id
        self.nodes = 0
        """How many nodes were created or changed by this process."""
        self.relations = 0
        self._store = store
        self._done = store.checkpoints(run_id) if resumed else {}
        self._used: dict[str, bool] = {}
        self._resumed = resumed

    def checkpoint(self, place: str) -> Checkpoint:
        """How far the run is with a file."""
        return self._done.get(place, Checkpoint(self.run_id, place, 0, 0, 0))

    def write(self, batch: Batch, place: str, last: int, rows: int) -> Checkpoint:
        """Write a batch of `rows` rows, all of them up to number `last` of a file, or nothing of it.

        Raises:
            GraphError: the graph cannot be written to.
        """
        before = self.checkpoint(place)
        while True:
            plan = self._plan(batch)
            written = len(plan.rows)
            done = Checkpoint(
                self.run_id, place, last, before.written + written, before.unchanged + rows - written
            )
            try:
                self._commit(plan, done)
            except NotNewError as found:
                self._used[found.name] = True
                continue
            self._done[place] = done
            self.nodes += plan.changed[0]
            self.relations += plan.changed[1]
            return done

    def _commit(self, plan: _Plan, done: Checkpoint) -> None:
        if plan.nodes or plan.relations:
            new = [name for name, used in self._used.items() if not used]
            self._store.write_batch(plan.nodes, plan.relations, done, new=new, changes=bool(plan.rows))

    def _plan(self, batch: Batch) -> _Plan:
        plan = _Plan()
        nodes = relations = 0
        for label, named in batch.nodes.items():
            if named:
                ids = [row["id"] for _, row in named]
                plan.nodes[label], owners = self._to_write(label, named, ids, is_label=True)
                nodes += len(owners)
                plan.rows.update(owners)
        for kind, edges in batch.relations.items():
            if edges:
                pairs = [(row["head"], row["tail"]) for _, row in edges]
                plan.relations[kind], owners = self._to_write(kind, edges, pairs, is_label=False)
                relations += len(owners)
                plan.rows.update(owners)
        plan.nodes = {label: rows for label, rows in plan.nodes.items() if rows}
        plan.relations = {kind: rows for kind, rows in plan.relations.items() if rows}
        plan.changed = (nodes, relations)
        return plan

    def _to_write(
        self, name: str, named: Sequence[tuple[int, Row]], keys: Sequence[Any], is_label: bool
    ) -> tuple[list[Row], list[int]]:
        """The rows to send, provenance added, and for each that brings something the row of the file."""
        stored: dict[Any, dict[str, Any]] = {}
        if self._is_used(name, is_label):
            wanted = sorted({RUN_PROPERTY}.union(*(row["properties"] for _, row in named)))
            stored |= (
                self._store.stored_nodes(name, keys, wanted)
                if is_label
                else self._store.stored_relations(name, keys, wanted)
            )
        sent: list[Row] = []
        owners: list[int] = []
        for (owner, row), key in zip(named, keys, strict=True):
            known = stored.get(key)
            same = known is not None and _says(known, row["properties"])
            was = known[RUN_PROPERTY] if known is not None else self.run_id
            now = brought_by(was, self.run_id)
            if not same:
                owners.append(owner)
            if not same or now != was:
                properties = ({} if same else row["properties"]) | {RUN_PROPERTY: now}
                sent.append({**row, "properties": properties})
        return sent, owners

    def _is_used(self, name: str, is_label: bool) -> bool:
        if name not in self._used:
            has_any = self._store.has_nodes if is_label else self._store.has_relations
            self._used[name] = self._resumed or has_any(name)
        return self._used[name]


def _says(known: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Whether what is stored says the same; 1 and 1.0 and true are three values."""
    return all(type(known[name]) is type(x) and known[name] == x for name, x in properties.items())
