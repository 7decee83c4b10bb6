"""The mapping file: which columns of which sources become nodes, relations and interactions.

`docs/mapping.md` documents every key. `kg.ingestion.ingest` checks before writing that the columns exist.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kg.errors import MappingError
from kg.ingestion.source_mapping import MappingPart, SourceMapping
from kg.ingestion.template import Pieces, Template, is_template, template_columns
from kg.names import alike, check_distinct, composed
from kg.nearest_name import nearest_name
from kg.schema import (
    RUN_PROPERTY,
    GraphSchema,
    InteractionSchema,
    LabelSchema,
    Name,
    Phrase,
    PropertyName,
    Reference,
    RelationSchema,
    Role,
)

KeyPath = tuple[str, ...]
"""The path of a key in the mapping file, such as `("nodes", "Movie", "id")`."""

ValueType = Literal["text", "integer", "number", "boolean"]
TimeUnit = Literal["s", "ms", "us", "iso"]


def plain_phrase(relation_type: str) -> Phrase:
    """The default phrase of a relation without one in the mapping: "A, *published by* B, *as is* C"."""
    return Phrase(out=relation_type.lower().replace("_", " "), back="as is")


def _shorthand(key: str) -> BeforeValidator:
    """Accept a plain string in place of a table with only this key."""
    return BeforeValidator(lambda given: {key: given} if isinstance(given, str) else given)


def _distinct(kind: str, key: Callable[[str], str] = alike) -> BeforeValidator:
    """Refuse a table with keys that have the same key: a dictionary would keep the last of them."""

    def check(given: Any) -> Any:
        if isinstance(given, dict):
            check_distinct(kind, [name for name in given if isinstance(name, str)], key)
        return given

    return BeforeValidator(check)


class _Limits(MappingPart):
    """The allowed values of a column; a row with any other value is rejected."""

    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    one_of: tuple[str, ...] = ()
    """The allowed values; empty: every value is allowed."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min:g} is more than `max` {self.max:g}, so no value would do")
        return self

    @field_validator("one_of", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        """Convert values to text, because YAML parses 1, yes and 2024-05-31 as other types."""
        if not isinstance(given, list):
            return given
        return tuple(str(x).lower() if isinstance(x, bool) else str(x) for x in given)


class PropertyMapping(_Limits):
    """One property of a node."""

    type: ValueType
    column: str | None = None
    """The column of the values; none: the column has the name of the property."""
    required: bool = False
    """Whether a row without a value is rejected."""

    @model_validator(mode="after")
    def _limits_fit_the_type(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in ("integer", "number"):
            raise ValueError(f"`min` and `max` are for integers and numbers, not for {self.type}")
        return self


class NodeMapping(MappingPart):
    """One label; a label without a source gets one node per id in the relations and interactions."""

    role: Role = "entity"
    source: str | None = None
    id: str = "id"
    """The column of the ids."""
    name: Template | None = None
    """The display name: a column, or a template such as "{first} {last}"; none: the id."""
    properties: Annotated[
        dict[PropertyName, Annotated[PropertyMapping, _shorthand("type")]],
        _distinct("property name", composed),
    ] = Field(default_factory=dict)
    text: Pieces = ()
    """The text of an item: templates joined by spaces; a template with an empty column is left out."""

    @property
    def name_property(self) -> str:
        """The property that holds the display name; named after its column where possible."""
        keeps = self.name is not None and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", self.name)
        return (
            self.name
            if self.name and keeps and self.name not in (self.id, "id", "text", RUN_PROPERTY)
            else "name"
        )


class RelationMapping(MappingPart):
    """One relation type; a row with a list in either column produces several relations."""

    head_label: Reference = Field(alias="from")
    tail_label: Reference = Field(alias="to")
    source: str
    head: str
    """The column with the id of the head node."""
    tail: str
    """The column with the id of the tail node."""
    phrase: Phrase | None = None


class TimeMapping(MappingPart):
    """The column with the time of an interaction."""

    column: str
    unit: TimeUnit
    """`s`, `ms` or `us` since 1970, or `iso` for ISO 8601 dates (UTC if a date names no time zone)."""
    min: str | None = None
    """The earliest accepted time, as an ISO 8601 date for every unit."""
    max: str | None = None
    """The latest accepted time, as an ISO 8601 date for every unit."""

    @field_validator("min", "max", mode="before")
    @classmethod
    def _date(cls, given: Any) -> Any:
        """Convert dates to text, because YAML parses 2024-05-31 as a date."""
        text = given.isoformat() if isinstance(given, date) else given
        if isinstance(text, str):
            datetime.fromisoformat(text)
        return text

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = (text and _moment(text) for text in (self.min, self.max))
        if low and high and low > high:
            raise ValueError(f"`min` {self.min} is later than `max` {self.max}, so no time would do")
        return self


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class ValueMapping(_Limits):
    """The column with the value of an interaction, such as a rating, a count or a price."""

    column: str


class InteractionMapping(MappingPart):
    """One type of event between a user and an item."""

    source: str
    user: str
    """The column with the user's id."""
    item: str
    """The column with the item's id."""
    value: Annotated[ValueMapping, _shorthand("column")] | None = None
    """The value of each event; none: every event has the value 1."""
    liked_at_least: float | None = None
    verb: str = "liked"
    time: TimeMapping | None = None


class Mapping(MappingPart):
    """The content of a mapping file, checked for consistency.

    Raises:
        ValidationError: the mapping names an unknown source or label, or its graph schema is invalid.
    """

    sources: dict[str, SourceMapping]
    nodes: Annotated[
        dict[Name, Annotated[NodeMapping, BeforeValidator(lambda given: {} if given is None else given)]],
        _distinct("label"),
    ]
    relations: Annotated[dict[Name, RelationMapping], _distinct("relation type")] = Field(
        default_factory=dict
    )
    interactions: Annotated[dict[Name, InteractionMapping], _distinct("relation type")] = Field(min_length=1)

    _where: Callable[[KeyPath], str] = PrivateAttr(default=".".join)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for path, name, known in self._references():
            if name not in known:
                kind = "label" if path[-1] in ("from", "to") else "source"
                _refuse(path, f"unknown {kind} {name!r}{nearest_name(name, known)}")
        for label, node in self.nodes.items():
            self._check_node(label, node)
        for kind, interaction in self.interactions.items():
            if interaction.liked_at_least is not None and interaction.value is None:
                _refuse(("interactions", kind, "liked_at_least"), "needs a `value` column to compare with")
        try:
            self.graph_schema()
        except ValidationError as error:
            _refuse(("nodes",), "; ".join(plain_message(e["msg"]) for e in error.errors()))
        return self

    def graph_schema(self) -> GraphSchema:
        """The schema of the graph that an ingestion with this mapping produces."""
        return GraphSchema(
            labels=tuple(
                LabelSchema(label=label, role=node.role, name_property=node.name_property)
                for label, node in self.nodes.items()
            ),
            relations=tuple(
                RelationSchema(
                    type=kind, head=r.head_label, tail=r.tail_label, phrase=r.phrase or plain_phrase(kind)
                )
                for kind, r in self.relations.items()
            ),
            interactions=tuple(
                InteractionSchema(type=kind, liked_at_least=i.liked_at_least, verb=i.verb)
                for kind, i in self.interactions.items()
            ),
        )

    def columns(self) -> Iterator[tuple[KeyPath, str, str]]:
        """Every column that the mapping names, as (path of the key, source, column)."""
        for name, source in self.sources.items():
            yield from ((("sources", name, "lists"), name, column) for column in source.lists)
        for label, node in self.nodes.items():
            if node.source is not None:
                for key, column in _node_columns(node):
                    yield ("nodes", label, *key), node.source, column
        for kind, relation in self.relations.items():
            yield ("relations", kind, "head"), relation.source, relation.head
            yield ("relations", kind, "tail"), relation.source, relation.tail
        for kind, interaction in self.interactions.items():
            for key, column in _interaction_columns(interaction):
                yield ("interactions", kind, *key), interaction.source, column

    def error(self, path: KeyPath, problem: str) -> MappingError:
        """An error that names the place in the file that this mapping was read from."""
        return MappingError(f"{self._where(path)}: {problem}")

    def _references(self) -> Iterator[tuple[KeyPath, str, Iterable[str]]]:
        for label, node in self.nodes.items():
            if node.source is not None:
                yield ("nodes", label, "source"), node.source, self.sources
        for kind, relation in self.relations.items():
            yield ("relations", kind, "source"), relation.source, self.sources
            yield ("relations", kind, "from"), relation.head_label, self.nodes
            yield ("relations", kind, "to"), relation.tail_label, self.nodes
        for kind, interaction in self.interactions.items():
            yield ("interactions", kind, "source"), interaction.source, self.sources

    def _check_node(self, label: str, node: NodeMapping) -> None:
        for name in node.properties:
            if name == "id" or (name == "text" and node.role == "item") or name.startswith("trailmix_"):
                _refuse(("nodes", label, "properties", name), f"`{name}` is kept for Trailmix itself")
        if node.text and node.role != "item":
            _refuse(("nodes", label, "text"), "only the label with the role item has a text")
        if node.source is None and (node.properties or node.text):
            _refuse(("nodes", label), "properties and text need a `source`")
        if node.source is None and any(column != "id" for _, column in _node_columns(node)):
            _refuse(("nodes", label), 'without a `source` there is no column but the id: name: "... {id}"')


def _node_columns(node: NodeMapping) -> Iterator[tuple[KeyPath, str]]:
    yield ("id",), node.id
    if node.name is not None:
        for column in template_columns(node.name) if is_template(node.name) else (node.name,):
            yield ("name",), column
    for name, value in node.properties.items():
        yield ("properties", name), value.column or name
    for piece in node.text:
        for column in template_columns(piece):
            yield ("text",), column


def _interaction_columns(interaction: InteractionMapping) -> Iterator[tuple[KeyPath, str]]:
    yield ("user",), interaction.user
    yield ("item",), interaction.item
    if interaction.value is not None:
        yield ("value",), interaction.value.column
    if interaction.time is not None:
        yield ("time", "column"), interaction.time.column


def _refuse(path: KeyPath, problem: str) -> None:
    raise PydanticCustomError("mapping", "{problem}", {"path": path, "problem": problem})


def plain_message(message: str) -> str:
    """A message of pydantic without its prefix."""
    return message.removeprefix("Value error, ")
