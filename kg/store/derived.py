"""Relations made from what the graph holds: written beside the facts, told apart from them, replaceable."""

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
"""Which enrichment wrote a relation last; those of an earlier one go when all of a later one are there."""

WRITTEN = 10_000


@dataclass(frozen=True)
class Replaced:
    """What became of one type."""

    written: int
    removed: int
    """How many of an earlier enrichment were no longer found."""


def replace_derived(
    store: WriteStore,
    relations: Mapping[str, tuple[RelationSchema, Iterable[RelationRow]]],
    old: Iterable[str] = (),
    report: Report = silent,
) -> dict[str, Replaced]:
    """Write the relations of each type; remove what an earlier enrichment left, also of the types `old`.

    Killed in between, it leaves both; run again, it ends as if it had not been.

    Raises:
        UsageError: one of the types is a fact of the graph's own.
    """
    schema = store.schema()
    told = {x.type for x in schema.interactions} | {x.type for x in schema.relations if not x.derived}
    for kind in relations:
        if kind in told:
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
    """The derived types whose names begin so."""
    return [x.type for x in schema.relations if x.derived and x.type.startswith(prefix)]


def _write(store: WriteStore, kind: str, rows: Iterable[RelationRow], mark: str, report: Report) -> int:
    written, left = 0, iter(rows)
    while part := list(islice(left, WRITTEN)):
        marked: list[Any] = [{**row, "properties": {**row["properties"], MARK: mark}} for row in part]
        written += store.upsert_relations(kind, marked)
        report(kind, written, None)
    report(kind, written, written)
    return written
