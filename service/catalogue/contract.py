"""What goes over the wire to change items and users."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, GetJsonSchemaHandler, JsonValue, ValidationError, model_validator
from pydantic_core import CoreSchema

from kg.graph import GraphSnapshot
from kg.item_changes import ItemChange, NamedEntity, Operation, item_relations
from kg.names import check_name
from kg.nearest_name import nearest_name
from kg.property_columns import TEXT
from kg.schema import LONGEST_ID, RUN_PROPERTY, LabelSchema
from kg.shown import shown
from kg.user_profiles import PREFIX, PROFILE_PROPERTIES
from service.catalogue.change_log import Kind
from service.contract import Contract, Id, LikeId
from service.named_nodes import named_nodes
from service.problems import field_advice, json_pointer
from service.wire import pointer_token

MAX_LINES = 10_000
"""Changes of one request."""
MAX_PROPERTIES = 500
MAX_VALUES = 10_000
"""Values of one list."""
MAX_RELATED = 10_000
"""Relations of one item and type."""
MAX_STATED = 1_000
"""Entities and items that a user likes, mutes or blocks."""
LONGEST_NAME = 2_000
LONGEST_TEXT = 1_000_000
_WHOLE = 2**63
"""Whole numbers from here on do not fit into a graph."""

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


Stated = Annotated[list[LikeId], Field(max_length=MAX_STATED)] | None


class Related(Contract):
    """A node at the other end of a relation: its id, or an object; one with a name may be new."""

    id: Id
    name: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _id_alone(cls, given: Any) -> Any:
        return {"id": given} if isinstance(given, str) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        alone = handler.resolve_ref_schema(whole)["properties"]["id"]
        return {"anyOf": [dict(alone), whole]}


class ChangedNode(Contract):
    """What an item or a user is, for PUT, or what of it changes, for PATCH."""

    name: Name | None = Field(None, description="The name, such as a title. Without one the id is the name.")
    properties: Annotated[dict[str, JsonValue], Field(max_length=MAX_PROPERTIES)] = Field(
        default_factory=dict,
        description="Any others, such as a price: texts, numbers, booleans and lists of one of these. Null"
        " removes one.",
    )


class ChangedProfile(Contract):
    """What a user states; for PATCH, lists that are left out stay. Null is an empty list."""

    likes: Stated = Field(None, description="Entities and items that the user likes, `Label:id`.")
    mutes: Stated = Field(None, description="Those to recommend less, with what has a fact to them.")
    blocks: Stated = Field(None, description="Those never to recommend, nor what has a fact to them.")


class ChangedUser(ChangedNode):
    """A user."""

    profile: ChangedProfile | None = Field(None, description="What the user states; the next list obeys.")


class ChangedItem(ChangedNode):
    """An item."""

    text: str | None = Field(None, max_length=LONGEST_TEXT, description="What the item is, in words.")
    relations: dict[str, Annotated[list[Related], Field(max_length=MAX_RELATED)] | None] = Field(
        default_factory=dict,
        description="By relation, the ids of the nodes that it joins to the item. An entity that the graph"
        " does not have is given as an object with `id` and `name`. They replace the relations of that type.",
    )


class ItemLine(ChangedItem):
    """One line of several changes of items."""

    id: Id
    operation: Operation = "put"


class UserLine(ChangedUser):
    """One line of several changes of users."""

    id: Id
    operation: Operation = "put"


class ChangeAnswer(BaseModel):
    """A change that was accepted."""

    id: str
    change: int = Field(description="The number of the change; `trailmix events list --changes` shows it.")


class LineAnswer(BaseModel):
    """What became of one line."""

    index: int
    """Its place in the request, from 0."""
    id: str | None = None
    status: Literal["accepted", "rejected"]
    change: int | None = None
    pointer: str | None = None
    """A JSON Pointer into the line; "" is the whole line."""
    reason: str | None = None


class RefusedChangeError(Exception):
    """A change that cannot be taken: where, and why."""

    def __init__(self, pointer: str, reason: str, status: int = 422) -> None:
        super().__init__(reason)
        self.pointer, self.status = pointer, status


@dataclass
class Catalogue:
    """What there is to be changed, with the changes of the same request."""

    snapshot: GraphSnapshot
    last_operation: Callable[[Kind, str], Operation | None]
    """What was last accepted of an item or a user, by id, since the graph was read."""
    last_event: Callable[[str], int]
    """The number of a user's last event since then; 0 without one."""
    _new: dict[tuple[str, str], bool] = field(default_factory=dict)
    """By label and id, whether a node is there after the changes of this request."""

    def has(self, label: str, external_id: str) -> bool:
        """Whether there is such a node."""
        if (label, external_id) in self._new:
            return self._new[label, external_id]
        items, users = self.snapshot.items.label, self.snapshot.users.label
        last = None
        if label in (items, users):
            last = self.last_operation("item" if label == items else "user", external_id)
        there = external_id in self.snapshot.vocabulary(label) if last is None else last != "delete"
        return there or (label == users and self.last_event(external_id) > 0)

    def note(self, label: str, change: ItemChange) -> None:
        """A change is accepted; later ones may build on it."""
        self._new[label, change.id] = change.operation != "delete"
        for entity in change.entities:
            self._new[entity.label, entity.id] = True


@dataclass(frozen=True)
class NodeReader:
    """Reads changes of items, or of users."""

    kind: Kind
    body: type[ChangedNode]
    line: type[BaseModel]

    def label(self, snapshot: GraphSnapshot) -> LabelSchema:
        """Its label in the graph."""
        return snapshot.schema.item if self.kind == "item" else snapshot.schema.user

    def read(self, catalogue: Catalogue, external_id: str, operation: Operation, body: Any) -> ItemChange:
        """The change of one node; `body` is None for a deletion.

        Raises:
            RefusedChangeError: it cannot be taken.
        """
        label = self.label(catalogue.snapshot)
        if not 0 < len(external_id) <= LONGEST_ID:
            raise RefusedChangeError("/id", f"an id has 1 to {LONGEST_ID:,} characters")
        if operation != "put" and not catalogue.has(label.label, external_id):
            raise RefusedChangeError("/id", f"no {label.label} has the id {shown(external_id)}", 404)
        given = self.body() if body is None else body
        properties = _properties(given, label, operation)
        if isinstance(given, ChangedUser):
            properties |= _profile(given, catalogue, operation)
        relations: dict[str, tuple[str, ...]] = {}
        entities: list[NamedEntity] = []
        if isinstance(given, ChangedItem):
            relations, entities = _relations(given, catalogue)
        change = ItemChange(external_id, operation, properties, relations, tuple(entities))
        catalogue.note(label.label, change)
        return change

    def read_lines(
        self, values: Sequence[Any], catalogue: Catalogue
    ) -> Iterator[tuple[ItemChange | None, LineAnswer]]:
        """The change of each line, None for one that is rejected, and what becomes of it."""
        for index, value in enumerate(values):
            named = value.get("id") if isinstance(value, dict) else None
            external_id = named if isinstance(named, str) else None
            try:
                line: Any = self.line.model_validate(value)
                body = {x: getattr(line, x) for x in line.model_fields_set - {"id", "operation"}}
                given = self.body.model_construct(set(body), **body)
                change = self.read(catalogue, line.id, line.operation, given)
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False, include_input=False)[0]
                advice = field_advice(first, list(self.line.model_fields))
                yield None, _rejected(index, external_id, json_pointer(first), advice)
            except RefusedChangeError as error:
                yield None, _rejected(index, external_id, error.pointer, str(error))
            else:
                yield change, LineAnswer(index=index, id=line.id, status="accepted")


ITEMS = NodeReader("item", ChangedItem, ItemLine)
USERS = NodeReader("user", ChangedUser, UserLine)


def _rejected(index: int, external_id: str | None, pointer: str, reason: str) -> LineAnswer:
    return LineAnswer(index=index, id=external_id, status="rejected", pointer=pointer, reason=reason)


_OWN: Mapping[str, str] = {"id": "it is the id", RUN_PROPERTY: "Trailmix keeps it for itself"}


def _properties(given: ChangedNode, label: LabelSchema, operation: Operation) -> dict[str, Any]:
    """All properties by name, with the name and the text, where they are given."""
    own = {label.name_property: "name", TEXT: "text"} if isinstance(given, ChangedItem) else {}
    own.setdefault(label.name_property, "name")
    found: dict[str, Any] = {}
    for name, value in given.properties.items():
        pointer = f"/properties/{pointer_token(name)}"
        if name in own:
            raise RefusedChangeError(pointer, f"give this as the field `{own[name]}`")
        if name in PROFILE_PROPERTIES:
            raise RefusedChangeError(pointer, "give this as the field `profile`")
        if name in _OWN:
            raise RefusedChangeError(pointer, f"{name!r} cannot be set: {_OWN[name]}")
        try:
            check_name(name)
        except ValueError as error:
            raise RefusedChangeError(pointer, f"{shown(name)} cannot name a property: {error}") from None
        found[name] = _value(value, pointer)
    for name, attribute in own.items():
        if attribute in given.model_fields_set or operation == "put":
            found[name] = getattr(given, attribute)
    return found if operation == "patch" else {name: x for name, x in found.items() if x is not None}


def _profile(given: ChangedUser, catalogue: Catalogue, operation: Operation) -> dict[str, Any]:
    """What the user states as properties, each name as `Label:id`."""
    found: dict[str, Any] = {}
    stated = given.profile
    for name in ChangedProfile.model_fields:
        if stated is None or name not in stated.model_fields_set:
            if stated is None and "profile" in given.model_fields_set and operation == "patch":
                found[PREFIX + name] = None
            continue
        nodes = [
            _named(x, f"/profile/{name}/{n}", catalogue) for n, x in enumerate(getattr(stated, name) or ())
        ]
        found[PREFIX + name] = list(dict.fromkeys(nodes)) or None
    return found if operation == "patch" else {name: x for name, x in found.items() if x is not None}


def _named(name: str, pointer: str, catalogue: Catalogue) -> str:
    snapshot = catalogue.snapshot
    nodes = named_nodes(snapshot, name)
    forms = [f"{label}:{x}" for label, x in map(snapshot.locate, nodes)]
    if len(nodes) > 1:
        raise RefusedChangeError(pointer, f"{shown(name)} could be {', '.join(forms)}; write one of them")
    if not nodes:
        raise RefusedChangeError(pointer, f"nothing in the graph has the id {shown(name)}; write `Label:id`")
    return forms[0]


def _value(value: JsonValue, pointer: str) -> Any:
    if isinstance(value, dict):
        raise RefusedChangeError(pointer, "a graph has no objects as values; give texts, numbers or a list")
    if not isinstance(value, list):
        return _scalar(value, pointer)
    if len(value) > MAX_VALUES:
        raise RefusedChangeError(pointer, f"a list has at most {MAX_VALUES:,} values, not {len(value):,}")
    kinds = {type(x) for x in value}
    if kinds <= {int, float}:
        return [float(_scalar(x, pointer)) if float in kinds else _scalar(x, pointer) for x in value]
    if kinds != {str}:
        raise RefusedChangeError(pointer, "a list has texts alone, or numbers alone")
    return [_scalar(x, pointer) for x in value]


def _scalar(value: Any, pointer: str) -> Any:
    if type(value) is int and not -_WHOLE <= value < _WHOLE:
        raise RefusedChangeError(pointer, "a whole number has at most 63 bits; send it as a text")
    if isinstance(value, float) and not math.isfinite(value):
        raise RefusedChangeError(pointer, f"{value} is no number that JSON has")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise RefusedChangeError(pointer, f"a text has at most {LONGEST_TEXT:,} characters")
    return value


def _relations(
    given: ChangedItem, catalogue: Catalogue
) -> tuple[dict[str, tuple[str, ...]], list[NamedEntity]]:
    kinds = item_relations(catalogue.snapshot.schema)
    relations: dict[str, tuple[str, ...]] = {}
    entities: list[NamedEntity] = []
    for kind, others in given.relations.items():
        pointer = f"/relations/{pointer_token(kind)}"
        if kind not in kinds:
            raise RefusedChangeError(pointer, f"no relation {shown(kind)}{nearest_name(kind, kinds)}")
        ids = []
        for n, other in enumerate(others or ()):
            if other.name is not None and kinds[kind] != catalogue.snapshot.items.label:
                entities.append(NamedEntity(kinds[kind], other.id, other.name))
            elif not catalogue.has(kinds[kind], other.id):
                raise RefusedChangeError(f"{pointer}/{n}", _unknown(catalogue, kinds[kind], other.id))
            ids.append(other.id)
        relations[kind] = tuple(dict.fromkeys(ids))
    return relations, entities


def _unknown(catalogue: Catalogue, label: str, external_id: str) -> str:
    missing = f"no {label} has the id {shown(external_id)}"
    if label == catalogue.snapshot.items.label:
        return f"{missing}; put it first"
    snapshot = catalogue.snapshot
    first = snapshot.offsets[label]
    ids = snapshot.vocabulary(label).ids
    same = [x for n, x in enumerate(ids) if snapshot.names[first + n].casefold() == external_id.casefold()]
    hint = f"; the id of {shown(external_id)} is {shown(same[0])}" if same else ""
    return f'{missing}{hint}; for a new one write {{"id": ..., "name": ...}}'
