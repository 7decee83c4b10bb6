"""A hash of the content of a graph, without provenance: equal content has the same hash on every engine.

Each node and relation is hashed separately in a canonical form, and the hashes are added (AdHash: Bellare and
Micciancio 1997), so the order does not matter, duplicates do, and only one batch is in memory at a time. The
hash detects accidental changes, not forgeries. It leaves out labels and types that the schema does not name.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kg.progress import Report, silent
from kg.schema import GraphSchema
from kg.store.store import ReadStore

INTERNAL = "trailmix_"
"""The prefix of property names that are provenance, not content."""

_MODULUS = 2**256


@dataclass(frozen=True)
class GraphContent:
    """The hash, 64 hex digits, and the counts of the hashed content."""

    hash: str
    nodes: int
    relations: int


def content(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties without provenance."""
    return {name: value for name, value in properties.items() if not name.startswith(INTERNAL)}


def graph_content(store: ReadStore, report: Report = silent) -> GraphContent:
    """Hash all nodes, relations and interactions, and the schema of those labels and types that exist.

    Raises:
        GraphSchemaError: the graph has no schema, because nothing was ingested.
    """
    schema = store.schema()
    total, sizes = 0, {}
    names = [x.label for x in schema.labels] + _types(schema)
    for n, name in enumerate(names):
        report("hash the graph", n, len(names))
        nodes = n < len(schema.labels)
        sizes[name] = 0
        for row in _node_rows(store, name) if nodes else _relation_rows(store, name):
            total = (
                total + int.from_bytes(_digest(["node" if nodes else "relation", name, *row]))
            ) % _MODULUS
            sizes[name] += 1
    report("hash the graph", len(names), len(names))
    digest = hashlib.sha256(total.to_bytes(32))
    digest.update(_digest(_canonical(schema, {name for name, size in sizes.items() if size})))
    held = sum(sizes[x.label] for x in schema.labels)
    return GraphContent(digest.hexdigest(), held, sum(sizes.values()) - held)


def _node_rows(store: ReadStore, label: str) -> Iterator[list[Any]]:
    return ([id_, content(held)] for batch in store.scan_nodes(label) for id_, held in batch)


def _relation_rows(store: ReadStore, kind: str) -> Iterator[list[Any]]:
    return ([head, tail, content(held)] for batch in store.scan_relations(kind) for head, tail, held in batch)


def _types(schema: GraphSchema) -> list[str]:
    return [*(x.type for x in schema.relations), *(x.type for x in schema.interactions)]


def _canonical(schema: GraphSchema, present: set[str]) -> list[Any]:
    """The schema in a canonical order, independent of the order in which mappings were ingested."""

    def part(models: Iterable[Any], key: str) -> list[Any]:
        found = [x for x in models if getattr(x, key) in present]
        return [x.model_dump(mode="json") for x in sorted(found, key=lambda x: str(getattr(x, key)))]

    return [part(schema.labels, "label"), part(schema.relations, "type"), part(schema.interactions, "type")]


def _digest(value: Any) -> bytes:
    # 4 and 4.0 differ, as on both engines; a date that another client wrote is hashed by type and text
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_other)
    return hashlib.sha256(text.encode()).digest()


def _other(value: Any) -> list[str]:
    return [type(value).__name__, str(value)]
