"""The parts of a mapping file that describe nodes, relations and interactions."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from kg.ingestion.source_mapping import MappingPart
from kg.ingestion.template import Pieces, Template, is_template, template_columns
from kg.names import alike, check_distinct, composed
from kg.schema import GROUP_PROPERTY, RUN_PROPERTY, Phrase, PropertyName, Reference, Role

KeyPath = tuple[str, ...]
"""The path of a key in the mapping file, such as `("nodes", "Movie", "id")`."""

ValueType = Literal["text", "integer", "number", "boolean", "date", "datetime"]
IdType = Literal["text", "integer"]
TimeUnit = Literal["s", "ms", "us", "ns", "iso"]

_TAKEN = ("id", "text", GROUP_PROPERTY, RUN_PROPERTY)
"""The properties with a meaning of their own, which no column may be stored in."""


def _shorthand(key: str) -> BeforeValidator:
    """Accept a plain string in place of a table with only this key."""
    return BeforeValidator(lambda given: {key: given} if isinstance(given, str) else given)


def distinct(kind: str, key: Callable[[str], str] = alike) -> BeforeValidator:
    """Refuse a table with keys that have the same key: a dictionary would keep the last of them."""

    def check(given: Any) -> Any:
        if isinstance(given, dict):
            check_distinct(kind, [name for name in given if isinstance(name, str)], key)
        return given

    return BeforeValidator(check)


def _iso_text(given: Any) -> Any:
    """Convert dates to text, because YAML parses 2024-05-31 as a date."""
    return given.isoformat() if isinstance(given, date) else given


def moment(text: str) -> datetime:
    """The moment of an ISO 8601 date; without a zone, UTC is meant.

    Raises:
        ValueError: the text is no such date.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write it like 2024-05-31") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Limits(MappingPart):
    """The allowed values of a column; a row with any other value is rejected."""

    one_of: tuple[str, ...] = ()
    """The allowed values; empty: every value is allowed."""

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
    unit: TimeUnit = "iso"
    """How a `date` or `datetime` is written."""
    min: float | str | None = None
    """The least allowed value: a number, or an ISO 8601 date for the types `date` and `datetime`."""
    max: float | str | None = None

    @field_validator("min", "max", mode="before")
    @classmethod
    def _number_or_date(cls, given: Any) -> Any:
        given = _iso_text(given)
        if isinstance(given, float) and not isfinite(given):
            raise ValueError("must be a finite number")
        if isinstance(given, bool) or not isinstance(given, str | int | float | None):
            raise ValueError("must be a number, or a date like 2024-05-31")
        return given

    @model_validator(mode="after")
    def _fit_the_type(self) -> Self:
        wanted = {"integer": "number", "number": "number", "date": "date", "datetime": "date"}.get(self.type)
        limits = [limit for limit in (self.min, self.max) if limit is not None]
        if limits and wanted is None:
            raise ValueError(f"`min` and `max` are for numbers and dates, not for {self.type}")
        for limit in limits:
            if isinstance(limit, str) != (wanted == "date"):
                raise ValueError(
                    f"{_plain(limit)} is no {wanted}, so it is no limit for the type {self.type}"
                )
        _check_order(self.min, self.max)
        if self.unit != "iso" and wanted != "date":
            raise ValueError(f"`unit` is for the types date and datetime, not for {self.type}")
        return self


def _plain(limit: float | str) -> str:
    return limit if isinstance(limit, str) else f"{limit:g}"


def _check_order(low: float | str | None, high: float | str | None) -> None:
    """Raise ValueError if a limit in text is no date, or if the limits allow no value."""
    moments = [moment(limit) for limit in (low, high) if isinstance(limit, str)]
    if len(moments) == 2 and moments[0] > moments[1]:
        raise ValueError(f"`min` {low} is later than `max` {high}, so no time would do")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise ValueError(f"`min` {_plain(low)} is more than `max` {_plain(high)}, so no value would do")


class IdMapping(MappingPart):
    """The ids of a label."""

    column: str = "id"
    type: IdType = "text"
    """With `integer`, `12`, `12.0` and `012` are the same id, wherever the label is named."""


class NodeMapping(MappingPart):
    """One label; a label without a source gets one node per id in the relations and interactions."""

    role: Role = "entity"
    source: str | None = None
    id: Annotated[IdMapping, _shorthand("column")] = IdMapping()
    name: Template | None = None
    """The display name: a column, or a template such as "{first} {last}"; none: the id."""
    properties: Annotated[
        dict[PropertyName, Annotated[PropertyMapping, _shorthand("type")]],
        distinct("property name", composed),
    ] = Field(default_factory=dict)
    same_as: str | None = None
    """The column of an item's group; items with the same value are near-duplicates, such as editions."""
    text: Pieces = ()
    """The text of an item: templates joined by spaces; a template with an empty column is left out."""

    @property
    def name_property(self) -> str:
        """The property that holds the display name; named after its column where possible."""
        keeps = self.name is not None and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", self.name)
        return self.name if self.name and keeps and self.name not in (self.id.column, *_TAKEN) else "name"


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
    """`s`, `ms`, `us` or `ns` since 1970, or `iso` for ISO 8601 dates (UTC if a date names no time zone)."""
    min: str | None = None
    """The earliest accepted time, as an ISO 8601 date for every unit."""
    max: str | None = None
    """The latest accepted time, as an ISO 8601 date for every unit."""

    _limit_as_text = field_validator("min", "max", mode="before")(_iso_text)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.min, self.max)
        return self


class ValueMapping(_Limits):
    """The column with the value of an interaction, such as a rating, a count or a price."""

    column: str
    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.min, self.max)
        return self


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
    """The minimum value at which an event counts as liked; none: every value that is not negative does."""
    verb: str = "liked"
    time: TimeMapping | None = None


def node_columns(node: NodeMapping) -> Iterator[tuple[KeyPath, str]]:
    """The columns that a node names, each with its key within the node."""
    yield ("id",), node.id.column
    if node.name is not None:
        for column in template_columns(node.name) if is_template(node.name) else (node.name,):
            yield ("name",), column
    for name, value in node.properties.items():
        yield ("properties", name), value.column or name
    if node.same_as is not None:
        yield ("same_as",), node.same_as
    for piece in node.text:
        for column in template_columns(piece):
            yield ("text",), column


def interaction_columns(interaction: InteractionMapping) -> Iterator[tuple[KeyPath, str]]:
    """The columns that an interaction names, each with its key within the interaction."""
    yield ("user",), interaction.user
    yield ("item",), interaction.item
    if interaction.value is not None:
        yield ("value",), interaction.value.column
    if interaction.time is not None:
        yield ("time", "column"), interaction.time.column
