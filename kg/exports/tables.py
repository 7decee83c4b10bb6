"""A graph as tables, for export formats that need the names and types of columns before the first row.

There is one table per label and per type. The store is read twice, once for the columns and once for the
rows, so only one batch is in memory. Provenance, and labels and types outside the schema, are left out.
"""

import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kg.errors import GraphError, UsageError
from kg.progress import Report, silent
from kg.schema import GraphSchema
from kg.store.graph_hash import content
from kg.store.store import ReadStore

One = Literal["text", "integer", "number", "boolean"]

_ONES: dict[type, One] = {str: "text", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Kind:
    """The type of a column's values."""

    one: One
    many: bool = False
    """Whether each value is a list."""


@dataclass(frozen=True)
class Table:
    """All nodes of a label (key column id) or all relations of a type (key columns head and tail)."""

    name: str
    ends: tuple[str, str] | None
    """The labels of head and tail; None for a table of nodes."""
    columns: dict[str, Kind]
    """The property columns without the keys, sorted by name."""

    def batches(self, store: ReadStore) -> Iterator[list[tuple[Any, ...]]]:
        """Batches of a few thousand rows; a row is the keys, then a value or None for each column."""
        scan = store.scan_relations if self.ends else store.scan_nodes
        for batch in scan(self.name):
            yield [
                (*keys, *(as_kind(held.get(name), kind) for name, kind in self.columns.items()))
                for *keys, held in batch
            ]


@dataclass(frozen=True)
class GraphTables:
    """The tables of a graph: nodes in the schema's order of labels, relations, interactions."""

    schema: GraphSchema
    nodes: tuple[Table, ...]
    relations: tuple[Table, ...]
    """Interactions come last."""
    state: str
    """The state of the store when the columns were read."""

    def check(self, store: ReadStore) -> None:
        """Check that the graph has not changed since the columns were read.

        Raises:
            GraphError: the graph changed.
        """
        if store.state() != self.state:
            raise GraphError("the graph was written to while it was exported; export it again")


@dataclass(frozen=True)
class Exported:
    """The counts of an export; `notes` are messages about content that the format cannot represent."""

    folder: Path
    nodes: int
    relations: int
    notes: tuple[str, ...] = ()


def read_tables(store: ReadStore, report: Report = silent) -> GraphTables:
    """Read the whole graph to determine the columns of its tables.

    Raises:
        GraphSchemaError: the graph has no schema, because nothing was ingested.
    """
    state, schema = store.state(), store.schema()
    ends = schema.ends
    names = [*(x.label for x in schema.labels), *ends]
    found = []
    for n, name in enumerate(names):
        report("read the columns", n, len(names))
        found.append(Table(name, ends.get(name), _columns(store, name, name in ends)))
    report("read the columns", len(names), len(names))
    cut = len(schema.labels)
    return GraphTables(schema, tuple(found[:cut]), tuple(found[cut:]), state)


def _columns(store: ReadStore, name: str, relations: bool) -> dict[str, Kind]:
    kinds: dict[str, Kind | None] = {}
    for batch in store.scan_relations(name) if relations else store.scan_nodes(name):
        for *_, held in batch:
            for key, value in content(held).items():
                kinds[key] = both(kinds.get(key), kind_of(value))
    return {key: kinds[key] or Kind("text", many=True) for key in sorted(kinds)}


def kind_of(value: Any) -> Kind | None:
    """The kind of a value; None for an empty list, which fits any kind; text for an unknown type."""
    if isinstance(value, list):
        kind: Kind | None = None
        for one in value:
            kind = both(kind, Kind(_ONES.get(type(one), "text")))
        return kind and Kind(kind.one, many=True)
    return Kind(_ONES.get(type(value), "text"))


def both(a: Kind | None, b: Kind | None) -> Kind | None:
    """The common kind of a column with both: integers and floats give floats, other mixtures give text."""
    if a is None or b is None or a == b:
        return a or b
    numbers = a.many == b.many and {a.one, b.one} == {"integer", "number"}
    return Kind("number" if numbers else "text", many=a.many and b.many)


def as_kind(value: Any, kind: Kind) -> Any:
    """Convert a value to the kind of its column."""
    if value is None:
        return None
    if kind.many:
        return [_as_one(x, kind.one) for x in (value if isinstance(value, list) else [value])]
    return _as_one(value, kind.one)


def _as_one(value: Any, one: One) -> Any:
    if one == "number":
        return float(value)
    if one == "text" and not isinstance(value, str):
        return (
            json.dumps(value, ensure_ascii=False, default=str)
            if type(value) in (*_ONES, list)
            else str(value)
        )
    return value


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary folder that is renamed to `target` on success and deleted on failure.

    Raises:
        UsageError: `target` exists and is not an empty folder, or cannot be created.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} is there already; name a new folder")
    part = target.absolute().parent / f".{target.name}.{uuid.uuid4().hex}.part"
    try:
        part.mkdir(parents=True)
        yield part
        part.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def total(tables: Sequence[Table], rows: dict[str, int]) -> int:
    """The number of rows that were written for these tables."""
    return sum(rows[table.name] for table in tables)
