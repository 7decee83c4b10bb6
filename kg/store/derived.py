"""Derived relations: computed from the graph, stored beside its facts, and replaced by each enrichment."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kg.errors import UsageError
from kg.progress import Report, silent
from kg.schema import GraphSchema, RelationSchema
from kg.store.records import RelationRow
from kg.store.store import WriteStore

MARK = "trailmix_enriched"
"""The property with the id of the enrichment that last wrote a relation."""

BATCH = 10_000
"""The number of relations that are written at a time."""


@dataclass(frozen=True)
class Replaced:
    """The counts of one relation type."""

    written: int
    removed: int
    """The number of deleted relations of an earlier enrichment, which this one did not write again."""


def replace_derived(
    store: WriteStore,
    relations: Mapping[str, tuple[RelationSchema, Iterable[RelationRow]]],
    old: Iterable[str] = (),
    report: Report = silent,
) -> dict[str, Replaced]:
    """Write the relations of each type; delete those of earlier enrichments, also of the types `old`.

    After an interruption the graph may hold old and new relations; calling the function again completes it.

    Raises:
        UsageError: one of the types is not a derived type but a type of facts.
    """
    schema = store.schema()
    ingested = {x.type for x in schema.interactions} | {x.type for x in schema.relations if not x.derived}
    for kind in relations:
        if kind in ingested:
            raise UsageError(f"{kind} is a relation that this graph was ingested with; it is not overwritten")
    types = {x.type: x for x in (*schema.relations, *(relation for relation, _ in relations.values()))}
    store.prepare(schema.model_copy(update={"relations": tuple(types.values())}))
    mark = uuid.uuid4().hex
    done = {}
    for kind, (_, rows) in relations.items():
        written = _write(store, kind, rows, mark, report)
        done[kind] = Replaced(written, store.delete_relations(kind, but=(MARK, mark)))
    for kind in old:
        if kind not in relations:
            done[kind] = Replaced(0, store.delete_relations(kind, but=(MARK, mark)))
    return done


def derived_types(schema: GraphSchema, prefix: str) -> list[str]:
    """The derived types whose names begin with `prefix`."""
    return [x.type for x in schema.relations if x.derived and x.type.startswith(prefix)]


def _write(store: WriteStore, kind: str, rows: Iterable[RelationRow], mark: str, report: Report) -> int:
    written, remaining = 0, iter(rows)
    while part := list(islice(remaining, BATCH)):
        marked: list[Any] = [{**row, "properties": {**row["properties"], MARK: mark}} for row in part]
        written += store.upsert_relations(kind, marked)
        report(kind, written, None)
    report(kind, written, written)
    return written
