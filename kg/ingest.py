"""From files to the graph: sources and a mapping to batches of rows to the store.

Everything is an upsert, so a run that was killed is completed by running it again, and a second run changes
nothing. Of rows about the same node, or the same pair of nodes, the last one in the file wins. Each chunk of
rows is checked as a whole before any of it is written.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kg.errors import GraphError
from kg.mapping import InteractionMapping, Mapping, NodeMapping, RelationMapping, nearest_name
from kg.progress import Report, silent
from kg.sources import CHUNK_ROWS, DELIMITERS, Converted, Table, convert, convert_times
from kg.store import GraphStore, NodeRow, RelationRow
from kg.template import is_template, render, render_all


@dataclass(frozen=True)
class IngestStep:
    """What became of one source for one label or type; `written` counts nodes or relations."""

    kind: Literal["nodes", "relations", "interactions"]
    name: str
    sources: tuple[str, ...]
    rows: int
    written: int
    seconds: float


@dataclass(frozen=True)
class IngestReport:
    """All steps, in the order they were taken."""

    steps: tuple[IngestStep, ...]
    seconds: float

    @property
    def nodes(self) -> int:
        """How many nodes were written, of all labels."""
        return sum(step.written for step in self.steps if step.kind == "nodes")

    @property
    def relations(self) -> int:
        """How many relations and interactions were written."""
        return sum(step.written for step in self.steps if step.kind != "nodes")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "nodes": self.nodes, "relations": self.relations}


def ingest(mapping: Mapping, folder: Path, store: GraphStore, report: Report = silent) -> IngestReport:
    """Load what `mapping` describes into `store`; its files are relative to `folder`.

    Raises:
        MappingError: it names a file of an unknown format, or a column that the file does not have.
        DataError: a file cannot be read, or a value is wrong; the message names line, column and value.
        GraphSchemaError: the graph already holds something that disagrees with the mapping.
    """
    run = _Run(mapping, open_tables(mapping, folder), store, report)
    began = time.perf_counter()
    store.prepare(mapping.graph_schema())
    steps = [run.nodes(label, node) for label, node in mapping.nodes.items() if node.source]
    steps += [run.implied_nodes(label, node) for label, node in mapping.nodes.items() if not node.source]
    steps += [run.relations(kind, relation) for kind, relation in mapping.relations.items()]
    steps += [run.interactions(kind, interaction) for kind, interaction in mapping.interactions.items()]
    return IngestReport(tuple(steps), time.perf_counter() - began)


def open_tables(mapping: Mapping, folder: Path) -> dict[str, Table]:
    """One table for each source, every column that the mapping names among them.

    Raises:
        MappingError: a format or a column is unknown.
        DataError: a file cannot be read.
    """
    tables, columns = {}, {}
    for name, source in mapping.sources.items():
        path = folder / source.file
        if path.suffix.lower() not in DELIMITERS:
            problem = f"cannot read {source.file!r}{nearest_name(path.suffix, DELIMITERS)}"
            raise mapping.error(("sources", name, "file"), problem)
        tables[name] = Table(path, source)
        columns[name] = tables[name].columns()
    for key, name, column in mapping.columns():
        if column not in columns[name]:
            raise mapping.error(
                key, f"{tables[name].path} has no column {column!r}{nearest_name(column, columns[name])}"
            )
    return tables


class _Run:
    """One ingestion: what it reads, where it writes, and the ids it has seen of each label."""

    def __init__(self, mapping: Mapping, tables: dict[str, Table], store: GraphStore, report: Report) -> None:
        self._mapping = mapping
        self._schema = mapping.graph_schema()
        self._tables = tables
        self._store = store
        self._report = report
        self._ids: dict[str, set[str]] = {label: set() for label in mapping.nodes}

    def nodes(self, label: str, node: NodeMapping) -> IngestStep:
        """Write the nodes of a label that has a source."""
        assert node.source is not None
        table, step = self._tables[node.source], self._step("nodes", label, (node.source,))
        for chunk in table.chunks():
            rows = _node_rows(table, chunk, node)
            self._store.upsert_nodes(label, rows)
            self._ids[label].update(row["id"] for row in rows)
            step.advance(len(chunk))
        return step.end(len(self._ids[label]))

    def implied_nodes(self, label: str, node: NodeMapping) -> IngestStep:
        """Write a node for every id by which relations and interactions name a label without a source."""
        places = list(self._places_of(label))
        step = self._step("nodes", label, tuple(dict.fromkeys(source for source, _ in places)))
        for source, column in places:
            table = self._tables[source]
            for chunk in table.chunks():
                self._ids[label].update(table.split(chunk[column]).explode().dropna())
                step.advance(len(chunk))
        ids = sorted(self._ids[label])
        for start in range(0, len(ids), CHUNK_ROWS):
            self._store.upsert_nodes(label, [_implied_row(x, node) for x in ids[start : start + CHUNK_ROWS]])
        return step.end(len(ids))

    def relations(self, kind: str, relation: RelationMapping) -> IngestStep:
        """Write the relations of one type."""
        table, step = self._tables[relation.source], self._step("relations", kind, (relation.source,))
        written = 0
        for chunk in table.chunks():
            _refuse_empty(table, chunk[relation.head], relation.head)
            pairs = pd.DataFrame(
                {"head": table.split(chunk[relation.head]), "tail": table.split(chunk[relation.tail])}
            )
            pairs = pairs.explode("head").explode("tail").dropna().drop_duplicates()
            self._check_ends(table, pairs["head"], relation.head, relation.head_label)
            self._check_ends(table, pairs["tail"], relation.tail, relation.tail_label)
            written += self._write(kind, pairs, {})
            step.advance(len(chunk))
        return step.end(written)

    def interactions(self, kind: str, interaction: InteractionMapping) -> IngestStep:
        """Write the interactions of one type."""
        table, step = (
            self._tables[interaction.source],
            self._step("interactions", kind, (interaction.source,)),
        )
        written = 0
        for chunk in table.chunks():
            for column in (interaction.user, interaction.item, *filter(None, [interaction.value])):
                _refuse_empty(table, chunk[column], column)
            self._check_ends(table, chunk[interaction.user], interaction.user, self._schema.user.label)
            self._check_ends(table, chunk[interaction.item], interaction.item, self._schema.item.label)
            properties = _event_properties(table, chunk, interaction)
            pairs = pd.DataFrame({"head": chunk[interaction.user], "tail": chunk[interaction.item]})
            written += self._write(kind, pairs[~pairs.duplicated(keep="last")], properties)
            step.advance(len(chunk))
        return step.end(written)

    def _write(self, kind: str, pairs: pd.DataFrame, properties: dict[str, pd.Series]) -> int:
        columns = {name: values.loc[pairs.index].tolist() for name, values in properties.items()}
        rows: list[RelationRow] = [
            {"head": head, "tail": tail, "properties": dict(zip(columns, values, strict=True))}
            for head, tail, *values in zip(
                pairs["head"].tolist(), pairs["tail"].tolist(), *columns.values(), strict=True
            )
        ]
        found = self._store.upsert_relations(kind, rows)
        if found != len(rows):
            raise GraphError(
                f"{kind}: {len(rows) - found} of {len(rows)} relations did not find their nodes; "
                "something else deletes from this graph: run the ingestion again"
            )
        return found

    def _check_ends(self, table: Table, ids: pd.Series, column: str, label: str) -> None:
        unknown = ~ids.isin(self._ids[label])
        if unknown.any():
            source = self._mapping.nodes[label].source
            problem = f"is the id of no {label}; add it to {source} or remove the row"
            raise table.error(_first(unknown), column, str(ids[unknown].iloc[0]), problem)

    def _places_of(self, label: str) -> Iterator[tuple[str, str]]:
        """Each source and column that holds ids of a label, other than its own."""
        for relation in self._mapping.relations.values():
            if relation.head_label == label:
                yield relation.source, relation.head
            if relation.tail_label == label:
                yield relation.source, relation.tail
        for interaction in self._mapping.interactions.values():
            if label == self._schema.user.label:
                yield interaction.source, interaction.user
            if label == self._schema.item.label:
                yield interaction.source, interaction.item

    def _step(self, kind: Any, name: str, sources: tuple[str, ...]) -> "_Step":
        return _Step(kind, name, sources, self._report)


class _Step:
    """Counts one step and says how far it is."""

    def __init__(
        self,
        kind: Literal["nodes", "relations", "interactions"],
        name: str,
        sources: tuple[str, ...],
        report: Report,
    ) -> None:
        self._about = (kind, name, sources)
        self._report = report
        self._rows = 0
        self._began = time.perf_counter()
        report(name, 0, None)

    def advance(self, rows: int) -> None:
        self._rows += rows
        self._report(self._about[1], self._rows, None)

    def end(self, written: int) -> IngestStep:
        self._report(self._about[1], self._rows, self._rows)
        return IngestStep(*self._about, self._rows, written, time.perf_counter() - self._began)


def _node_rows(table: Table, chunk: pd.DataFrame, node: NodeMapping) -> list[NodeRow]:
    _refuse_empty(table, chunk[node.id], node.id)
    chunk = chunk[~chunk[node.id].duplicated(keep="last")]
    properties = {node.name_property: _names(table, chunk, node)}
    for name, wanted in node.properties.items():
        column = wanted.column or name
        values = chunk[column]
        if column in table.mapping.lists and wanted.type == "text":
            values = table.split(values).str.join(", ")
        properties[name] = _accept(table, chunk[column], convert(values, wanted.type)).tolist()
    if node.text:
        properties["text"] = [render_all(node.text, row) for row in _rows_of(table, chunk)]
    return [
        {"id": external, "properties": dict(zip(properties, values, strict=True))}
        for external, *values in zip(chunk[node.id].tolist(), *properties.values(), strict=True)
    ]


def _names(table: Table, chunk: pd.DataFrame, node: NodeMapping) -> list[str]:
    """What people read of each node; where there is nothing to read, its id."""
    ids = chunk[node.id].tolist()
    if node.name is None:
        return ids
    if is_template(node.name):
        names = [render(node.name, row) for row in _rows_of(table, chunk)]
    else:
        names = chunk[node.name].tolist()
    return [name or external for name, external in zip(names, ids, strict=True)]


def _rows_of(table: Table, chunk: pd.DataFrame) -> list[dict[Any, Any]]:
    lists = {name: table.split(chunk[name]) for name in table.mapping.lists}
    return chunk.assign(**lists).to_dict("records")


def _implied_row(external: str, node: NodeMapping) -> NodeRow:
    name = render(node.name, {"id": external}) if node.name and is_template(node.name) else external
    return {"id": external, "properties": {"name": name}}


def _event_properties(
    table: Table, chunk: pd.DataFrame, interaction: InteractionMapping
) -> dict[str, pd.Series]:
    properties = {"value": pd.Series(1.0, index=chunk.index)}
    if interaction.value is not None:
        values = chunk[interaction.value]
        properties["value"] = _accept(table, values, convert(values, "number"))
    if interaction.time is not None:
        times = chunk[interaction.time.column]
        properties["time"] = _accept(table, times, convert_times(times, interaction.time.unit))
    return properties


def _accept(table: Table, column: pd.Series, converted: Converted) -> pd.Series:
    if converted.bad.any():
        value = column[converted.bad].iloc[0]
        raise table.error(_first(converted.bad), str(column.name), value, f"is not {converted.expected}")
    return converted.values


def _refuse_empty(table: Table, column: pd.Series, name: str) -> None:
    empty = column == ""
    if empty.any():
        raise table.error(_first(empty), name, "", "is empty; fill it in or remove the row")


def _first(mask: pd.Series) -> int:
    """The row number of the first true value."""
    return int(mask.index[int(mask.to_numpy(bool).argmax())])
