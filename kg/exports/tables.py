"""A graph as tables, for formats that want a column's name and kind before its first value.

One table for each label and each type; the store is read once to learn the columns and once for the rows, so
no more than a batch is in memory. Provenance is left out, as is what the schema does not name.
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
    """What a column's values are."""

    one: One
    many: bool = False
    """Whether each value is a list of these."""


@dataclass(frozen=True)
class Table:
    """All nodes of a label, whose keys are an id, or all relations of a type, with keys head and tail."""

    name: str
    ends: tuple[str, str] | None
    """The labels of head and tail; None: nodes."""
    columns: dict[str, Kind]
    """Without the keys, in the order of their names."""

    def batches(self, store: ReadStore) -> Iterator[list[tuple[Any, ...]]]:
        """Rows: the keys, then a value or None for each column; a few thousand at a time."""
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
    """The store's when the columns were read."""

    def check(self, store: ReadStore) -> None:
        """Make sure that nobody wrote meanwhile.

        Raises:
            GraphError: somebody did.
        """
        if store.state() != self.state:
            raise GraphError("the graph was written to while it was exported; export it again")


@dataclass(frozen=True)
class Exported:
    """What was written; `notes` name what the format could not hold."""

    folder: Path
    nodes: int
    relations: int
    notes: tuple[str, ...] = ()


def read_tables(store: ReadStore, report: Report = silent) -> GraphTables:
    """Look at all that the graph holds for its columns.

    Raises:
        GraphSchemaError: nothing was ingested.
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
    """What a value is; None for an empty list, which may be of any kind; text for what we know nothing of."""
    if isinstance(value, list):
        kind: Kind | None = None
        for one in value:
            kind = both(kind, Kind(_ONES.get(type(one), "text")))
        return kind and Kind(kind.one, many=True)
    return Kind(_ONES.get(type(value), "text"))


def both(a: Kind | None, b: Kind | None) -> Kind | None:
    """The kind of a column that has both: whole numbers become numbers beside them, the rest text."""
    if a is None or b is None or a == b:
        return a or b
    numbers = a.many == b.many and {a.one, b.one} == {"integer", "number"}
    return Kind("number" if numbers else "text", many=a.many and b.many)


def as_kind(value: Any, kind: Kind) -> Any:
    """A value as its column wants it."""
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
    """A folder to write into that becomes `target` when all went well, and otherwise is gone.

    Raises:
        UsageError: `target` is there and not an empty folder, or cannot be made.
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
    """How many rows were written of these tables."""
    return sum(rows[table.name] for table in tables)
