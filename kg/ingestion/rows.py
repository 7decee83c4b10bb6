"""Checks the rows of a source and converts them to nodes and relations by a mapping; vectorized."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kg.ingestion.chunks import Problem
from kg.ingestion.mapping import (
    InteractionMapping,
    Mapping,
    NodeMapping,
    PropertyMapping,
    ValueMapping,
)
from kg.ingestion.template import is_template, render, render_all, template_columns
from kg.ingestion.values import Converted, convert, convert_times, time_limits
from kg.schema import GROUP_PROPERTY, LONGEST_ID
from kg.store.records import PropertyValue


@dataclass(frozen=True)
class Edges:
    """A relation or interaction type in one source: the labels and the columns of head and tail."""

    kind: str
    labels: tuple[str, str]
    columns: tuple[str, str]
    interaction: InteractionMapping | None


@dataclass(frozen=True)
class SourceUse:
    """The nodes, relations and interactions that a mapping produces from one source."""

    nodes: tuple[tuple[str, NodeMapping], ...]
    edges: tuple[Edges, ...]
    columns: tuple[str, ...]

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of the nodes that the source defines."""
        return frozenset(label for label, _ in self.nodes)

    def own_end(self, label: str, column: str) -> bool:
        """Whether an end of a relation is the node that the same row defines, and so needs no check."""
        return any(name == label and node.id == column for name, node in self.nodes)


def use_of(mapping: Mapping, source: str) -> SourceUse:
    """The part of the mapping that uses one source."""
    schema = mapping.graph_schema()
    ends = (schema.user.label, schema.item.label)
    relations = [
        Edges(kind, (r.head_label, r.tail_label), (r.head, r.tail), None)
        for kind, r in mapping.relations.items()
        if r.source == source
    ]
    interactions = [
        Edges(kind, ends, (i.user, i.item), i)
        for kind, i in mapping.interactions.items()
        if i.source == source
    ]
    columns = dict.fromkeys(column for _, name, column in mapping.columns() if name == source)
    nodes = tuple((label, node) for label, node in mapping.nodes.items() if node.source == source)
    return SourceUse(nodes, (*relations, *interactions), tuple(columns))


class RejectedRows:
    """The rejected rows, and the first problem of each."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.bad = pd.Series(False, index=frame.index)
        self.problems: list[Problem] = []

    def add(self, mask: pd.Series, column: pd.Series, reason: str) -> None:
        """Reject the rows of the mask that are not rejected yet."""
        new = mask & ~self.bad
        if new.any():
            self.bad |= new
            shown = flat(column[new])
            self.problems += [
                Problem(int(row), str(column.name), shortened(value), reason)
                for row, value in zip(shown.index, shown, strict=True)
            ]


def shortened(value: Any) -> str:
    """A value, shortened for a message."""
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def check(frame: pd.DataFrame, use: SourceUse) -> RejectedRows:
    """Check each row on its own, without comparing it with other rows."""
    rejected = RejectedRows(frame)
    for _, node in use.nodes:
        _check_id(rejected, frame[node.id])
        for name, wanted in node.properties.items():
            column = frame[wanted.column or name]
            _check_value(rejected, column, convert(flat(column), wanted.type), wanted)
            if wanted.required:
                _check_key(rejected, column)
    for edges in use.edges:
        head, tail = (frame[column] for column in edges.columns)
        _check_id(rejected, head)
        if edges.interaction is not None:
            _check_id(rejected, tail)
            _check_event(rejected, frame, edges.interaction)
        else:
            _check_length(rejected, tail)
    return rejected


def _check_id(rejected: RejectedRows, column: pd.Series) -> None:
    _check_key(rejected, column)
    _check_length(rejected, column)


def _check_length(rejected: RejectedRows, column: pd.Series) -> None:
    lists = _holds_lists(column)
    longest = column.map(lambda ids: max(map(len, ids), default=0)) if lists else column.str.len()
    rejected.add(longest > LONGEST_ID, column, f"is too long for an id: more than {LONGEST_ID:,} characters")


def _check_key(rejected: RejectedRows, column: pd.Series) -> None:
    rejected.add(_empty(column), column, "is empty; fill it in or remove the row")


def _check_event(rejected: RejectedRows, frame: pd.DataFrame, interaction: InteractionMapping) -> None:
    if interaction.value is not None:
        column = frame[interaction.value.column]
        _check_key(rejected, column)
        _check_value(rejected, column, convert(flat(column), "number"), interaction.value)
    if interaction.time is not None:
        column = frame[interaction.time.column]
        times = convert_times(flat(column), interaction.time.unit)
        rejected.add(times.bad, column, f"is not {times.expected}")
        low, high = time_limits(interaction.time)
        seconds = times.values.astype("float64")
        limits = f"{interaction.time.min or '1970-01-01'} to {interaction.time.max or 'the year 9999'}"
        rejected.add((seconds < low) | (seconds > high), column, f"is not a time from {limits}")


def _check_value(
    rejected: RejectedRows, column: pd.Series, converted: Converted, limits: PropertyMapping | ValueMapping
) -> None:
    rejected.add(converted.bad, column, f"is not {converted.expected}")
    if limits.min is not None:
        rejected.add(_numeric(converted) < limits.min, column, f"is less than {limits.min:g}")
    if limits.max is not None:
        rejected.add(_numeric(converted) > limits.max, column, f"is more than {limits.max:g}")
    if limits.one_of:
        texts = flat(column)
        other = (texts != "") & ~texts.isin(limits.one_of)
        rejected.add(other, column, f"is none of {', '.join(limits.one_of)}")


def _numeric(converted: Converted) -> pd.Series:
    return converted.values.astype("float64")


def flat(column: pd.Series) -> pd.Series:
    """A column as text, lists joined by commas."""
    return column.str.join(", ").astype("str") if _holds_lists(column) else column


def _empty(column: pd.Series) -> pd.Series:
    return column.str.len() == 0 if _holds_lists(column) else column == ""


def _holds_lists(column: pd.Series) -> bool:
    return column.dtype == object and len(column) > 0 and isinstance(column.iloc[0], list)


def ends(frame: pd.DataFrame, edges: Edges) -> pd.DataFrame:
    """The columns `head` and `tail` of the rows' relations, indexed by row; each relation once per row."""
    head, tail = (frame[column] for column in edges.columns)
    if edges.interaction is not None:
        return pd.DataFrame({"head": flat(head), "tail": flat(tail)})
    pairs = pd.DataFrame({"head": head, "tail": tail})
    for end in ("head", "tail"):
        if _holds_lists(pairs[end]):
            pairs = pairs.explode(end).dropna()
            pairs[end] = pairs[end].astype("str")
    pairs = pairs[(pairs["head"] != "") & (pairs["tail"] != "")]
    if any(_holds_lists(column) for column in (head, tail)):
        pairs = pairs[~pairs.assign(row=pairs.index).duplicated()]
    return pairs


def node_contents(frame: pd.DataFrame, node: NodeMapping) -> Iterator[pd.Series]:
    """Text columns with the properties of the rows' nodes; equal for two rows that write the same node."""
    named = template_columns(node.name) if node.name and is_template(node.name) else (node.name,)
    for column in dict.fromkeys((*named, *(c for piece in node.text for c in template_columns(piece)))):
        if column is not None:
            yield flat(frame[column])
    if node.same_as is not None:
        yield flat(frame[node.same_as])
    for name, wanted in node.properties.items():
        yield convert(flat(frame[wanted.column or name]), wanted.type).values.astype("str")


def node_properties(frame: pd.DataFrame, node: NodeMapping) -> list[dict[str, PropertyValue]]:
    """The properties of each row's node; the rows must have passed `check`."""
    properties: dict[str, list[Any]] = {node.name_property: _names(frame, node)}
    for name, wanted in node.properties.items():
        properties[name] = convert(flat(frame[wanted.column or name]), wanted.type).values.tolist()
    if node.same_as is not None:
        properties[GROUP_PROPERTY] = convert(flat(frame[node.same_as]), "text").values.tolist()
    if node.text:
        properties["text"] = [render_all(node.text, row) for row in _records(frame)]
    return [dict(zip(properties, row, strict=True)) for row in zip(*properties.values(), strict=True)]


def implied_properties(external: str, node: NodeMapping) -> dict[str, PropertyValue]:
    """The properties of a node that only relations or interactions name by its id."""
    name = render(node.name, {"id": external}) if node.name and is_template(node.name) else external
    return {"name": name}


def event_properties(frame: pd.DataFrame, interaction: InteractionMapping) -> list[dict[str, PropertyValue]]:
    """Value and time of each row's event; the rows must have passed `check`."""
    properties: dict[str, list[Any]] = {"value": [1.0] * len(frame)}
    if interaction.value is not None:
        properties["value"] = convert(flat(frame[interaction.value.column]), "number").values.tolist()
    if interaction.time is not None:
        times = convert_times(flat(frame[interaction.time.column]), interaction.time.unit)
        properties["time"] = times.values.tolist()
    return [dict(zip(properties, row, strict=True)) for row in zip(*properties.values(), strict=True)]


def _names(frame: pd.DataFrame, node: NodeMapping) -> list[str]:
    """The display name of each node; its id if the name is empty."""
    ids = flat(frame[node.id]).tolist()
    if node.name is None:
        return ids
    if is_template(node.name):
        names = [render(node.name, row) for row in _records(frame)]
    else:
        names = flat(frame[node.name]).tolist()
    return [name or external for name, external in zip(names, ids, strict=True)]


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")
