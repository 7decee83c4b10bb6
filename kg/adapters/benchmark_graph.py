"""Reads the graph of a benchmark folder from TSV files, and makes a snapshot of it or loads it into a store.

An external id is the folder's integer as text, so the graph in a store and the benchmark have the same ids.
"""

import re
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kg.adapters.facts import unused_type
from kg.errors import DataError
from kg.graph import GraphSnapshot, IntArray, NodeArray
from kg.ingestion.chunks import CHUNK_ROWS
from kg.ingestion.ingest import new_run
from kg.ingestion.mapping import plain_phrase
from kg.ingestion.report import IngestReport, SourceReport
from kg.ingestion.runs import Batch, RunWriter
from kg.progress import Report, silent
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, RelationSchema
from kg.snapshot import assemble
from kg.store.records import NodeColumns, NodeRow, RelationColumns, RelationRow
from kg.store.store import RunStore

USER, ITEM, ENTITY, INTERACTED = "User", "Item", "Entity", "INTERACTED"


class Side:
    """The users or the items of a folder: its integers, in the order of the snapshot's indices."""

    def __init__(self, path: Path, key: str, mentioned: pd.Series) -> None:
        table = read_table(path, (key,)) if path.exists() else pd.DataFrame({key: []})
        known = table[key].astype("int64").tolist()
        ids = sorted(map(str, {*known, *mentioned.astype("int64")}))
        names = dict(zip(map(str, known), table["name"], strict=True)) if "name" in table else {}
        self.ids = ids
        self.names = [names.get(external) or external for external in ids]
        self.numbers: IntArray = np.array(ids, np.int64)
        self._index = {int(external): n for n, external in enumerate(ids)}

    def index(self, path: Path, column: pd.Series) -> NodeArray:
        """The snapshot indices of the folder's integers, int32.

        Raises:
            DataError: an integer occurs neither in the interactions nor in the table of ids.
        """
        try:
            return np.array([self._index[n] for n in column.astype("int64")], np.int32)
        except KeyError as error:
            raise DataError(f"{path}: {column.name} {error} is in neither interactions nor ids") from None


@dataclass(frozen=True, eq=False)
class BenchmarkGraph:
    """The graph of a benchmark folder, without the splits."""

    users: Side
    items: Side
    schema: GraphSchema
    nodes: Mapping[str, NodeColumns]
    """By label: items, entities, users."""
    facts: tuple[RelationColumns, ...]
    """In the order of the schema's relations."""
    events: RelationColumns

    def snapshot(self) -> GraphSnapshot:
        """The graph as a snapshot; equals the snapshot of a store after `ingest_benchmark`."""
        return assemble(self.schema, list(self.nodes.values()), list(self.facts), [self.events])


def read_graph(folder: Path) -> BenchmarkGraph:
    """Read interactions, users, items, kg and text of a folder; the last four may be missing.

    Raises:
        DataError: a file cannot be read or lacks a column.
    """
    events = read_table(folder / "interactions.tsv", ("user", "item"))
    events = events.drop_duplicates(["user", "item"], keep="last")
    users = Side(folder / "users.tsv", "uid", events["user"])
    items = Side(folder / "items.tsv", "iid", events["item"])
    facts = _Facts(folder / "kg.tsv", items)
    texts = _texts(folder / "text.tsv")
    schema = GraphSchema(
        labels=(
            LabelSchema(label=USER, role="user"),
            LabelSchema(label=ITEM, role="item"),
            LabelSchema(label=ENTITY, role="entity"),
        ),
        relations=tuple(facts.relations),
        interactions=(InteractionSchema(type=INTERACTED),),
    )
    nodes = {
        ITEM: NodeColumns(items.ids, {"name": items.names, "text": [texts.get(x, "") for x in items.ids]}),
        ENTITY: NodeColumns(facts.entities, {"name": [_readable(x) for x in facts.entities]}),
        USER: NodeColumns(users.ids, {"name": users.names}),
    }
    return BenchmarkGraph(users, items, schema, nodes, tuple(facts.columns), _events(events))


def ingest_benchmark(folder: Path, store: RunStore, report: Report = silent) -> IngestReport:
    """Load a folder's graph into a store; running it again changes nothing.

    The returned report counts nodes and relations as rows.

    Raises:
        DataError: a file cannot be read or lacks a column.
        GraphSchemaError: the stored schema conflicts with the folder's.
    """
    began = time.perf_counter()
    graph = read_graph(folder)
    store.prepare(graph.schema)
    run = new_run("", str(folder))
    store.begin_run(run)
    writer = RunWriter(store, run.id)
    parts = [(label, len(nodes.ids), _node_batches(label, nodes)) for label, nodes in graph.nodes.items()]
    edges = [*zip([r.type for r in graph.schema.relations], graph.facts, strict=True)]
    parts += [(t, len(x.heads), _edge_batches(t, x)) for t, x in (*edges, (INTERACTED, graph.events))]
    done = [_write(writer, folder, name, total, batches, report) for name, total, batches in parts]
    store.end_run(run.id)
    return IngestReport(run.id, tuple(done), time.perf_counter() - began, writer.nodes, writer.relations)


FILES = {ITEM: "items.tsv", USER: "users.tsv", INTERACTED: "interactions.tsv"}
"""The file of each label or type; all other types come from kg.tsv."""


def _write(
    writer: RunWriter, folder: Path, name: str, total: int, batches: Iterable[Batch], report: Report
) -> SourceReport:
    began = time.perf_counter()
    done = writer.checkpoint(name)
    for part, batch in zip(_parts(total), batches, strict=True):
        last = min(part.stop, total)
        done = writer.write(batch, name, last, last - part.start)
        report(name, last, total)
    file = str(folder / FILES.get(name, "kg.tsv"))
    return SourceReport(name, file, total, done.written, done.unchanged, 0, time.perf_counter() - began)


def _node_batches(label: str, nodes: NodeColumns) -> Iterator[Batch]:
    for part in _parts(len(nodes.ids)):
        rows = zip(nodes.ids[part], _rows(nodes.properties, part), strict=True)
        yield Batch(
            nodes={label: [(n, NodeRow(id=x, properties=about)) for n, (x, about) in enumerate(rows)]}
        )


def _edge_batches(kind: str, edges: RelationColumns) -> Iterator[Batch]:
    for part in _parts(len(edges.heads)):
        about = _rows(edges.properties, part) if edges.properties else ({} for _ in edges.heads[part])
        rows = zip(edges.heads[part], edges.tails[part], about, strict=True)
        yield Batch(
            relations={
                kind: [(n, RelationRow(head=h, tail=t, properties=p)) for n, (h, t, p) in enumerate(rows)]
            }
        )


def _parts(total: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK_ROWS) for start in range(0, total, CHUNK_ROWS))


def _rows(properties: dict[str, list[Any]], part: slice) -> Iterator[dict[str, Any]]:
    columns = (values[part] for values in properties.values())
    return (dict(zip(properties, row, strict=True)) for row in zip(*columns, strict=True))


def _events(table: pd.DataFrame) -> RelationColumns:
    times = table["timestamp"].astype("int64").tolist() if "timestamp" in table else [None] * len(table)
    users, items = (table[side].astype("int64").astype(str).tolist() for side in ("user", "item"))
    return RelationColumns(users, items, {"value": [1.0] * len(table), "time": times})


class _Facts:
    """The facts of kg.tsv; one relation type per relation and label of head and tail (item or entity)."""

    def __init__(self, path: Path, items: Side) -> None:
        none = pd.DataFrame({"head": [], "relation": [], "tail": []}, dtype=str)
        table = read_table(path, ("head", "relation", "tail")).drop_duplicates() if path.exists() else none
        known = {f"i:{external}": external for external in items.ids}
        self.relations: list[RelationSchema] = []
        self.columns: list[RelationColumns] = []
        entities: set[str] = set()
        ends = {end: table[end].isin(known) for end in ("head", "tail")}
        for (name, head_is_item, tail_is_item), group in table.groupby(
            ["relation", ends["head"], ends["tail"]], sort=True
        ):
            heads, tails = group["head"].tolist(), group["tail"].tolist()
            head, tail = (ITEM if is_item else ENTITY for is_item in (head_is_item, tail_is_item))
            kind = _type(str(name), {r.type for r in self.relations} | {INTERACTED})
            self.relations.append(
                RelationSchema(type=kind, head=head, tail=tail, phrase=plain_phrase(str(name)))
            )
            entities.update(() if head_is_item else heads, () if tail_is_item else tails)
            heads = [known[x] for x in heads] if head_is_item else heads
            tails = [known[x] for x in tails] if tail_is_item else tails
            self.columns.append(RelationColumns(heads, tails, {}))
        self.entities = sorted(entities)


def _type(name: str, taken: Container[str]) -> str:
    """Convert a relation's name to an unused relation type: `film.directed_by` becomes FILM_DIRECTED_BY."""
    kind = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return unused_type((kind if kind[:1].isalpha() else f"R_{kind}")[:56], taken)


def _readable(entity: str) -> str:
    """The display name of an entity: its id without a short prefix such as `p:`."""
    return re.sub(r"^[a-z]{1,3}:(?=.)", "", entity)


def _texts(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    table = read_table(path, ("iid", "text"))
    return dict(zip(table["iid"].astype("int64").astype(str), table["text"], strict=True))


def read_table(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    """A TSV file, all columns as text.

    Raises:
        DataError: the file cannot be read, or lacks one of the columns `needed`.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    for column in needed:
        if column not in table:
            raise DataError(f"{path}: has no column {column!r}; it has {', '.join(map(str, table.columns))}")
    return table
