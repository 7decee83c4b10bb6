"""Converts the rows of a source to nodes and relations by a mapping; vectorized."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kg.ingestion.dates import convert_dates, convert_datetimes, convert_times
from kg.ingestion.ids import read_ids
from kg.ingestion.mapping import Mapping
from kg.ingestion.mapping_parts import IdType, InteractionMapping, NodeMapping, PropertyMapping
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.template import is_template, render, render_all, template_columns
from kg.ingestion.values import (
    Converted,
    convert_booleans,
    convert_integers,
    convert_numbers,
    convert_texts,
)
from kg.schema import GROUP_PROPERTY
from kg.store.records import PropertyValue


@dataclass(frozen=True)
class Edges:
    """A relation or interaction type in one source: the labels and the columns of head and tail."""

    kind: str
    labels: tuple[str, str]
    columns: tuple[str, str]
    interaction: InteractionMapping | None
    id_types: tuple[IdType, IdType]
    source: SourceMapping


@dataclass(frozen=True)
class SourceUse:
    """The nodes, relations and interactions that a mapping produces from one source."""

    name: str
    source: SourceMapping
    nodes: tuple[tuple[str, NodeMapping], ...]
    edges: tuple[Edges, ...]
    columns: tuple[str, ...]

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of the nodes that the source defines."""
        return frozenset(label for label, _ in self.nodes)

    def own_end(self, label: str, column: str) -> bool:
        """Whether an end of a relation is the node that the same row defines, and so needs no check."""
        return any(name == label and node.id.column == column for name, node in self.nodes)


def use_of(mapping: Mapping, source: str) -> SourceUse:
    """The part of the mapping that uses one source."""
    schema = mapping.graph_schema()
    given = mapping.sources[source]

    def edges(
        kind: str, labels: tuple[str, str], columns: tuple[str, str], about: InteractionMapping | None
    ) -> Edges:
        head, tail = (mapping.nodes[label].id.type for label in labels)
        return Edges(kind, labels, columns, about, (head, tail), given)

    relations = [
        edges(kind, (r.head_label, r.tail_label), (r.head, r.tail), None)
        for kind, r in mapping.relations.items()
        if r.source == source
    ]
    interactions = [
        edges(kind, (schema.user.label, schema.item.label), (i.user, i.item), i)
        for kind, i in mapping.interactions.items()
        if i.source == source
    ]
    columns = dict.fromkeys(column for _, name, column in mapping.columns() if name == source)
    nodes = tuple((label, node) for label, node in mapping.nodes.items() if node.source == source)
    return SourceUse(source, given, nodes, (*relations, *interactions), tuple(columns))


def convert(column: pd.Series, wanted: PropertyMapping, source: SourceMapping) -> Converted:
    """Convert text to property values: str, int, float or bool; dates and times are ISO 8601 text."""
    match wanted.type:
        case "text":
            return convert_texts(column)
        case "integer":
            return convert_integers(column, source)
        case "number":
            return convert_numbers(column, source)
        case "boolean":
            return convert_booleans(column, source)
        case "date":
            return convert_dates(column, wanted.unit, source)
        case "datetime":
            return convert_datetimes(column, wanted.unit, source)


def flat(column: pd.Series) -> pd.Series:
    """A column as text, lists joined by commas."""
    if holds_lists(column):
        return column.str.join(", ").astype("str")
    return column.astype("str") if column.dtype == object else column  # a list column without rows


def holds_lists(column: pd.Series) -> bool:
    """Whether the values of a column are lists."""
    return column.dtype == object and len(column) > 0 and isinstance(column.iloc[0], list)


def ends(frame: pd.DataFrame, edges: Edges) -> pd.DataFrame:
    """The ids `head` and `tail` of the rows' relations, indexed by row; each relation once per row."""
    head, tail = (frame[column] for column in edges.columns)
    if edges.interaction is not None:
        return _with_read_ids(pd.DataFrame({"head": flat(head), "tail": flat(tail)}), edges)
    pairs = pd.DataFrame({"head": head, "tail": tail})
    for end in ("head", "tail"):
        if holds_lists(pairs[end]):
            pairs = pairs.explode(end).dropna()
            pairs[end] = pairs[end].astype("str")
    pairs = _with_read_ids(pairs[(pairs["head"] != "") & (pairs["tail"] != "")], edges)
    if any(holds_lists(column) for column in (head, tail)):
        pairs = pairs[~pairs.assign(row=pairs.index).duplicated()]
    return pairs


def _with_read_ids(pairs: pd.DataFrame, edges: Edges) -> pd.DataFrame:
    head, tail = (
        read_ids(pairs[end], kind, edges.source) for end, kind in zip(pairs, edges.id_types, strict=True)
    )
    return pd.DataFrame({"head": head, "tail": tail})


def node_ids(frame: pd.DataFrame, node: NodeMapping, source: SourceMapping) -> pd.Series:
    """The ids of the rows' nodes."""
    return read_ids(flat(frame[node.id.column]), node.id.type, source)


def node_contents(frame: pd.DataFrame, node: NodeMapping, source: SourceMapping) -> Iterator[pd.Series]:
    """Text columns with the properties of the rows' nodes; equal for two rows that write the same node."""
    frame = _with_node_ids(frame, node, source)
    named = template_columns(node.name) if node.name and is_template(node.name) else (node.name,)
    for column in dict.fromkeys((*named, *(c for piece in node.text for c in template_columns(piece)))):
        if column is not None:
            yield flat(frame[column])
    if node.same_as is not None:
        yield flat(frame[node.same_as])
    for name, wanted in node.properties.items():
        yield convert(flat(frame[wanted.column or name]), wanted, source).values.astype("str")


def node_properties(
    frame: pd.DataFrame, node: NodeMapping, source: SourceMapping
) -> list[dict[str, PropertyValue]]:
    """The properties of each row's node; the rows must have passed their checks."""
    frame = _with_node_ids(frame, node, source)
    properties: dict[str, list[Any]] = {node.name_property: _names(frame, node)}
    for name, wanted in node.properties.items():
        properties[name] = convert(flat(frame[wanted.column or name]), wanted, source).values.tolist()
    if node.same_as is not None:
        properties[GROUP_PROPERTY] = convert_texts(flat(frame[node.same_as])).values.tolist()
    if node.text:
        properties["text"] = [render_all(node.text, row) for row in _records(frame)]
    return [dict(zip(properties, row, strict=True)) for row in zip(*properties.values(), strict=True)]


def _with_node_ids(frame: pd.DataFrame, node: NodeMapping, source: SourceMapping) -> pd.DataFrame:
    """The rows, with the ids of type integer as they are stored."""
    if node.id.type == "text":
        return frame
    return frame.assign(**{node.id.column: node_ids(frame, node, source)})


def implied_properties(external: str, node: NodeMapping) -> dict[str, PropertyValue]:
    """The properties of a node that only relations or interactions name by its id."""
    name = render(node.name, {"id": external}) if node.name and is_template(node.name) else external
    return {"name": name}


def event_properties(
    frame: pd.DataFrame, interaction: InteractionMapping, source: SourceMapping
) -> list[dict[str, PropertyValue]]:
    """Value and time of each row's event; the rows must have passed their checks."""
    properties: dict[str, list[Any]] = {"value": [1.0] * len(frame)}
    if interaction.value is not None:
        properties["value"] = convert_numbers(flat(frame[interaction.value.column]), source).values.tolist()
    if interaction.time is not None:
        times = convert_times(flat(frame[interaction.time.column]), interaction.time.unit, source)
        properties["time"] = times.values.tolist()
    return [dict(zip(properties, row, strict=True)) for row in zip(*properties.values(), strict=True)]


def _names(frame: pd.DataFrame, node: NodeMapping) -> list[str]:
    """The display name of each node; its id if the name is empty."""
    ids = flat(frame[node.id.column]).tolist()
    if node.name is None:
        return ids
    if is_template(node.name):
        names = [render(node.name, row) for row in _records(frame)]
    else:
        names = flat(frame[node.name]).tolist()
    return [name or external for name, external in zip(names, ids, strict=True)]


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")
