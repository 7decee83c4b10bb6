"""The mapping file: which columns of which sources become nodes, relations and interactions.

`docs/mapping.md` documents every key. `kg.ingestion.ingest` checks before writing that the columns exist.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from kg.errors import MappingError
from kg.ingestion.template import Pieces, Template, is_template, template_columns
from kg.schema import (
    RUN_PROPERTY,
    GraphSchema,
    InteractionSchema,
    LabelSchema,
    Name,
    Phrase,
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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceMapping(_Part):
    """One or several files of rows; the suffix of the file name determines the format."""

    file: str
    """A path relative to the mapping file, or a pattern such as "orders-*.csv.gz" (matches are sorted)."""
    lists: tuple[str, ...] = ()
    """Columns that hold several values each."""
    separator: str = Field("|", min_length=1)
    """The separator of list values, for formats without a list type."""
    columns: tuple[str, ...] = ()
    """The column names of a CSV file without a header, or JSON keys that only a few lines have."""
    encoding: str = "utf-8"
    quote: str | None = Field('"', pattern=r"^[!-~]$")
    """The character that quotes CSV values containing a delimiter or a line end; none: no quoting."""
    delimiter: str | None = Field(None, pattern=r"^[\t -~]$")
    """The delimiter of CSV values; none: the usual delimiter of the file's suffix."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.quote is not None and self.quote == self.delimiter:
            raise ValueError(f"{self.quote!r} cannot be both `quote` and `delimiter`")
        return self


class _Limits(_Part):
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


class NodeMapping(_Part):
    """One label; a label without a source gets one node per id in the relations and interactions."""

    role: Role = "entity"
    source: str | None = None
    id: str = "id"
    """The column of the ids."""
    name: Template | None = None
    """The display name: a column, or a template such as "{first} {last}"; none: the id."""
    properties: dict[Name, Annotated[PropertyMapping, _shorthand("type")]] = {}
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


class RelationMapping(_Part):
    """One relation type; a row with a list in either column produces several relations."""

    head_label: str = Field(alias="from")
    tail_label: str = Field(alias="to")
    source: str
    head: str
    """The column with the id of the head node."""
    tail: str
    """The column with the id of the tail node."""
    phrase: Phrase | None = None


class TimeMapping(_Part):
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


class InteractionMapping(_Part):
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


class Mapping(_Part):
    """The content of a mapping file, checked for consistency.

    Raises:
        ValidationError: the mapping names an unknown source or label, or its graph schema is invalid.
    """

    sources: dict[str, SourceMapping]
    nodes: dict[Name, Annotated[NodeMapping, BeforeValidator(lambda given: {} if given is None else given)]]
    relations: dict[Name, RelationMapping] = {}
    interactions: dict[Name, InteractionMapping] = Field(min_length=1)

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
            _refuse(("nodes",), "; ".join(_plain(e["msg"]) for e in error.errors()))
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


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        MappingError: the file cannot be read, is not YAML, or is invalid; the message lists each problem with
            its line and key.
    """
    tree, content = _parsed(path)

    def where(key: KeyPath) -> str:
        return f"{path}, line {_line(tree, key)}, {'.'.join(key)}"

    try:
        mapping = Mapping.model_validate(content if content is not None else {})
    except ValidationError as error:
        problems = [_explain(e) for e in error.errors()]
        raise MappingError("\n".join(f"{where(key)}: {problem}" for key, problem in problems)) from None
    mapping._where = where
    return mapping


def _parsed(path: Path) -> tuple[yaml.Node | None, Any]:
    """The file as a tree of YAML nodes, which have line numbers, and as Python values."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, yaml.SafeLoader)
        _refuse_repeated_keys(tree, path)
        content = yaml.safe_load(text)
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise MappingError(f"{path}: cannot be read as YAML: something in it holds itself") from None
    except (ValueError, yaml.YAMLError) as error:
        raise MappingError(f"{path}: cannot be read as YAML: {error}") from None
    if content is not None and not isinstance(content, dict):
        raise MappingError(f"{path}: is no mapping file; one begins with `sources:`, see docs/mapping.md")
    return tree, content


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known name, or all known names."""
    names = [name if name.isprintable() else ascii(name) for name in (str(k)[:100] for k in known)]
    lower = {k.lower(): k for k in names}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {lower[close[0]]!r}?"
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return f"; there is {', '.join(names[:20]) or 'none'}{more}"


def _refuse(path: KeyPath, problem: str) -> None:
    raise PydanticCustomError("mapping", "{problem}", {"path": path, "problem": problem})


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _explain(error: ErrorDetails) -> tuple[KeyPath, str]:
    """The key path and a readable message for one pydantic error."""
    context = error.get("ctx", {})
    path = context.get("path") or tuple(str(key) for key in error["loc"] if key != "[key]")
    match error["type"]:
        case "extra_forbidden":
            known = [f.alias or name for name, f in _model_at(path[:-1]).model_fields.items()]
            return path, f"unknown key{nearest_name(path[-1], known)}"
        case "literal_error":
            known = re.findall(r"'([^']+)'", context["expected"])
            given = str(error["input"])
            return path, f"{given!r} is none of {context['expected']}{nearest_name(given, known)}"
        case "missing":
            return path, "this key is missing"
        case _:
            return path, _plain(error["msg"])


def _model_at(path: KeyPath) -> type[BaseModel]:
    """The pydantic model of the table at a key path."""
    model: type[BaseModel] = Mapping
    keys = iter(path)
    for key in keys:
        found = next((f for name, f in model.model_fields.items() if key in (name, f.alias)), None)
        if found is None:
            break
        if get_origin(found.annotation) is dict:
            next(keys, None)
        model = next(_models_in(found.annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _line(tree: yaml.Node | None, path: KeyPath) -> int:
    """The line of a key, or of the innermost enclosing table that exists."""
    line, node = 1, tree
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _refuse_repeated_keys(node: yaml.Node | None, path: Path) -> None:
    """Raise MappingError for a repeated key; PyYAML would silently use the last one."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if str(key.value) in seen:
            raise MappingError(f"{path}, line {key.start_mark.line + 1}: {key.value!r} is given twice")
        seen.add(str(key.value))
        _refuse_repeated_keys(value, path)
