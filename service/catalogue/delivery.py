"""Delivery of changes of items and users from the change log into the graph, in order.

Every write sets what is there already, so a change that was written before a crash, and not yet marked, is
written again without a trace.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import structlog

from kg.errors import DataError, GraphError
from kg.item_changes import ItemChange, other_label
from kg.schema import GraphSchema
from kg.store.records import NodeRow, RelationRow
from kg.store.store import GraphStore
from kg.store.stored_values import stored_ids
from service.catalogue.change_log import ChangeLog, StoredChange
from service.events.delivery_log import isolate_refused

_log = structlog.get_logger()


def deliver_changes(log: ChangeLog, store: GraphStore, batch: int) -> int:
    """Write the first pending changes; returns how many there were.

    Raises:
        GraphUnavailableError: the graph does not answer; nothing is lost.
        OutboxError: the log cannot be read or written.
    """
    changes = log.pending(batch) if log.exists else []
    if changes:
        schema = store.schema()

        def write(own: Sequence[StoredChange]) -> None:
            _write(store, schema, own)
            log.delivered(x.number for x in own)

        def refused(change: StoredChange, reason: str) -> None:
            log.refused([(change.number, reason)])
            _log.warning("change_refused", number=change.number, reason=reason)

        for alike in _runs(changes):
            isolate_refused(alike, write, refused, (GraphError, DataError))
    return len(changes)


def _runs(changes: Sequence[StoredChange]) -> Iterator[list[StoredChange]]:
    """Changes one after another of one kind and operation, in which each node occurs once."""
    for _, alike in groupby(changes, key=lambda x: (x.kind, x.operation)):
        run: dict[str, StoredChange] = {}
        for change in alike:
            if change.id in run:
                yield list(run.values())
                run = {}
            run[change.id] = change
        yield list(run.values())


def _write(store: GraphStore, schema: GraphSchema, changes: Sequence[StoredChange]) -> None:
    kind, operation = changes[0].kind, changes[0].operation
    label = schema.item.label if kind == "item" else schema.user.label
    if operation == "delete":
        if kind == "user":
            for change in changes:
                store.delete_user(change.id)
        else:
            store.delete_nodes(label, [x.id for x in changes])
        return
    _check_ids(store, schema, label, changes)
    own = [x.change for x in changes]
    rows: list[NodeRow] = [{"id": x.id, "properties": dict(x.properties)} for x in own]
    if operation == "put":
        store.replace_nodes(label, rows)
    else:
        store.upsert_nodes(label, rows)
    if kind == "item":
        _write_entities(store, own)
        _write_relations(store, schema, own, whole=operation == "put")


def _check_ids(store: GraphStore, schema: GraphSchema, label: str, changes: Sequence[StoredChange]) -> None:
    """Refuse ids of digits where another program stored integers: a text would make a twin of the node.

    Raises:
        DataError: a node of the graph has an id that is not text.
    """
    digits = [x.id for x in changes if len(stored_ids(x.id)) > 1]
    if digits and len(store.stored_nodes(label, digits, [])) < len(set(digits)):
        store.prepare(schema)


def _write_entities(store: GraphStore, changes: Sequence[ItemChange]) -> None:
    """Make the entities that the graph does not have; a name that it has stays."""
    named: dict[tuple[str, str], str] = {}
    for entity in (x for change in changes for x in change.entities):
        named.setdefault((entity.label, entity.id), entity.name)
    schema = store.schema()
    for label in {label for label, _ in named}:
        ids = [external for own, external in named if own == label]
        known = store.stored_nodes(label, ids, [])
        name = schema.label(label).name_property
        rows: list[NodeRow] = [
            {"id": x, "properties": {name: named[label, x]}} for x in ids if x not in known
        ]
        if rows:
            store.upsert_nodes(label, rows)


def _write_relations(
    store: GraphStore, schema: GraphSchema, changes: Sequence[ItemChange], *, whole: bool
) -> None:
    """Replace the relations of the types that are given; `whole`: of all types."""
    for relation in schema.relations:
        if other_label(schema, relation.type) is None:
            continue
        own = [x for x in changes if whole or relation.type in x.relations]
        if not own:
            continue
        outward = relation.head == schema.item.label
        store.delete_relations_of(relation.type, [x.id for x in own], end="head" if outward else "tail")
        rows = [
            _row(change.id, other, outward=outward)
            for change in own
            for other in dict.fromkeys(change.relations.get(relation.type, ()))
        ]
        if rows:
            store.upsert_relations(relation.type, rows)


def _row(item: str, other: str, *, outward: bool) -> RelationRow:
    head, tail = (item, other) if outward else (other, item)
    return {"head": head, "tail": tail, "properties": {}}
