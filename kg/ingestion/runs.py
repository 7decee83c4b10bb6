"""Writes the batches of an ingestion into a store and counts which rows changed the graph.

If a label or type was empty when the run began, its rows are written as new, and the store refuses a batch
that is not new. For a refused batch, and for labels and types that were not empty, the stored values are read
first, and only rows that differ from them are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kg.schema import RUN_PROPERTY
from kg.store.records import Checkpoint, NodeRow, NotNewError, RelationRow, brought_by
from kg.store.store import RunStore

Row = TypeVar("Row", NodeRow, RelationRow)
Key = TypeVar("Key", str, tuple[str, str])


@dataclass
class Batch:
    """The rows of one transaction; each node and relation is paired with the number of its row."""

    nodes: dict[str, list[tuple[int, NodeRow]]] = field(default_factory=dict)
    relations: dict[str, list[tuple[int, RelationRow]]] = field(default_factory=dict)


@dataclass
class _Plan:
    """The nodes and relations of a batch that must be written, and the rows that create or change one."""

    nodes: dict[str, list[NodeRow]] = field(default_factory=dict)
    relations: dict[str, list[RelationRow]] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    changed: tuple[int, int] = (0, 0)


class RunWriter:
    """Writes the batches of one run; a resumed run compares all rows with the stored values."""

    def __init__(self, store: RunStore, run_id: str, *, resumed: bool = False) -> None:
        self.run_id = run_id
        self.nodes = 0
        """How many nodes were created or changed by this process."""
        self.relations = 0
        self._store = store
        self._done = store.checkpoints(run_id) if resumed else {}
        self._used: dict[str, bool] = {}
        self._resumed = resumed

    def checkpoint(self, place: str) -> Checkpoint:
        """The checkpoint of the run for one file."""
        return self._done.get(place, Checkpoint(self.run_id, place, 0, 0, 0))

    def write(self, batch: Batch, place: str, last: int, rows: int) -> Checkpoint:
        """Write a batch of `rows` rows, up to row `last` of a file, in one transaction.

        Raises:
            GraphError: the store cannot write the batch.
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
            plan.nodes[label], owners = self._nodes_to_write(label, named)
            nodes += len(owners)
            plan.rows.update(owners)
        for kind, edges in batch.relations.items():
            plan.relations[kind], owners = self._relations_to_write(kind, edges)
            relations += len(owners)
            plan.rows.update(owners)
        plan.nodes = {label: rows for label, rows in plan.nodes.items() if rows}
        plan.relations = {kind: rows for kind, rows in plan.relations.items() if rows}
        plan.changed = (nodes, relations)
        return plan

    def _nodes_to_write(
        self, label: str, named: list[tuple[int, NodeRow]]
    ) -> tuple[list[NodeRow], list[int]]:
        """The nodes to write, and the rows that create or change a node."""
        if label not in self._used:
            self._used[label] = self._resumed or self._store.has_nodes(label)
        if not named or not self._used[label]:
            return [row for _, row in named], [owner for owner, _ in named]
        ids = [row["id"] for _, row in named]
        return self._differing(named, ids, self._store.stored_nodes(label, ids, _wanted(named)))

    def _relations_to_write(
        self, kind: str, named: list[tuple[int, RelationRow]]
    ) -> tuple[list[RelationRow], list[int]]:
        """The relations to write, and the rows that create or change a relation."""
        if kind not in self._used:
            self._used[kind] = self._resumed or self._store.has_relations(kind)
        if not named or not self._used[kind]:
            return [row for _, row in named], [owner for owner, _ in named]
        pairs = [(row["head"], row["tail"]) for _, row in named]
        return self._differing(named, pairs, self._store.stored_relations(kind, pairs, _wanted(named)))

    def _differing(
        self, named: list[tuple[int, Row]], keys: Sequence[Key], stored: Mapping[Key, Mapping[str, Any]]
    ) -> tuple[list[Row], list[int]]:
        sent: list[Row] = []
        owners: list[int] = []
        for (owner, row), key in zip(named, keys, strict=True):
            known = stored.get(key)
            if known is None:
                owners.append(owner)
                sent.append(row)
                continue
            same, was = _same(known, row["properties"]), known[RUN_PROPERTY]
            now = brought_by(was, self.run_id)
            if not same:
                owners.append(owner)
            if not same or now != was:
                properties = ({} if same else row["properties"]) | {RUN_PROPERTY: now}
                sent.append({**row, "properties": properties})
        return sent, owners


def _wanted(named: Sequence[tuple[int, NodeRow | RelationRow]]) -> list[str]:
    """The names of the stored properties to read for the comparison, with the provenance."""
    return sorted({RUN_PROPERTY}.union(*(row["properties"] for _, row in named)))


def _same(known: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Whether the stored values equal the new ones in value and type: 1, 1.0 and true all differ."""
    return all(type(known[name]) is type(x) and known[name] == x for name, x in properties.items())
